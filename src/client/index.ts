/**
 * The package `disco`: what applications import. The only barrel of this house.
 */
export { DiscoError } from '../base/error.ts';
export type { ErrorCode, ErrorReason } from '../base/error.ts';
export type { Check, CheckKind, CheckOptions, CheckReport, CheckResult } from './check.ts';
export { Balancer } from './balancer.ts';
export type { BalancerOptions, PolicyName } from './balancer.ts';
export { call } from './call.ts';
export type { Attempt, CallOptions } from './call.ts';
export { Disco } from './disco.ts';
export type { Abortable, ConnectOptions, DeregisterOptions } from './disco-options.ts';
export type { GetOptions, MaintenanceOptions, MaintenanceOutcome } from './disco-options.ts';
export type { PickedInstance, Policy } from './disco-options.ts';
export { GrpcIdentity } from './grpc-identity.ts';
export type { IdentityHandlers } from './grpc-identity.ts';
export { HttpIdentity } from './http-identity.ts';
export type { HttpIdentityOptions } from './http-identity.ts';
export type { Identity, IdentityOptions } from './identity.ts';
export type { FailureKind } from './failure-kind.ts';
export type { Hold } from './hold.ts';
export type { Freshness, InstanceList, ListFilter, ListOptions } from './instance-list.ts';
export { instanceAddress } from './instance.ts';
export type { Endpoint, Health, Instance, Maintenance } from './instance.ts';
export type { Accuser, DaemonStatus, GossipExchange, Member } from './daemon-status.ts';
export type { MaintenanceRule, ServiceFiles } from './daemon-status.ts';
export type { MembersEvent, MemberState } from './daemon-status.ts';
export type { EndpointOptions, RegisterOptions, RegistrationState } from './register-options.ts';
export type { Registration } from './registration.ts';
export { traceInterceptor } from './trace-interceptor.ts';
export type { ServiceView, ViewChange, ViewOptions } from './service-view.ts';

/**
 * The package `disco`: what applications import. The only barrel of this house.
 */
export { DiscoError } from '../base/error.ts';
export type { ErrorCode, ErrorReason } from '../base/error.ts';
export { Balancer } from './balancer.ts';
export type { BalancerOptions, PolicyName } from './balancer.ts';
export { call } from './call.ts';
export type { Attempt, CallOptions } from './call.ts';
export { Disco } from './disco.ts';
export type { Abortable, ConnectOptions, DeregisterOptions, PickedInstance } from './disco.ts';
export type { FailureKind } from './failure-kind.ts';
export type { Hold } from './hold.ts';
export type { InstanceList, ListFilter } from './instance-list.ts';
export { instanceAddress } from './instance.ts';
export type { Health, Instance } from './instance.ts';
export type { Accuser, DaemonStatus, GossipExchange, Member } from './daemon-status.ts';
export type { MembersEvent, MemberState } from './daemon-status.ts';
export type { Registration, RegisterOptions, RegistrationState } from './registration.ts';
export type { ServiceView, ViewChange, ViewOptions } from './service-view.ts';

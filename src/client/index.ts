/**
 * The package `disco`: what applications import. The only barrel of this house.
 */
export { DiscoError } from '../base/error.ts';
export type { ErrorCode, ErrorReason } from '../base/error.ts';
export type { Check, CheckKind, CheckOptions, CheckReport, CheckResult } from './check.ts';
export { Disco } from './disco.ts';
export type { ConnectOptions, DeregisterOptions, PickedInstance } from './disco.ts';
export type { Hold } from './hold.ts';
export type { InstanceList, ListFilter } from './instance-list.ts';
export { instanceAddress } from './instance.ts';
export type { Health, Instance } from './instance.ts';
export type { Accuser, DaemonStatus, GossipExchange, Member } from './daemon-status.ts';
export type { MembersEvent, MemberState } from './daemon-status.ts';
export type { Registration, RegisterOptions, RegistrationState } from './registration.ts';
export type { ServiceView, ViewChange, ViewOptions } from './service-view.ts';

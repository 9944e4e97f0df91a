/**
 * What an application says when it registers, and the request that it becomes.
 */
import { DiscoError } from '../base/error.ts';
import { checkToProto, type CheckOptions } from './check.ts';
import type { Identity } from './identity.ts';
import { textMapOf, textOf, textsOf } from './request-text.ts';

/** Milliseconds. */
export const ttlMsDefault = 10_000;
const deregisterAfterMsDefault = 60_000;
/** Milliseconds. */
export const lingerMsMax = 60_000;

/** `lost`: the daemon is away, or no longer knows the instance; being mended. */
export type RegistrationState = 'registered' | 'lost';

/** A further port to register. */
export interface EndpointOptions {
  readonly name: string;
  readonly port: number;
  readonly ip?: string | undefined;
}

/** What to register, and how. */
export interface RegisterOptions {
  /** 1-128 of letters, digits, `.`, `_`, `-`; the same goes for `name`. */
  readonly group: string;
  readonly name: string;
  /** Default: the address at which peers can reach this host. */
  readonly ip?: string | undefined;
  /** Default: the daemon picks a free port of this host; see Registration.port. */
  readonly port?: number | undefined;
  /** Default: `ip:port`. */
  readonly instanceId?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly version?: string | undefined;
  /** How much of the calls it is meant to get beside its likes, 1 to 65535; default 100. */
  readonly weight?: number | undefined;
  /** Where it runs; default: the daemon's zone. */
  readonly zone?: string | undefined;
  /** Further ports by name, 16 at most; without an ip, of the instance's. */
  readonly endpoints?: readonly EndpointOptions[] | undefined;
  /**
   * Milliseconds without a heartbeat until the instance turns critical; default 10,000. 0: no
   * heartbeats; the daemon holds the registration until it is taken back.
   */
  readonly ttlMs?: number | undefined;
  /**
   * Milliseconds from critical to deregistered; default 60,000 with a ttl. 0: never. With a ttl only
   * missed heartbeats count, without one the checks.
   */
  readonly deregisterAfterMs?: number | undefined;
  /**
   * What the daemon checks at the instance's address, 8 of them at most. It is critical until they
   * pass; then the worst of them, and of the ttl, is its health.
   */
  readonly checks?: readonly CheckOptions[] | undefined;
  /**
   * An HttpIdentity or a GrpcIdentity that the server at the address answers with: the daemon checks
   * that it is still this process, and turns the instance critical at once when it is another.
   */
  readonly identity?: Identity | undefined;
  /**
   * Milliseconds that close() takes longer once the daemon has taken the registration back, so that
   * callers hear of it while the service still serves; default 0, at most 60,000.
   */
  readonly lingerMs?: number | undefined;
  /** Aborting it closes the registration. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when the state changes, with what went wrong when it is `lost`; of one that is lost
   * again, when the daemon is back and refuses it for another reason.
   */
  readonly onStateChange?:
    ((state: RegistrationState, problem: DiscoError | undefined) => void) | undefined;
}

/**
 * Refuses what the request does not show, or protobuf would silently bend into another number.
 *
 * @throws DiscoError INVALID_ARGUMENT: INVALID_TTL, INVALID_PORT, USAGE
 */
export function checkOptions(options: RegisterOptions): void {
  checkMilliseconds('ttlMs', options.ttlMs);
  checkMilliseconds('deregisterAfterMs', options.deregisterAfterMs);
  checkPort(options.port);
  checkLinger(options.lingerMs);
}

/** @throws DiscoError INVALID_ARGUMENT: USAGE, INVALID_WEIGHT, INVALID_PORT, INVALID_CHECK */
export function requestOf(options: RegisterOptions) {
  const { checks, identity } = options;
  const all = identity === undefined ? checks : [...(checks ?? []), identity.check];
  const ttlMs = options.ttlMs ?? ttlMsDefault;
  return {
    group: textOf('group', options.group),
    name: textOf('name', options.name),
    ip: textOf('ip', options.ip),
    port: options.port ?? 0,
    instanceId: textOf('instanceId', options.instanceId),
    metadata: textMapOf('metadata', options.metadata),
    tags: textsOf('tags', options.tags),
    version: textOf('version', options.version),
    weight: weightToProto(options.weight),
    zone: textOf('zone', options.zone),
    endpoints: (options.endpoints ?? []).map(endpointToProto),
    ttlMs,
    deregisterAfterMs: options.deregisterAfterMs ?? (ttlMs === 0 ? 0 : deregisterAfterMsDefault),
    ...(all !== undefined && { checks: all.map(checkToProto) }),
    ...(identity !== undefined && { identityKey: identity.publicKey }),
  };
}

function checkMilliseconds(field: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return;
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_TTL',
    `${field} is ${value}; expected whole milliseconds, 0 for none`,
  );
}

function checkLinger(value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= lingerMsMax)) return;
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'USAGE',
    `lingerMs is ${value}; expected milliseconds from 0 to ${lingerMsMax}`,
  );
}

function weightToProto(weight: number | undefined): number {
  if (weight === undefined || (Number.isInteger(weight) && weight >= 1 && weight <= 65_535))
    return weight ?? 0;
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_WEIGHT',
    `weight is ${weight}; expected 1 to 65535`,
  );
}

function endpointToProto({ name, port, ip }: EndpointOptions) {
  checkPort(port);
  return { name: textOf('name of an endpoint', name), port, ip: textOf('ip of an endpoint', ip) };
}

function checkPort(port: number | undefined): void {
  if (port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535)) return;
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_PORT',
    `port is ${port}; expected 1 to 65535, or 0 to let the daemon pick one`,
  );
}

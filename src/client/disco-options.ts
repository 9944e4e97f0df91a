/** What a client of the daemon is asked with, and what it answers. */
import type { Clock } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import { disco } from '../gen/discovery.js';
import type { Hold } from './hold.ts';
import type { Freshness } from './instance-list.ts';
import type { Instance } from './instance.ts';

/** How to reach the daemon. */
export interface ConnectOptions {
  /** `unix:/path`, `host:port` or `[v6]:port`; default: DISCO_ADDR, else DATA-DIR/daemon.json. */
  readonly address?: string | undefined;
  /** Where daemon.json is; default: DISCO_DATA_DIR, else $XDG_STATE_HOME/disco or its default. */
  readonly dataDir?: string | undefined;
  /** Milliseconds that a call may take, the first one too; default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** How many services resolve() keeps a view of; default 256. */
  readonly resolvedViewsMax?: number | undefined;
  /** Time, for tests; default: the system's. */
  readonly clock?: Clock | undefined;
  /** Ends the connecting, not the client. */
  readonly signal?: AbortSignal | undefined;
}

/** A call that can be given up: it throws the signal's reason then. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/** What to take back: `instanceId`, or `ip` and `port`, or neither if there is only one. */
export interface DeregisterOptions extends Abortable {
  readonly group: string;
  readonly name: string;
  readonly ip?: string | undefined;
  readonly port?: number | undefined;
  readonly instanceId?: string | undefined;
}

/** What to take out of use, or to give back; neither service nor instance: the whole node. */
export interface MaintenanceOptions extends Abortable {
  readonly on: boolean;
  readonly group?: string | undefined;
  readonly name?: string | undefined;
  /** Default: all instances of the service, those that are registered later too. */
  readonly instanceId?: string | undefined;
  /** For people; at most 256 bytes. */
  readonly reason?: string | undefined;
}

/** What has become of it. */
export interface MaintenanceOutcome {
  /** Instances of the daemon that were meant. */
  readonly instances: number;
  /** Of these, those that are in maintenance now. */
  readonly inMaintenance: number;
  /** Nodes with further instances, which only their own daemons can change. */
  readonly elsewhere: readonly string[];
}

/** One instance, and among how many it was picked. */
export interface PickedInstance {
  readonly instance: Instance;
  readonly candidates: number;
  /** The daemon has not yet completed a reconcile with a peer: there may be others. */
  readonly partial: boolean;
  /** Every link of the daemon is lost: what it knows may be old. */
  readonly isolated: boolean;
  /** Most of the service fell silent at once, and its last good answer is held: see Hold. */
  readonly hold: Hold | undefined;
  /** Milliseconds since the daemon's last completed reconcile; undefined before the first. */
  readonly sinceReconcileMs: number | undefined;
  /** It is older than the `maxStaleMs` that was asked for. */
  readonly stale: boolean;
}

/** How the daemon picks: see `GetRequest.Policy` in discovery.proto. */
export type Policy = 'random' | 'round_robin' | 'nearest' | 'weighted' | 'least_load';

/** What to ask of the daemon that picks. */
export interface GetOptions extends Freshness, Abortable {
  /** Default: random. */
  readonly policy?: Policy | undefined;
}

const wirePolicy: Readonly<Record<Policy, disco.v1.GetRequest.Policy>> = {
  random: disco.v1.GetRequest.Policy.RANDOM,
  round_robin: disco.v1.GetRequest.Policy.ROUND_ROBIN,
  nearest: disco.v1.GetRequest.Policy.NEAREST,
  weighted: disco.v1.GetRequest.Policy.WEIGHTED,
  least_load: disco.v1.GetRequest.Policy.LEAST_LOAD,
};

/** @throws DiscoError INVALID_ARGUMENT/USAGE for a policy that there is not */
export function policyToProto(policy: Policy): disco.v1.GetRequest.Policy {
  const known: disco.v1.GetRequest.Policy | undefined = wirePolicy[policy];
  if (known !== undefined) return known;
  const names = Object.keys(wirePolicy).join(', ');
  const sentence = `the policy of get is ${JSON.stringify(policy)}; expected one of ${names}`;
  throw new DiscoError('INVALID_ARGUMENT', 'USAGE', sentence);
}

/**
 * Warm start: a cluster in which all nodes know each other, as if they had run for a while.
 *
 * One registry hears of every owner; the registry and the disk of each node are forks of it, which
 * cost nothing until they change.
 */
import { assert } from '../base/assert.ts';
import type { Now } from '../base/clock.ts';
import type { Config } from '../daemon/config.ts';
import { SettledHeads } from '../gossip/settled-heads.ts';
import type { NodeFacts } from '../record/head.ts';
import type { OwnerState } from '../record/merge.ts';
import type { Verifier } from '../record/signature.ts';
import type { Identity } from '../registry/own-state.ts';
import { Registry } from '../registry/registry.ts';
import type { Sharing } from '../registry/sharing.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { Registration } from '../store/store.ts';

/** Coded symbols that a simulated node keeps: an eighth of a daemon's, for the sake of memory. */
export const simSymbols = 1_024;

/** One node that is to be there. */
export interface WarmSpec {
  readonly identity: Identity;
  readonly facts: NodeFacts;
  readonly registrations: readonly Registration[];
  /** When it signed its head, µs. */
  readonly wallMicros: number;
}

export interface WarmNode {
  readonly registry: Registry;
  readonly store: MemoryStore;
  readonly heads: SettledHeads;
}

/** @returns the nodes in the order of their specs */
export function warmNodes(
  specs: readonly WarmSpec[],
  verifier: Verifier,
  config: Config,
  sharing: Sharing,
  now: Now,
): WarmNode[] {
  const [first, ...others] = specs;
  if (first === undefined) return [];
  const wholeStore = new MemoryStore('template');
  const whole = begin(first, wholeStore, verifier, config, sharing);
  for (const spec of others) {
    const own = ownStateOf(begin(spec, new MemoryStore(), verifier, config, sharing));
    const records = [...own.set.records()].map(({ bytes }) => bytes);
    const received = whole.receive(own.head, records, true, now);
    assert(received.kind === 'applied', 'an honest owner is believed');
  }
  whole.flush();
  const heads = new SettledHeads(first.identity.cluster, simSymbols);
  heads.follow(whole, now.monoMs);
  heads.settle(now.monoMs, 0, Infinity);
  return specs.map(({ identity }) => {
    const store = wholeStore.fork(`store of ${identity.signer.owner}`);
    const registry = whole.fork({ identity, store, now });
    return { registry, store, heads: heads.fork(registry) };
  });
}

function begin(
  { identity, facts, registrations, wallMicros }: WarmSpec,
  store: MemoryStore,
  verifier: Verifier,
  config: Config,
  sharing: Sharing,
): Registry {
  // A head that was signed then; on the monotonic clock all of it is now.
  const then = { monoMs: 0, wallMicros };
  const registry = new Registry(identity, facts, verifier, store, config, then, { sharing });
  registry.begin(facts, then);
  const mutations = registrations.map((registration) => {
    return { kind: 'register' as const, registration };
  });
  registry.commit(mutations, then);
  return registry;
}

function ownStateOf(registry: Registry): OwnerState {
  const own = registry.state(registry.self);
  assert(own !== undefined, 'a node that began its life has a head');
  return own;
}

/** Histories of an owner, made up by fast-check: writes, tombstones, floors, forks, equivocations. */
import fc from 'fast-check';
import type { Test } from 'tap';
import type { OwnerState } from '../../src/record/merge.ts';
import { merge } from '../../src/record/merge.ts';
import { healths } from '../../src/record/record.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { advance } from '../../src/registry/own-state.ts';
import type { Mutation, OwnAdvance, OwnBounds } from '../../src/registry/own-state.ts';
import { makeFacts, makeHead, startMicros, wideBounds } from '../record/fixtures.ts';
import { deregister, keyOf, makeIdentity, register, smallConfig } from '../registry/fixtures.ts';

/** Equal on every run. */
export const runs = (numRuns: number) => ({ seed: 20_251_121, numRuns });

/** Checks a property whose predicate throws; a failure prints the seed and what it shrank to. */
export function holds<Ts>(t: Test, numRuns: number, property: fc.IProperty<Ts>): void {
  t.doesNotThrow(() => fc.assert(property, runs(numRuns)));
}

const instanceId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(instanceId, fc.integer({ min: 1, max: 99 })).map(toRegister) },
  { weight: 5, arbitrary: instanceId.map(deregister) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(instanceId, fc.constantFrom(...healths))
      .map(([id, health]) => ({ kind: 'health' as const, key: keyOf(id), health })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'refresh' as const }) },
  {
    weight: 1,
    arbitrary: fc.nat(9).map((above) => ({ kind: 'reincarnate' as const, above })),
  },
  { weight: 1, arbitrary: fc.nat(60).map(toReclaim) },
);

function toRegister([id, port]: [string, number]): Mutation {
  return register(id, { port });
}

function toReclaim(micros: number): Mutation {
  const lastUpdate = startMicros + micros;
  return { kind: 'reclaim', above: makeHead(undefined, { lastUpdate, incarnation: 3 }).head };
}

export interface Step {
  readonly mutations: readonly Mutation[];
  /** What the owner's clock says, µs after the beginning. Few values, so that forks collide. */
  readonly micros: number;
  /** How many states back the owner starts from: more than 0 is a restored backup. */
  readonly back: number;
}

const step = (backMax: number): fc.Arbitrary<Step> =>
  fc.record({
    mutations: fc.array(mutation, { maxLength: 4 }),
    micros: fc.constantFrom(0, 20, 40, 60),
    back: fc.nat(backMax),
  });

/** A life without restored backups. */
export const straightHistory = fc.array(step(0), { minLength: 1, maxLength: 10 });
/** A life whose owner forgets, and says two things at once. */
export const forkedHistory = fc.array(step(3), { minLength: 3, maxLength: 10 });

/** Tight, so that tombstones are collected on the way. */
export const historyBounds: OwnBounds = {
  ...smallConfig,
  tombstoneGraceMs: 0.01,
  tombstonesMax: 2,
};

/** All advances of a history, in the order in which they were made. */
export function play(history: readonly Step[], key = 1): OwnAdvance[] {
  const identity = makeIdentity(key);
  const states: (OwnerState | undefined)[] = [undefined];
  return history.map(({ mutations, micros, back }) => {
    const base = states[Math.max(0, states.length - 1 - back)];
    // Only what is alive can begin: the first mutation of a life raises the incarnation.
    const all =
      base === undefined ? [{ kind: 'reincarnate' as const, above: 0 }, ...mutations] : mutations;
    const clock = startMicros + micros;
    const moved = advance(base, makeFacts(), all, identity, historyBounds, clock);
    states.push(moved.next);
    return moved;
  });
}

export function recordsOf({ set }: OwnerState): SealedRecord[] {
  return [...set.records()];
}

/** The records that an honest answerer sends to one who holds `version`. */
export function deltaFrom(state: OwnerState, version: number): SealedRecord[] {
  return recordsOf(state).filter(({ record }) => record.lastUpdate > version);
}

/** What becomes of a holder of `held` when it is given all of `other`. */
export function join(held: OwnerState, other: OwnerState): OwnerState {
  const verdict = merge(held, other.head, recordsOf(other), true, wideBounds);
  return verdict.kind === 'applied' ? verdict.next : held;
}

/** A state as text: equal exactly when the states are. */
export function textOf({ head, set }: OwnerState): string {
  const hashes = [...set.records()].map(({ hash }) => Buffer.from(hash).toString('hex'));
  return [Buffer.from(head.hash).toString('hex'), ...hashes.sort()].join(' ');
}

/** A set as a disk has it, after puts and removes. */
export function written(
  before: OwnerState | undefined,
  removes: readonly SealedRecord[],
  puts: readonly SealedRecord[],
): string[] {
  const rows = new Map((before ? recordsOf(before) : []).map((sealed) => [sealed.key, sealed]));
  for (const { key } of removes) rows.delete(key);
  for (const put of puts) rows.set(put.key, put);
  return [...rows.values()].map(({ hash }) => Buffer.from(hash).toString('hex')).sort();
}

export function rowsOf(state: OwnerState): string[] {
  return written(state, [], []);
}

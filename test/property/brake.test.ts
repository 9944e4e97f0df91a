/**
 * The brake in a whole registry against a dumb twin, over made-up disasters: owners that fall
 * silent, are refused, leave, return, register and deregister, while time passes in any steps.
 */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import { heldInstancesMin, heldOwnersMin } from '../../src/registry/brake.ts';
import { recordKey } from '../../src/record/record.ts';
import type { Mutation } from '../../src/registry/own-state.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { startMicros } from '../record/fixtures.ts';
import { Owner, register, sendWhole, smallConfig, startNode } from '../registry/fixtures.ts';
import { holds } from './histories.ts';

const { brakeWindowMs, holdMaxMs } = smallConfig;
const ownersCount = 6;
const names = ['cart', 'pay'];

type Operation =
  | { kind: 'silent' | 'refused' | 'linked' | 'leave' | 'return'; owner: number }
  | { kind: 'register' | 'deregister'; owner: number; name: string; id: string }
  | { kind: 'pass'; ms: number };

const owner = fc.nat(ownersCount - 1);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('silent' as const), owner }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('refused' as const, 'leave' as const),
      owner,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('linked' as const, 'return' as const), owner }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('register' as const, 'deregister' as const),
      owner,
      name: fc.constantFrom(...names),
      id: fc.constantFrom('a', 'b'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 1_000, brakeWindowMs, brakeWindowMs + 1, holdMaxMs),
    }),
  },
);

/** Most owners fall silent at once, as when a network breaks, or are back as when it heals. */
const storm: fc.Arbitrary<Operation[]> = fc
  .tuple(fc.constantFrom('silent', 'silent', 'linked'), fc.uniqueArray(owner, { minLength: 3 }))
  .map(([kind, owners]) => owners.map((one) => ({ kind, owner: one }) as Operation));

const disaster: fc.Arbitrary<Operation[]> = fc
  .array(fc.oneof({ weight: 6, arbitrary: operation.map((one) => [one]) }, storm), {
    minLength: 5,
    maxLength: 40,
  })
  .map((parts) => parts.flat());

type State = 'alive' | 'dead' | 'left';

interface TwinInstance {
  readonly owner: number;
  readonly name: string;
  readonly id: string;
  status: 'shown' | 'lost' | 'held' | 'hidden';
  lostMs: number;
}

/** The rules once more, as lists that are searched from end to end. */
class Twin {
  readonly states: State[] = Array.from({ length: ownersCount }, () => 'alive');
  instances: TwinInstance[] = [];
  readonly untilMs = new Map<string, number>();
  held = 0;
  ended = 0;
  shortened = 0;

  run(operation: Operation, nowMs: number): void {
    switch (operation.kind) {
      case 'pass':
        return this.#tick(nowMs);
      case 'register':
      case 'deregister':
        return this.#register(operation);
      case 'silent':
        if (this.states[operation.owner] !== 'alive') return;
        this.states[operation.owner] = 'dead';
        for (const name of names) this.#lose(operation.owner, name, nowMs);
        return;
      case 'refused':
      case 'leave': {
        const state = operation.kind === 'leave' ? 'left' : 'dead';
        if (this.states[operation.owner] === 'left') return;
        this.states[operation.owner] = state;
        return this.#setAll(operation.owner, 'hidden');
      }
      case 'linked':
        if (this.states[operation.owner] !== 'dead') return;
        this.states[operation.owner] = 'alive';
        return this.#setAll(operation.owner, 'shown');
      case 'return':
        this.states[operation.owner] = 'alive';
        return this.#setAll(operation.owner, 'shown');
    }
  }

  #of(name: string, status: TwinInstance['status']): TwinInstance[] {
    return this.instances.filter((one) => one.name === name && one.status === status);
  }

  #register({ kind, owner, name, id }: Extract<Operation, { name: string }>): void {
    const known = this.instances.find(
      (one) => one.owner === owner && one.name === name && one.id === id,
    );
    if (kind === 'deregister') {
      this.instances = this.instances.filter((one) => one !== known);
      this.#endEmpty();
    } else if (known === undefined) {
      const status = this.states[owner] === 'alive' ? 'shown' : 'hidden';
      this.instances.push({ owner, name, id, status, lostMs: 0 });
    }
  }

  #lose(owner: number, name: string, nowMs: number): void {
    const lost = this.#of(name, 'shown').filter((one) => one.owner === owner);
    if (lost.length === 0) return;
    for (const one of lost) Object.assign(one, { status: 'lost', lostMs: nowMs });
    if (!this.untilMs.has(name)) {
      const event = this.#of(name, 'lost').filter(({ lostMs }) => nowMs - lostMs <= brakeWindowMs);
      const left = this.#of(name, 'shown');
      const owners = new Set([...event, ...left].map((one) => one.owner));
      const isLarge =
        event.length + left.length >= heldInstancesMin && owners.size >= heldOwnersMin;
      if (event.length <= left.length || !isLarge) return;
      this.untilMs.set(name, nowMs + holdMaxMs);
      for (const one of event) one.status = 'held';
      this.held += 1;
      // What was lost longer ago is another event, and stays hidden.
      for (const one of this.#of(name, 'lost')) one.status = 'hidden';
    }
    for (const one of lost) one.status = 'held';
  }

  #setAll(owner: number, status: TwinInstance['status']): void {
    for (const one of this.instances) if (one.owner === owner) one.status = status;
    this.#endEmpty();
  }

  #endEmpty(): void {
    for (const name of names)
      if (this.#of(name, 'held').length === 0 && this.untilMs.delete(name)) this.ended += 1;
  }

  #tick(nowMs: number): void {
    for (const [name, until] of this.untilMs) {
      const held = this.#of(name, 'held');
      const isHalfThere = this.#of(name, 'shown').length >= held.length;
      const untilMs = isHalfThere ? Math.min(until, nowMs + brakeWindowMs) : until;
      if (untilMs < until) this.shortened += 1;
      this.untilMs.set(name, untilMs);
      if (nowMs < untilMs) continue;
      for (const one of held) one.status = 'hidden';
      this.untilMs.delete(name);
    }
  }
}

/** A registry, and owners that do as they are told. */
class World {
  readonly node: Registry;
  readonly owners: Owner[];
  now: Now = { monoMs: 0, wallMicros: startMicros };

  constructor() {
    this.node = startNode({}, this.now);
    this.owners = Array.from({ length: ownersCount }, (_, i) => new Owner(i + 2, this.now));
    for (const one of this.owners) sendWhole(this.node, one.state, this.now);
  }

  run(operation: Operation): void {
    if (operation.kind === 'pass') {
      const { ms } = operation;
      const { monoMs, wallMicros } = this.now;
      this.now = { monoMs: monoMs + ms, wallMicros: wallMicros + ms * 1_000 };
      return this.node.tick(this.now);
    }
    const one = this.owners[operation.owner] as Owner;
    const { kind } = operation;
    if (kind === 'silent' || kind === 'refused')
      return this.node.observe(one.id, { kind: 'unreachable', why: kind }, this.now);
    if (kind === 'linked') return this.node.observe(one.id, { kind }, this.now);
    const { next } = one.move(mutationsOf(operation), this.now);
    assert.equal(sendWhole(this.node, next, this.now).kind, 'applied');
  }

  /** `owner name id`, and whether it is marked as held, sorted. */
  shown(): string[] {
    const numbers = new Map(this.owners.map(({ id }, index) => [id, index]));
    const listed = this.node.index.list().map(({ record, isHeld = false }) => {
      return `${numbers.get(record.owner)} ${record.name} ${record.instanceId} ${String(isHeld)}`;
    });
    return listed.sort();
  }
}

function mutationsOf(operation: Exclude<Operation, { kind: 'pass' }>): Mutation[] {
  switch (operation.kind) {
    case 'register':
      return [register(operation.id, { name: operation.name, ip: `10.0.0.${operation.owner}` })];
    case 'deregister':
      return [
        { kind: 'deregister', key: recordKey('shop', operation.name, operation.id) },
        { kind: 'refresh' },
      ];
    case 'leave':
      return [{ kind: 'facts', facts: { left: true } }];
    default:
      return [
        { kind: 'facts', facts: { left: false } },
        { kind: 'reincarnate', above: 0 },
      ];
  }
}

t.test('what is shown and held is what the rules say, whatever happens in what order', (t) => {
  let held = 0;
  let ended = 0;
  let shortened = 0;
  const beginning = fc.constant(
    Array.from({ length: ownersCount }, (_, i): Operation[] =>
      names.map((name) => ({ kind: 'register', owner: i, name, id: 'a' })),
    ).flat(),
  );
  holds(
    t,
    150,
    fc.property(beginning, disaster, (first, then) => {
      const world = new World();
      const twin = new Twin();
      for (const operation of [...first, ...then]) {
        world.run(operation);
        twin.run(operation, world.now.monoMs);
        const expected = twin.instances
          .filter(({ status }) => status === 'shown' || status === 'held')
          .map(({ owner, name, id, status }) => `${owner} ${name} ${id} ${status === 'held'}`);
        assert.deepEqual(world.shown(), expected.sort());
        const untils = world.node.brake.holds().map(({ name, until }) => [name, until] as const);
        const wanted = [...twin.untilMs].map(
          ([name, ms]) => [name, startMicros + ms * 1_000] as const,
        );
        assert.deepEqual(new Map(untils), new Map(wanted));
      }
      held += twin.held;
      ended += twin.ended;
      shortened += twin.shortened;
    }),
  );
  t.ok(held > 100, `${held} holds`);
  t.ok(ended > 0, `${ended} of them ended since nothing was left to hold`);
  t.ok(shortened > 5, `${shortened} were cut short since half was there again`);
  t.end();
});

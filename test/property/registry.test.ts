/**
 * A whole registry against dumb twins, over made-up lives: peers that fork and lie about nothing but
 * themselves, messages lost, doubled and mixed, deaths, full disks, restarts and long sleeps.
 */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import type { MemberEvent } from '../../src/membership/member.ts';
import { isShown } from '../../src/membership/member.ts';
import { assertInvariant } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import type { ServiceRecord } from '../../src/record/record.ts';
import { compareInstances } from '../../src/registry/instance.ts';
import type { Instance } from '../../src/registry/instance.ts';
import type { Mutation } from '../../src/registry/own-state.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { makeFacts, makeSealed, startMicros } from '../record/fixtures.ts';
import {
  deregister,
  hourMs,
  keyOf,
  loadNode,
  makeIdentity,
  smallConfig,
} from '../registry/fixtures.ts';
import { nameOf, register, startNode, WatchedStore } from '../registry/fixtures.ts';
import { deltaFrom, forkedHistory, holds, play, recordsOf, textOf } from './histories.ts';
import type { Step } from './histories.ts';

const ids = ['a', 'b', 'c', 'd'];
const instanceId = fc.constantFrom(...ids);

type Operation =
  | { kind: 'send'; owner: number; state: number; from: number; whole: boolean; forge: boolean }
  | { kind: 'own'; mutations: Mutation[] }
  | { kind: 'heartbeat'; id: string }
  | { kind: 'observe'; owner: number; event: Exclude<MemberEvent, { kind: 'head' }> }
  | { kind: 'tick'; ms: number }
  | { kind: 'disk'; isFull: boolean }
  | { kind: 'restart'; isFlushed: boolean };

const observed: fc.Arbitrary<Exclude<MemberEvent, { kind: 'head' }>> = fc.constantFrom(
  { kind: 'linked' },
  { kind: 'unreachable', why: 'refused' },
  { kind: 'unreachable', why: 'silent' },
);

const ownMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .tuple(instanceId, fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1_000))
    .map(([id, port, ttlMs]) => register(id, { port, ttlMs })),
  instanceId.map(deregister),
  fc.boolean().map((left) => ({ kind: 'facts' as const, facts: { left } })),
);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      owner: fc.nat(2),
      state: fc.nat(),
      from: fc.nat(),
      whole: fc.boolean(),
      forge: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('own' as const),
      mutations: fc.array(ownMutation, { minLength: 1, maxLength: 3 }),
    }),
  },
  fc.record({ kind: fc.constant('heartbeat' as const), id: instanceId }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('observe' as const),
      owner: fc.nat(2),
      event: observed,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      ms: fc.constantFrom(1, 900, 1_100, hourMs, 25 * hourMs),
    }),
  },
  fc.record({ kind: fc.constant('disk' as const), isFull: fc.boolean() }),
  fc.record({ kind: fc.constant('restart' as const), isFlushed: fc.boolean() }),
);

/** One node, what it must be like, and a watcher that knows it by its feed alone. */
class World {
  readonly owners: OwnerState[][];
  readonly store = new WatchedStore();
  readonly wanted = new Map<string, Mutation>();
  readonly counts = new Map<string, number>();
  node: Registry;
  now: Now = { monoMs: 0, wallMicros: startMicros };
  #watched = new Map<string, Instance>();
  #cursor = 0;
  #lastUpdate = 0;

  constructor(histories: readonly (readonly Step[])[]) {
    this.owners = histories.map((history, i) => play(history, i + 2).map(({ next }) => next));
    this.node = startNode({ store: this.store }, this.now);
    this.#list();
  }

  run(operation: Operation): void {
    const { node, now } = this;
    switch (operation.kind) {
      case 'send':
        return this.#send(operation);
      case 'own':
        return this.#own(operation.mutations);
      case 'heartbeat':
        return this.#unlessRefused(() => node.heartbeat(nameOf(operation.id), now));
      case 'observe': {
        const { owner } = this.#stateOf(operation.owner, 0).head.head;
        return node.observe(owner, operation.event, now);
      }
      case 'tick':
        this.#passTime(operation.ms);
        this.#unlessRefused(() => node.tick(this.now));
        return this.#checkHolds();
      case 'disk':
        this.store.isFull = operation.isFull;
        return undefined;
      case 'restart':
        return this.#restart(operation.isFlushed);
    }
  }

  check(): void {
    const { node } = this;
    const expected: Instance[] = [];
    for (const [owner, state] of node.owners()) {
      assertInvariant(state);
      const said = this.owners.flat().filter(({ head }) => head.head.owner === owner);
      const isKnown = owner === node.self || said.some((one) => textOf(one) === textOf(state));
      assert.ok(isKnown, 'what is held was said, word for word');
      const live = recordsOf(state).filter(({ record }) => !record.deleted);
      if (isShown(node.member(owner)!.state))
        expected.push(...live.map(({ record }) => ({ record, node: '' })));
      // Which of a dead owner's instances are held is the brake's business: they are live, though.
      else if (node.member(owner)!.state === 'dead')
        for (const { record } of live) {
          const held = node.index.get(record.group, record.name, owner, record.instanceId);
          if (held?.isHeld === true) expected.push({ record, node: '', isHeld: true });
        }
    }
    const listed = node.index.list();
    assert.equal(node.index.count, listed.length);
    const sorted = expected.sort(compareInstances).map(addressed);
    assert.deepEqual(listed.map(addressed), sorted, 'the list is what is shown, and what is held');
    this.#watch();
    const seen = [...this.#watched.values()].sort(compareInstances);
    assert.deepEqual(seen.map(addressed), listed.map(addressed), 'a watcher');
    const held = listed.filter(({ isHeld }) => isHeld === true);
    const holds = node.brake.holds();
    assert.equal(holds[0]?.instances ?? 0, held.length, 'all that is held is in a hold');
    assert.equal(node.brake.holdCount, holds.length);
    for (const id of ids)
      assert.equal(node.registration(keyOf(id)) !== undefined, this.wanted.has(id));
    const { lastUpdate } = node.state(node.self)!.head.head;
    assert.ok(lastUpdate >= this.#lastUpdate, 'the own head never moves back');
    this.#lastUpdate = lastUpdate;
  }

  #send({ owner, state, from, whole, forge }: Extract<Operation, { kind: 'send' }>): void {
    const target = this.#stateOf(owner, state);
    const base = this.#stateOf(owner, from);
    const honest = whole ? recordsOf(target) : deltaFrom(target, base.head.head.lastUpdate);
    const id = target.head.head.owner;
    const forged = ids.map((name) => makeSealed({ owner: id, instanceId: name, ip: '6.6.6.6' }));
    const records = [...(forge ? forged : []), ...honest].map(({ bytes }) => bytes);
    this.#count(`send ${this.node.receive(target.head, records, whole, this.now).kind}`);
  }

  #own(mutations: readonly Mutation[]): void {
    const before = this.node.state(this.node.self);
    this.#unlessRefused(() => {
      const results = this.node.commit(mutations, this.now);
      for (const [index, mutation] of mutations.entries()) {
        if (results[index]?.kind !== 'done') continue;
        if (mutation.kind === 'register')
          this.wanted.set(mutation.registration.instanceId, mutation);
        if (mutation.kind === 'deregister')
          this.wanted.delete(mutation.key.split('/')[2] as string);
      }
    });
    if (this.store.isFull) assert.equal(this.node.state(this.node.self), before);
  }

  #restart(isFlushed: boolean): void {
    if (isFlushed) this.#unlessRefused(() => this.node.flush());
    const isAllOnDisk = isFlushed && !this.store.isFull;
    const before = this.#holdings();
    this.store.isFull = false;
    const { revision } = this.node.feed;
    this.#passTime(10);
    this.node = startNode({ store: this.store }, this.now);
    assert.ok(this.node.feed.revision > revision, 'no revision is given out twice');
    const stored = this.node.refusals.entries().filter(([name]) => name.startsWith('STORED_'));
    assert.deepEqual(stored, [], 'what was written adds up');
    if (isAllOnDisk) assert.deepEqual(this.#holdings(), before);
    const live = recordsOf(this.node.state(this.node.self)!).filter(
      ({ record }) => !record.deleted,
    );
    assert.deepEqual(
      live.map(({ record }) => record.instanceId).sort(),
      [...this.wanted.keys()].sort(),
    );
    this.#list();
    this.#count('restart');
  }

  /** Whatever happened, even on a full disk, no hold outlives its time. */
  #checkHolds(): void {
    for (const { since, until } of this.node.brake.holds()) {
      assert.ok(until > this.now.wallMicros, 'a hold that is over has ended');
      assert.ok(until - since <= smallConfig.holdMaxMs * 1_000, 'no hold is longer than it may be');
    }
  }

  /** What is held of others that a new life would take up, and how they are thought to be. */
  #holdings(): string[] {
    const earliest = this.now.wallMicros - 23 * hourMs * 1_000;
    const others = [...this.node.owners()].filter(
      ([owner, { head }]) => owner !== this.node.self && head.head.lastUpdate > earliest,
    );
    return others
      .map(([owner, state]) => `${this.node.member(owner)?.state} ${textOf(state)}`)
      .sort();
  }

  #unlessRefused(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      const { reason } = error as { reason?: string };
      assert.ok(['DISK', 'UNKNOWN_INSTANCE', 'NO_TTL'].includes(reason ?? ''), String(error));
      this.#count(`refused ${reason}`);
    }
  }

  #passTime(ms: number): void {
    const { monoMs, wallMicros } = this.now;
    this.now = { monoMs: monoMs + ms, wallMicros: wallMicros + ms * 1_000 };
  }

  #list(): void {
    const listed = this.node.index.list();
    this.#watched = new Map(listed.map((instance) => [keyed(instance.record), instance]));
    this.#cursor = this.node.feed.revision;
  }

  #watch(): void {
    const answer = this.node.feed.read(this.#cursor, Infinity);
    assert.ok(answer.kind === 'changes');
    this.#cursor = answer.revision;
    for (const { kind, instance, reason } of answer.changes.flatMap(({ events }) => events)) {
      const key = keyed(instance.record);
      assert.notEqual(instance.record.ip, '6.6.6.6', 'nobody is told of a forged record');
      const known = this.#watched.get(key);
      const wasHeld = known?.isHeld === true;
      const isUpdate = (reason === 'owner_back' && wasHeld) || (reason === 'held' && !wasHeld);
      const isKnown = kind === 'down' || reason === 'updated';
      assert.ok((known !== undefined) === isKnown || isUpdate, `${kind} ${reason}`);
      if (kind === 'up') this.#watched.set(key, instance);
      else this.#watched.delete(key);
      this.#count(`${kind} ${reason}`);
    }
  }

  #stateOf(owner: number, index: number): OwnerState {
    const states = this.owners[owner] as OwnerState[];
    return states[index % states.length] as OwnerState;
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

const keyed = (record: ServiceRecord) => `${record.owner} ${record.instanceId}`;
const addressed = ({ record, isHeld }: Instance) =>
  `${keyed(record)} ${record.ip}:${record.port} ${record.health} ${record.lastUpdate} ${isHeld}`;

t.test('a registry holds, shows, tells and keeps what its dumb twins say', (t) => {
  const totals = new Map<string, number>();
  const histories = fc.tuple(forkedHistory, forkedHistory, forkedHistory);
  const operations = fc.array(operation, { minLength: 10, maxLength: 60 });
  holds(
    t,
    150,
    fc.property(histories, operations, (lives, steps) => {
      const world = new World(lives);
      world.check();
      for (const step of steps) {
        world.run(step);
        world.check();
      }
      for (const [name, count] of world.counts) totals.set(name, (totals.get(name) ?? 0) + count);
    }),
  );
  const verdicts = ['applied', 'duplicate', 'stale', 'gap', 'refused'].map(
    (kind) => `send ${kind}`,
  );
  const ups = ['up registered', 'up updated', 'up owner_back', 'up held'];
  const downs = ['deregistered', 'owner_left', 'owner_dead', 'expired', 'replaced'];
  const refusals = ['refused DISK', 'refused UNKNOWN_INSTANCE', 'refused NO_TTL', 'restart'];
  for (const name of [...verdicts, ...ups, ...downs.map((reason) => `down ${reason}`), ...refusals])
    t.ok((totals.get(name) ?? 0) > 0, `${name}: ${totals.get(name)}`);
  t.end();
});

/** What a node holds and shows, as text: equal for equal nodes. */
function pictureOf(node: Registry) {
  return {
    held: [...node.owners()].map(([owner, state]) => `${owner} ${textOf(state)}`).sort(),
    members: [...node.members()].map(({ owner, state }) => `${owner} ${state}`).sort(),
    shown: node.index.list().map(addressed),
    peers: [...node.rememberedPeers()].map(({ owner, isDead }) => `${owner} ${isDead}`).sort(),
    registrations: ids.map((id) => node.registration(keyOf(id))),
  };
}

t.test('a forked registry behaves as one that loaded the same store', (t) => {
  const histories = fc.tuple(forkedHistory, forkedHistory, forkedHistory);
  const sent = fc.record({ owner: fc.nat(2), state: fc.nat(), isDead: fc.boolean() });
  const mutations = fc.array(ownMutation, { minLength: 1, maxLength: 3 });
  const step = fc.oneof(sent, mutations);
  holds(
    t,
    100,
    fc.property(histories, fc.array(sent), fc.array(step), (lives, before, after) => {
      const owners = lives.map((history, i) => play(history, i + 2).map(({ next }) => next));
      const now: Now = { monoMs: 1, wallMicros: startMicros };
      const send = (node: Registry, { owner, state, isDead }: (typeof before)[number]) => {
        const states = owners[owner] as OwnerState[];
        const target = states[state % states.length] as OwnerState;
        const records = recordsOf(target).map(({ bytes }) => bytes);
        const { kind } = node.receive(target.head, records, true, now);
        const { owner: peer } = target.head.head;
        if (isDead) node.observe(peer, { kind: 'unreachable', why: 'silent' }, now);
        else node.observe(peer, { kind: 'linked' }, now);
        return kind;
      };
      const store = new MemoryStore();
      const template = startNode({ store }, now);
      template.commit([register('a'), register('b', { ttlMs: 1_000 })], now);
      for (const one of before) send(template, one);
      template.flush();
      const identity = makeIdentity(1);
      const fork = template.fork({ identity, store: store.fork('fork'), now });
      const loaded = loadNode({ store: store.fork('loaded') }, now);
      const isSame = () => assert.deepEqual(pictureOf(fork), pictureOf(loaded));
      isSame();
      const untouched = pictureOf(template);
      for (const node of [fork, loaded]) node.begin(makeFacts(), now);
      isSame();
      for (const one of after) {
        if (Array.isArray(one)) for (const node of [fork, loaded]) node.commit(one, now);
        else assert.equal(send(fork, one), send(loaded, one));
        isSame();
      }
      const later = { monoMs: 2 * hourMs, wallMicros: startMicros + 2 * hourMs * 1_000 };
      for (const node of [fork, loaded]) node.tick(later);
      isSame();
      assert.deepEqual(pictureOf(template), untouched);
    }),
  );
  t.end();
});

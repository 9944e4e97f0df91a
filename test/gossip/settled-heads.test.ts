import t from 'tap';
import { elementKey, elementOf, idKey } from '../../src/gossip/element.ts';
import type { Element } from '../../src/gossip/element.ts';
import { SettledHeads, settleMs } from '../../src/gossip/settled-heads.ts';
import { Sketch } from '../../src/gossip/sketch.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import { sha256 } from '../../src/record/hash.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { ownerFromKey } from '../../src/record/owner.ts';
import { ChangeFeed } from '../../src/registry/change-feed.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { signerOf } from './cluster.ts';
import { textOf } from './elements.ts';
import { Ghost, ghosts } from './ghosts.ts';
import { LoneNode } from './lone-node.ts';

const key = elementKey(sha256('disco/v1/element', 'test').subarray(0, 16));
const startMicros = 1_750_000_000_000_000;
const sweepMs = 60_000;

/** One registry, and the heads that follow it by hand. */
class Followed {
  readonly node = new LoneNode();
  readonly heads = new SettledHeads('test', 64);
  nowMs = 0;
  earliest = 0;

  constructor() {
    this.step(0);
  }

  get registry(): Registry {
    return this.node.registry;
  }

  /** Gives states to the registry, as peers would. */
  give(...all: readonly Ghost[]): void {
    const wallMicros = startMicros + this.nowMs * 1000;
    for (const ghost of all) ghost.giveTo(this.registry, { monoMs: this.nowMs, wallMicros });
    this.follow();
  }

  follow(): void {
    this.heads.follow(this.registry, this.nowMs);
  }

  /** Time passes, and what has settled is taken in. */
  step(ms: number, ageMs?: number): void {
    this.nowMs += ms;
    this.follow();
    this.heads.settle(this.nowMs, this.earliest, sweepMs, ageMs);
  }

  /** What is compared, and what it should be. */
  compared(): string {
    return textOf(this.heads.sketch);
  }

  sketchOfAll(except: readonly Ghost[] = []): string {
    const sketch = new Sketch(64);
    for (const [owner, { head }] of this.registry.owners())
      if (!except.some((ghost) => ghost.owner === owner)) sketch.add(elementOf(head.hash, key));
    return textOf(sketch);
  }
}

const elementOfGhost = ({ state }: Ghost): Element => elementOf(state.head.hash, key);

t.test('what a node held at its start is compared at once', (t) => {
  const followed = new Followed();
  t.equal(followed.heads.sketch.count, 1);
  t.equal(followed.compared(), followed.sketchOfAll());
  t.end();
});

t.test(`a head is compared once it was held for ${settleMs} ms, and not before`, (t) => {
  const followed = new Followed();
  const ghost = new Ghost(100, startMicros);
  followed.give(ghost);
  followed.step(settleMs - 1);
  t.equal(followed.heads.sketch.count, 1);
  followed.step(1);
  t.equal(followed.heads.sketch.count, 2);
  t.equal(followed.compared(), followed.sketchOfAll());
  t.end();
});

t.test('an owner that changes faster than that is compared all the same, a little behind', (t) => {
  const followed = new Followed();
  const ghost = new Ghost(100, startMicros);
  const seen = new Set<string>();
  for (let turn = 0; turn < 50; turn++) {
    ghost.refresh(startMicros + followed.nowMs * 1000);
    followed.give(ghost);
    followed.step(100);
    seen.add(followed.compared());
  }
  t.ok(seen.size >= 5, `${seen.size} of its heads in 5 s`);
  followed.step(2 * settleMs);
  t.equal(followed.compared(), followed.sketchOfAll());
  t.end();
});

t.test('with an age of nothing, all that is held is compared', (t) => {
  const followed = new Followed();
  followed.give(...ghosts(5, startMicros));
  followed.step(0, 0);
  t.equal(followed.heads.sketch.count, 6);
  t.equal(followed.compared(), followed.sketchOfAll());
  t.end();
});

t.test('heads that are about to expire are left out, and come back if time does', (t) => {
  const followed = new Followed();
  const [old, young] = [new Ghost(100, startMicros - 9_000), new Ghost(101, startMicros)] as const;
  followed.give(old, young);
  followed.step(settleMs);
  t.equal(followed.heads.sketch.count, 3);
  followed.earliest = old.state.head.head.lastUpdate + 1;
  followed.step(sweepMs - settleMs - 1);
  t.equal(followed.heads.sketch.count, 3, 'not before the next look at all of them');
  followed.step(1);
  t.equal(followed.compared(), followed.sketchOfAll([old]));
  t.strictSame(followed.heads.lacking([elementOfGhost(old)]), [], 'nobody is asked for it');
  followed.earliest = 0;
  followed.step(sweepMs);
  t.equal(followed.compared(), followed.sketchOfAll());
  old.refresh(startMicros + 2_000_000);
  followed.give(old);
  followed.step(sweepMs);
  t.equal(followed.compared(), followed.sketchOfAll());
  t.end();
});

t.test('an old head that came after a look at all of them is left out in its time', (t) => {
  const followed = new Followed();
  followed.give(new Ghost(100, startMicros));
  followed.step(settleMs);
  followed.earliest = startMicros - 20_000_000;
  followed.step(sweepMs);
  const late = new Ghost(101, startMicros - 9_000_000);
  followed.give(late);
  followed.step(settleMs);
  t.equal(followed.compared(), followed.sketchOfAll());
  followed.earliest = late.state.head.head.lastUpdate + 1;
  followed.step(sweepMs);
  t.equal(followed.compared(), followed.sketchOfAll([late]));
  t.end();
});

t.test('a head that is too old when it settles is never compared', (t) => {
  const followed = new Followed();
  followed.earliest = startMicros;
  const old = new Ghost(100, startMicros - 1_000_000);
  followed.give(old);
  followed.step(settleMs);
  t.equal(followed.compared(), followed.sketchOfAll([old]));
  t.strictSame(followed.heads.ownersOf(prefixOf(old.owner)), [old.owner], 'yet it is held');
  t.end();
});

t.test('of an owner that is reaped nothing stays', (t) => {
  const config = { reapAfterMs: 10_000, headRefreshMs: 1_000, clockAheadMs: 100 };
  const node = new LoneNode({ config });
  const heads = new SettledHeads('test', 64);
  const ghost = new Ghost(100, startMicros);
  ghost.giveTo(node.registry, node.clock.now());
  const step = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 500) {
      node.clock.advance(500);
      node.registry.tick(node.clock.now());
      heads.follow(node.registry, node.clock.now().monoMs);
      heads.settle(node.clock.now().monoMs, 0, sweepMs);
    }
  };
  step(1_000);
  t.strictSame(heads.ownersOf(prefixOf(ghost.owner)), [ghost.owner]);
  t.equal(heads.sketch.count, 2);
  step(120_000);
  t.equal(node.registry.state(ghost.owner), undefined);
  t.strictSame(heads.ownersOf(prefixOf(ghost.owner)), []);
  t.equal(heads.sketch.count, 1);
  t.equal(heads.lacking([elementOfGhost(ghost)]).length, 1);
  t.end();
});

t.test('a follower that lost its place in the feed reads everything again', (t) => {
  const node = new LoneNode({ config: { changeFeedMax: 5 } });
  const heads = new SettledHeads('test', 64);
  const step = (nowMs: number): void => {
    heads.follow(node.registry, nowMs);
    heads.settle(nowMs, 0, sweepMs);
  };
  step(0);
  const all = ghosts(20, startMicros);
  for (const ghost of all) ghost.giveTo(node.registry, node.clock.now());
  step(1_000);
  t.equal(heads.sketch.count, 1, 'what it finds there counts as new');
  step(1_000 + settleMs);
  const sketch = new Sketch(64);
  for (const [, { head }] of node.registry.owners()) sketch.add(elementOf(head.hash, key));
  t.equal(textOf(heads.sketch), textOf(sketch));
  t.end();
});

/** As much of a registry as is followed, with owners that go at will. */
class BareRegistry {
  readonly feed = new ChangeFeed(0, 2);
  readonly #states = new Map<string, OwnerState>();

  set(owner: string, state: OwnerState | undefined): void {
    if (state === undefined) this.#states.delete(owner);
    else this.#states.set(owner, state);
    this.feed.append({ owner, origin: 'peer', events: [] });
  }

  state(owner: string): OwnerState | undefined {
    return this.#states.get(owner);
  }

  owners(): Iterable<[string, OwnerState]> {
    return this.#states;
  }

  asRegistry(): Registry {
    return this as unknown as Registry;
  }
}

t.test('an owner that went while the feed was lost is gone, settled or not', (t) => {
  const registry = new BareRegistry();
  const heads = new SettledHeads('test', 64);
  heads.follow(registry.asRegistry(), 0);
  const [settled, unsettled] = ghosts(2, startMicros) as [Ghost, Ghost];
  registry.set(settled.owner, settled.state);
  heads.follow(registry.asRegistry(), 0);
  heads.settle(settleMs, 0, sweepMs);
  registry.set(unsettled.owner, unsettled.state);
  heads.follow(registry.asRegistry(), settleMs);
  t.equal(heads.sketch.count, 1);
  registry.set(settled.owner, undefined);
  registry.set(unsettled.owner, undefined);
  for (const owner of ['a', 'b', 'c']) registry.set(owner, undefined);
  heads.follow(registry.asRegistry(), settleMs);
  for (const ms of [2, 3, 4]) heads.settle(ms * settleMs, 0, sweepMs);
  t.equal(heads.sketch.count, 0);
  for (const { owner } of [settled, unsettled])
    t.strictSame(heads.ownersOf(prefixOf(owner)), [], 'nothing names it any more');
  t.end();
});

t.test('an owner that goes and comes within the settle time is known throughout', (t) => {
  const registry = new BareRegistry();
  const heads = new SettledHeads('test', 64);
  heads.follow(registry.asRegistry(), 0);
  const ghost = new Ghost(100, startMicros);
  const step = (nowMs: number, state?: OwnerState): void => {
    registry.set(ghost.owner, state);
    heads.follow(registry.asRegistry(), nowMs);
    heads.settle(nowMs, 0, sweepMs);
  };
  step(0, ghost.state);
  step(settleMs, ghost.state);
  t.equal(heads.sketch.count, 1);
  step(settleMs + 1, undefined);
  step(settleMs + 2, ghost.state);
  heads.settle(3 * settleMs, 0, sweepMs);
  t.strictSame(heads.ownersOf(prefixOf(ghost.owner)), [ghost.owner]);
  heads.settle(4 * settleMs, 0, sweepMs);
  t.equal(heads.sketch.count, 1);
  t.end();
});

t.test('two owners with one prefix are both found, and lost one by one', (t) => {
  const registry = new BareRegistry();
  const heads = new SettledHeads('test', 64);
  heads.follow(registry.asRegistry(), 0);
  const twins = [1, 2].map((last) =>
    ownerFromKey(Buffer.concat([Buffer.alloc(31, 7), Buffer.from([last])])),
  );
  const [one, other] = twins as [string, string];
  const [first, second] = ghosts(2, startMicros) as [Ghost, Ghost];
  registry.set(one, first.state);
  registry.set(other, second.state);
  heads.follow(registry.asRegistry(), 0);
  heads.settle(settleMs, 0, sweepMs);
  t.strictSame(heads.ownersOf(prefixOf(one)), twins);
  t.strictSame(prefixOf(one), prefixOf(other));
  t.equal(heads.ownerNamed(elementOfGhost(second)), other);
  registry.set(one, undefined);
  heads.follow(registry.asRegistry(), settleMs);
  heads.settle(2 * settleMs, 0, sweepMs);
  t.strictSame(heads.ownersOf(prefixOf(one)), [other]);
  t.end();
});

t.test('a head is lacking no more from the moment on at which it is held', (t) => {
  const followed = new Followed();
  const { heads } = followed;
  const ghost = new Ghost(100, startMicros);
  const first = elementOfGhost(ghost);
  t.equal(heads.lacking([first]).length, 1);
  followed.give(ghost);
  t.strictSame(heads.lacking([first]), []);
  t.equal(heads.ownerNamed(first), undefined, 'but it is not compared');
  t.equal(heads.isCompared(ghost.state.head), false);
  ghost.refresh(startMicros + 1_000);
  const second = elementOfGhost(ghost);
  followed.give(ghost);
  t.strictSame(heads.lacking([first, second]), []);
  followed.step(settleMs);
  t.equal(heads.ownerNamed(second), ghost.owner);
  const held = followed.registry.state(ghost.owner)?.head;
  t.ok(held && heads.isCompared(held));
  t.equal(held && heads.nameOf(held), idKey(second.lo, second.hi));
  t.equal(heads.lacking([first, second]).length, 1, 'the older is gone');
  t.end();
});

t.test('under a salt the same heads make another sketch, alike at two nodes', (t) => {
  const [one, other] = [new Followed(), new Followed()] as const;
  const all = ghosts(6, startMicros);
  one.give(...all);
  other.give(...all.toReversed());
  for (const followed of [one, other]) followed.step(settleMs);
  const [salt, another] = [Buffer.alloc(16, 3), Buffer.alloc(16, 4)] as const;
  t.equal(textOf(one.heads.salted(salt, 4)), textOf(other.heads.salted(salt, 4)));
  t.not(textOf(one.heads.salted(salt, 4)), textOf(one.heads.salted(another, 4)));
  t.equal(one.heads.salted(salt, 4).symbolsMax, 4);
  t.end();
});

t.test('a fork goes on from where its origin is, with what has not settled yet', (t) => {
  const { registry } = new LoneNode();
  const origin = new SettledHeads('test', 64);
  const now = { monoMs: 0, wallMicros: startMicros };
  origin.follow(registry, 0);
  const [settled, unsettled] = ghosts(2, startMicros) as [Ghost, Ghost];
  settled.giveTo(registry, now);
  origin.follow(registry, 0);
  origin.settle(settleMs, 0, sweepMs);
  unsettled.giveTo(registry, now);
  origin.follow(registry, settleMs);
  registry.flush();
  const identity = { signer: signerOf(1), cluster: 'test', bootId: 'a'.repeat(16) };
  const copy = registry.fork({ identity, store: new MemoryStore(), now });
  const fork = origin.fork(copy);
  t.equal(textOf(fork.sketch), textOf(origin.sketch));
  t.strictSame(fork.ownersOf(prefixOf(unsettled.owner)), [unsettled.owner]);
  for (const heads of [origin, fork]) heads.settle(2 * settleMs, 0, sweepMs);
  t.equal(fork.sketch.count, 3, 'what was under way settles in the fork, too');
  t.equal(textOf(fork.sketch), textOf(origin.sketch));
  new Ghost(200, startMicros).giveTo(copy, now);
  fork.follow(copy, 2 * settleMs);
  fork.settle(3 * settleMs, 0, sweepMs);
  t.equal(fork.sketch.count, 4);
  t.equal(origin.sketch.count, 3, 'each goes its own way');
  t.equal(fork.sketch.symbolsMax, 64);
  fork.settle(2 * sweepMs, Number.MAX_SAFE_INTEGER, sweepMs);
  t.equal(fork.sketch.count, 0, 'what is too old by then is left out');
  t.end();
});

t.test('accusations are compared along with the head of whom they accuse', (t) => {
  const followed = new Followed();
  const [old, young] = [new Ghost(100, startMicros - 9_000), new Ghost(101, startMicros)] as const;
  const hashes = ['one', 'two'].map((text) => sha256(text)) as [Uint8Array, Uint8Array];
  const element = elementOf(hashes[0], key);
  const { heads } = followed;
  heads.noteAccusation(old.owner, hashes[0], true);
  heads.noteAccusation(young.owner, hashes[1], true);
  t.equal(heads.sketch.count, 1, 'not before there is a head');
  t.equal(heads.accusationNamed(element), hashes[0], 'but it is known');
  t.strictSame(heads.lacking([element]), [], 'and nobody is asked for it');
  followed.give(old, young);
  followed.step(settleMs);
  t.equal(heads.sketch.count, 5);
  heads.noteAccusation(young.owner, hashes[1], true);
  t.equal(heads.sketch.count, 5, 'to say it twice does no harm');
  t.equal(heads.salted(new Uint8Array(16), 4).count, 5);
  old.refresh(startMicros - 8_000);
  followed.give(old);
  followed.step(settleMs);
  t.equal(heads.sketch.count, 5, 'a data head voids none');
  followed.earliest = startMicros - 7_000;
  followed.step(sweepMs);
  t.equal(heads.sketch.count, 3, 'left out with its head');
  followed.earliest = 0;
  followed.step(sweepMs);
  for (const hash of hashes)
    for (const { owner } of [old, young]) heads.noteAccusation(owner, hash, false);
  t.equal(heads.sketch.count, 3);
  t.equal(followed.compared(), followed.sketchOfAll());
  t.equal(heads.accusationNamed(element), undefined);
  t.end();
});

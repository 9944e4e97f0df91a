import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import { PeerClock } from '../../src/gossip/peer-clock.ts';

const limitMs = 60_000;
const startMicros = 1_750_000_000_000_000;
const yearMs = 365 * 86_400_000;

/** One node's clock and its judge: what the host does with an answer is done here too. */
class Bench {
  readonly clock: PeerClock;
  /** How far the host's clock is ahead of the true time, ms. */
  aheadMs = 0;
  monoMs = 0;
  correctionMicros = 0;

  constructor(trustPeerClock = false) {
    this.clock = new PeerClock({ clockAheadMs: limitMs, trustPeerClock });
    this.judge();
  }

  now(): Now {
    const { monoMs, correctionMicros } = this;
    const hostMicros = startMicros + (monoMs + this.aheadMs) * 1000;
    return { monoMs, wallMicros: hostMicros + correctionMicros, correctionMicros };
  }

  /** The host's clock jumps; the adjustable clock swallows it. */
  jump(ms: number): void {
    this.aheadMs += ms;
    this.correctionMicros -= ms * 1000;
  }

  /** A peer whose clock is `aheadMs` ahead of the true time tells it. */
  hear(peer: string, aheadMs: number): void {
    this.clock.note(peer, startMicros + (this.monoMs + aheadMs) * 1000, this.now());
  }

  /** @returns how far the time that it goes by is ahead of the true one, ms */
  judge(): number {
    this.clock.tick();
    this.correctionMicros = this.clock.judge(this.now());
    return this.aheadMs + this.correctionMicros / 1000;
  }
}

t.test('ahead of the median by the limit is good, and by a millisecond more is corrected', (t) => {
  for (const [aheadMs, expected] of [
    [limitMs, limitMs],
    [limitMs + 1, 0],
  ] as const) {
    const bench = started(aheadMs);
    bench.hear('a', 0);
    bench.hear('b', 0);
    t.equal(bench.judge(), expected);
  }
  t.end();
});

t.test('one peer is no median, two and our own are', (t) => {
  const bench = started(600_000);
  bench.hear('a', 0);
  t.equal(bench.judge(), 600_000);
  t.strictSame(bench.clock.trouble, { kind: 'disputed', aheadMs: 600_000 });
  bench.hear('b', 0);
  t.equal(bench.judge(), 0);
  t.strictSame(bench.clock.trouble, { kind: 'ahead', aheadMs: 600_000 });
  t.end();
});

t.test('behind the median nothing moves without the operator', (t) => {
  for (const isTrusted of [false, true]) {
    const bench = started(-yearMs, isTrusted);
    for (const peer of ['a', 'b', 'c']) bench.hear(peer, 0);
    t.equal(bench.judge(), isTrusted ? 0 : -yearMs);
    t.equal(bench.clock.trouble?.kind, isTrusted ? 'behind' : 'behind_untrusted');
  }
  t.end();
});

t.test('fewer liars than honest peers move nothing', (t) => {
  const bench = started(0);
  for (const peer of ['a', 'b']) bench.hear(peer, -yearMs);
  bench.hear('c', 0);
  t.equal(bench.judge(), 0, 'two of four');
  t.equal(bench.clock.trouble, undefined);
  bench.hear('d', -yearMs);
  t.equal(bench.judge(), -yearMs, 'three of five are what a median believes');
  t.end();
});

t.test('of two in the middle the one nearer to our own counts', (t) => {
  const bench = started(0);
  bench.hear('a', 0);
  bench.hear('b', -yearMs);
  bench.hear('c', -yearMs);
  t.equal(bench.judge(), 0);
  t.end();
});

t.test('a corrected clock is let go at half the limit, and does not flap around it', (t) => {
  const bench = started(limitMs + 10);
  const hearAll = (): void => ['a', 'b'].forEach((peer) => bench.hear(peer, 0));
  hearAll();
  t.equal(bench.judge(), 0);
  bench.aheadMs = limitMs - 10;
  hearAll();
  t.equal(bench.judge(), -20, 'still corrected, by as much as before');
  bench.aheadMs = limitMs / 2 - 1;
  hearAll();
  t.equal(bench.judge(), limitMs / 2 - 1, 'good enough again');
  t.equal(bench.clock.trouble, undefined);
  t.end();
});

t.test('after a jump each peer votes for the nearer of the two times', (t) => {
  const bench = started(0);
  bench.hear('a', 0);
  bench.jump(yearMs);
  t.equal(bench.judge(), 0);
  t.strictSame(bench.clock.trouble, { kind: 'jumped', aheadMs: yearMs });
  bench.hear('b', yearMs);
  bench.hear('c', yearMs);
  t.equal(bench.judge(), yearMs, 'two against one: the jump was right');
  t.equal(bench.clock.trouble, undefined);
  t.end();
});

t.test('without peers the later time holds, either way', (t) => {
  for (const jumpMs of [yearMs, -yearMs]) {
    const bench = started(0);
    bench.jump(jumpMs);
    t.equal(bench.judge(), Math.max(0, jumpMs));
  }
  t.end();
});

t.test('a host that slept says so through its peers, as soon as they are heard again', (t) => {
  const bench = started(0);
  for (const peer of ['a', 'b', 'c']) bench.hear(peer, 0);
  t.equal(bench.judge(), 0);
  // An hour passes for all others: our monotonic clock stands still meanwhile.
  const hourMs = 3_600_000;
  bench.jump(hourMs);
  t.equal(bench.judge(), 0, 'what was heard before cannot know');
  for (const peer of ['a', 'b']) bench.hear(peer, hourMs);
  t.equal(bench.judge(), hourMs);
  t.end();
});

t.test('what a peer that went had told counts no more, and what is no time never', (t) => {
  const bench = started(600_000);
  for (const peer of ['a', 'b']) bench.hear(peer, 0);
  t.equal(bench.judge(), 0);
  bench.clock.unlinked('a');
  t.equal(bench.clock.heard, 1);
  t.equal(bench.judge(), 600_000, 'too few are left to judge by');
  for (const micros of [0, -1, NaN]) bench.clock.note('c', micros, bench.now());
  t.equal(bench.clock.heard, 1);
  t.end();
});

t.test('1000 peers are kept, and one more is not', (t) => {
  const bench = started(0);
  for (let peer = 0; peer <= 1_000; peer++) bench.hear(`peer-${peer}`, 0);
  t.equal(bench.clock.heard, 1_000);
  t.notOk(bench.clock.hasHeard('peer-1000'));
  t.end();
});

/** A node whose host's clock was so far ahead when it began. */
function started(aheadMs: number, trustPeerClock = false): Bench {
  const bench = new Bench(trustPeerClock);
  return Object.assign(bench, {
    aheadMs,
    clock: new PeerClock({ clockAheadMs: limitMs, trustPeerClock }),
  });
}

import t from 'tap';
import { Charges } from '../../src/gossip/charges.ts';
import { Tokens } from '../../src/gossip/tokens.ts';
import type { AccusationReason } from '../../src/membership/accusation.ts';
import { Docket } from '../../src/membership/docket.ts';
import { suspicionMs } from '../../src/membership/jury.ts';
import { signerOf } from '../record/fixtures.ts';
import { accusationBy, self, tokenOf, VigilBench } from './vigil-bench.ts';

const subject = signerOf(2).owner;

/** It may accuse the subject, and has links with so many others. */
class Bench extends VigilBench {
  readonly tokens = new Tokens(this.context);
  readonly docket: Docket;
  readonly charges: Charges;
  isDoubtful = false;
  isHeard = false;

  constructor(links: number, recentMs?: number, others = 9) {
    super(others);
    const { registry, identity, verifier, config } = this.context;
    this.docket = new Docket({
      self,
      cluster: identity.cluster,
      verifier,
      clockAheadMs: config.clockAheadMs,
      reapAfterMs: config.reapAfterMs,
      lifeOf: (owner) => registry.state(owner)?.head.head,
      windows: () => ({ anyMs: 100, refusedMs: 20 }),
    });
    this.charges = new Charges(this.context, this.tokens, this.docket, {
      isHeard: () => this.isHeard,
      greeted: () => Array.from({ length: links }, (_, index) => `peer ${index}`),
      isDoubtful: () => this.isDoubtful,
      roundTrip: () => ({ recentMs, leastMs: recentMs }),
    });
    this.tokens.take(subject, tokenOf(2, self, 0));
    this.setTime(1_000);
  }

  runTo(ms: number): void {
    while (this.charges.wakeAtMs <= ms) {
      this.setTime(Math.max(this.nowMs, this.charges.wakeAtMs));
      this.charges.wake();
    }
    this.setTime(ms);
  }
}

/** Of many drawn pauses the longest, ms. */
function longestPauseMs(
  reason: AccusationReason,
  links: number,
  rttMs?: number,
  others?: number,
): number {
  const bench = new Bench(links, rttMs, others);
  const pauses = Array.from({ length: 200 }, () => {
    bench.charges.drop(subject);
    bench.charges.bring(subject, reason);
    return bench.charges.wakeAtMs - bench.nowMs;
  });
  t.ok(Math.min(...pauses) < Math.max(...pauses) / 10, 'some are short');
  return Math.max(...pauses);
}

t.test('the pause is for as many observers as there are links here, and for their way', (t) => {
  for (const [links, rttMs, mostMs] of [
    [2, undefined, 60],
    [8, 1, 240],
    [8, 50, 400],
    [16, 100, 1_000],
  ] as const) {
    const longestMs = longestPauseMs('refused', links, rttMs, 64);
    t.ok(longestMs <= mostMs && longestMs > 0.8 * mostMs, `${longestMs} of ${mostMs} ms`);
  }
  t.end();
});

t.test('where all were asked to look for themselves, accusations have time', (t) => {
  for (const [links, rttMs, mostMs] of [
    [2, undefined, 240],
    [4, 1, 480],
    [4, 200, 800],
    [16, 1, 1_000],
  ] as const) {
    const longestMs = longestPauseMs('refused', links, rttMs);
    t.ok(longestMs <= mostMs && longestMs > 0.8 * mostMs, `${longestMs} of ${mostMs} ms`);
  }
  t.end();
});

t.test('a silence is told soon, as each notices it at a time of its own', (t) => {
  for (const [links, rttMs, mostMs] of [
    [8, undefined, 40],
    [8, 1, 40],
    [8, 50, 400],
  ] as const) {
    const longestMs = longestPauseMs('silent', links, rttMs);
    t.ok(longestMs <= mostMs && longestMs > 0.8 * mostMs, `${longestMs} of ${mostMs} ms`);
  }
  t.end();
});

t.test('what enough others told meanwhile is not told again', (t) => {
  for (const [others, told] of [
    [2, 1],
    [3, 0],
  ] as const) {
    const bench = new Bench(8);
    t.equal(bench.charges.bring(subject, 'refused'), true);
    for (let key = 3; key < 3 + others; key++)
      bench.docket.accept(accusationBy(signerOf(key), signerOf(2), bench.nowMs), bench.context.now);
    bench.charges.noteOthers();
    bench.runTo(2_100);
    t.equal(bench.told().length, told);
  }
  t.end();
});

t.test('a charge is confirmed once, after the suspicion time', (t) => {
  const bench = new Bench(0);
  bench.charges.bring(subject, 'silent');
  bench.runTo(1_000);
  t.equal(bench.told().length, 1);
  const confirmAtMs = 1_000 + suspicionMs(bench.registry.ownersHeld, 0);
  t.equal(bench.charges.wakeAtMs, confirmAtMs);
  bench.runTo(confirmAtMs);
  t.equal(bench.told().length, 1);
  t.equal(bench.charges.wakeAtMs, Infinity);
  t.end();
});

t.test('a charge goes with its subject: heard, in a new life, or dropped', (t) => {
  const ends: ((bench: Bench) => void)[] = [
    (bench) => (bench.isHeard = true),
    (bench) => bench.charges.noteLife(subject, 2),
    (bench) => bench.charges.noteLife(subject, undefined),
    (bench) => bench.charges.drop(subject),
  ];
  for (const end of ends) {
    const bench = new Bench(8);
    bench.charges.bring(subject, 'refused');
    end(bench);
    bench.runTo(60_000);
    t.strictSame(bench.told(), []);
  }
  const bench = new Bench(8);
  bench.charges.bring(subject, 'refused');
  bench.charges.noteLife(subject, 1);
  bench.runTo(2_100);
  t.equal(bench.told().length, 1, 'the life that was meant goes on');
  t.end();
});

t.test('while nobody is heard nothing is told, and what was told waits anew', (t) => {
  const bench = new Bench(0);
  bench.charges.bring(subject, 'silent');
  bench.runTo(1_000);
  bench.told();
  bench.isDoubtful = true;
  t.equal(bench.charges.wakeAtMs, Infinity);
  t.equal(bench.charges.bring(signerOf(3).owner, 'silent'), false);
  bench.setTime(50_000);
  bench.charges.putOff();
  bench.isDoubtful = false;
  t.equal(bench.charges.wakeAtMs, 50_000 + suspicionMs(bench.registry.ownersHeld, 0));
  t.end();
});

t.test('who may not accuse says whether others do', (t) => {
  const bench = new Bench(8);
  const other = signerOf(3);
  t.equal(bench.charges.bring(other.owner, 'refused'), false);
  bench.docket.accept(accusationBy(signerOf(4), other, bench.nowMs), bench.context.now);
  t.equal(bench.charges.bring(other.owner, 'refused'), true);
  t.end();
});

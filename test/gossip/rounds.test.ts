import t from 'tap';
import { Rounds } from '../../src/gossip/rounds.ts';
import { testConfig } from './cluster.ts';
import { VigilBench } from './vigil-bench.ts';

const { gossipIntervalMs, gossipK } = testConfig;
const peers = Array.from({ length: 4 * gossipK }, (_, index) => `peer ${index}`);

function makeRounds(): { bench: VigilBench; rounds: Rounds } {
  const bench = new VigilBench(0);
  return { bench, rounds: new Rounds(bench.context) };
}

t.test('the first round comes within an interval, the others an interval apart, ±20 %', (t) => {
  const { bench, rounds } = makeRounds();
  t.equal(rounds.wakeAtMs, Infinity);
  t.equal(rounds.begin(), false, 'before the start there is none');
  rounds.start();
  t.ok(rounds.wakeAtMs <= bench.nowMs + 50 + gossipIntervalMs);
  const pauses = new Set<number>();
  for (let round = 1; round <= 30; round++) {
    bench.setTime(rounds.wakeAtMs - 1e-3);
    t.equal(rounds.begin(), false);
    bench.setTime(rounds.wakeAtMs);
    t.equal(rounds.begin(), true);
    t.equal(rounds.isLookAround, round % 10 === 0);
    const pauseMs = rounds.wakeAtMs - bench.nowMs;
    t.ok(Math.abs(pauseMs - gossipIntervalMs) <= 0.2 * gossipIntervalMs);
    pauses.add(pauseMs);
  }
  t.equal(pauses.size, 30);
  t.end();
});

t.test('nobody is asked twice before everybody was asked once', (t) => {
  const { bench, rounds } = makeRounds();
  for (let cycle = 0; cycle < 5; cycle++) {
    const asked: string[] = [];
    for (let round = 0; round < 4; round++) {
      bench.setTime(bench.nowMs + 1);
      const chosen = rounds.choose(peers);
      t.equal(chosen.length, gossipK);
      for (const peer of chosen) rounds.met(peer);
      asked.push(...chosen);
    }
    t.strictSame(new Set(asked), new Set(peers));
  }
  t.end();
});

t.test('an exchange that the peer began counts as well', (t) => {
  const { bench, rounds } = makeRounds();
  const last = peers.slice(-gossipK);
  for (const peer of peers.slice(0, -gossipK)) rounds.met(peer);
  t.strictSame(rounds.choose(peers).sort(), last.sort());
  bench.setTime(bench.nowMs + 1);
  for (const peer of last) rounds.met(peer);
  t.notOk(rounds.choose(peers).some((peer) => last.includes(peer)));
  rounds.unlinked(last[0] as string);
  t.ok(rounds.choose(peers).includes(last[0] as string), 'a new link is a new beginning');
  t.end();
});

t.test('of the new ones any comes, so that many nodes do not ask the same ones', (t) => {
  const { rounds } = makeRounds();
  const chosen = Array.from({ length: 60 }, () => rounds.choose(peers)).flat();
  t.strictSame(new Set(chosen), new Set(peers));
  t.end();
});

t.test('of few there are few', (t) => {
  const { rounds } = makeRounds();
  t.strictSame(rounds.choose([]), []);
  t.strictSame(rounds.choose(['a']), ['a']);
  t.end();
});

/** Probes that ride on what the host asks of its peers anyway. */
import t from 'tap';
import { Bench } from './probe-bench.ts';

t.test('what the host asks of a peer is as good as a ping, and saves it', (t) => {
  const bench = new Bench();
  for (let second = 0; second < 60; second++) {
    bench.prober.asked('a', bench.nowMs);
    bench.nowMs += 30;
    t.strictSame(bench.prober.answered('a', undefined, bench.nowMs), []);
    bench.run(970);
  }
  t.strictSame(
    bench.of('ping').filter(([, { peer }]) => peer === 'a'),
    [],
  );
  t.equal(bench.prober.roundTrip('a')?.smoothedMs, 30);
  t.equal(bench.prober.answered('stranger', undefined, bench.nowMs).length, 0);
  bench.prober.asked('stranger', bench.nowMs);
  t.end();
});

t.test('a question that was passed over is no verdict: a ping follows it', (t) => {
  const bench = new Bench().run(20_000).freeze('b');
  bench.prober.asked('a', bench.nowMs);
  const askedMs = bench.nowMs;
  const toA = (): number[] =>
    bench.of('ping').flatMap(([atMs, { peer }]) => (peer === 'a' ? [atMs - askedMs] : []));
  bench.run(499);
  t.strictSame(toA(), []);
  bench.run(2);
  t.strictSame(toA(), [500]);
  bench.run(20_000);
  t.strictSame(bench.silent, ['b']);
  t.end();
});

t.test('who is frozen answers neither the question nor the ping, and is silent', (t) => {
  const bench = new Bench().run(20_000).freeze('a');
  const askedMs = bench.nowMs;
  bench.prober.asked('a', askedMs);
  t.equal(bench.until('askVouch'), askedMs + 500);
  t.equal(bench.until('silent'), askedMs + 1_200);
  t.end();
});

t.test('whoever is asked to vouch pings, though another question is under way', (t) => {
  const { prober } = new Bench();
  prober.asked('a', 0);
  const ping = prober.askedToVouch('b', 'a', 7, 10);
  t.strictSame(
    ping.map(({ kind }) => kind),
    ['ping'],
  );
  t.strictSame(prober.askedToVouch('c', 'a', 8, 20), [], 'one ping serves both');
  t.equal(prober.heard('a', 30).length, 2);
  t.end();
});

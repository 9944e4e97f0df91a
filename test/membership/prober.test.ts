import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { Prober } from '../../src/membership/prober.ts';
import { vouchingsMax, vouchingsPerAskerMax } from '../../src/membership/vouchings.ts';
import { Bench, intervalMs, peers } from './probe-bench.ts';

t.test('without peers there is nothing to do, ever', (t) => {
  const { prober } = new Bench([]);
  t.equal(prober.nextMs, Infinity);
  t.strictSame(prober.tick(1e9), []);
  t.equal(prober.health.score, 0);
  t.equal(prober.isIsolated, false, 'it never had a link');
  t.end();
});

for (const [links, periodMs] of [
  [1, 1_000],
  [4, 1_000],
  [8, 2_000],
  [16, 4_000],
] as const)
  t.test(`each of ${links} silent links is asked once in ${periodMs} ms`, (t) => {
    const names = Array.from({ length: links }, (_, index) => `peer ${index}`);
    const bench = new Bench(names).run(20_000);
    bench.log.length = 0;
    bench.run(10 * periodMs);
    for (const name of names) {
      const times = bench.of('ping').flatMap(([atMs, { peer }]) => (peer === name ? [atMs] : []));
      t.equal(times.length, 10);
      for (const [index, atMs] of times.entries())
        t.equal(atMs - (times[0] as number), index * periodMs);
    }
    t.equal(new Set(bench.of('ping').map(([, { nonce }]) => nonce)).size, 10 * links);
    t.equal(bench.log.length, 10 * links, 'and nothing else is said');
    t.equal(bench.prober.roundTrip('peer 0')?.smoothedMs, 0);
    t.equal(bench.prober.roundTrip('stranger'), undefined);
    t.end();
  });

t.test('a host that is never awake by itself is woken for it', (t) => {
  const prober = new Prober({ self: 'self', intervalMs, random: seededRandom(1) });
  prober.linked('a', 0);
  t.ok(prober.nextMs <= intervalMs);
  for (let asked = 0; asked < 20; asked++) {
    const atMs = prober.nextMs;
    const [ping] = prober.tick(atMs);
    t.equal(ping?.kind, 'ping');
    if (ping?.kind === 'ping') prober.answered('a', ping.nonce, atMs);
    t.ok(prober.nextMs - atMs >= 1.1 * intervalMs && prober.nextMs - atMs <= 1.5 * intervalMs);
  }
  t.end();
});

t.test('a ping is answered with its nonce, but not to a stranger', (t) => {
  const { prober } = new Bench();
  t.strictSame(prober.pinged('a', 42, 0), [{ kind: 'pong', peer: 'a', nonce: 42 }]);
  t.strictSame(prober.pinged('stranger', 42, 0), []);
  t.end();
});

t.test('three others are asked after 500 ms, and 700 ms later the peer is silent', (t) => {
  const bench = new Bench().run(20_000).freeze('a');
  const askedMs = bench.until('askVouch');
  const toIt = bench.of('ping').filter(([, { peer }]) => peer === 'a');
  const [pingedMs, { nonce }] = toIt[0] as (typeof toIt)[0];
  t.ok(Math.abs(askedMs - pingedMs - 500) < 1e-6);
  const asked = bench.of('askVouch').map(([, action]) => action);
  t.equal(new Set(asked.map(({ through }) => through)).size, 3);
  t.ok(asked.every((ask) => ask.subject === 'a' && ask.nonce === nonce && ask.through !== 'a'));
  const pinged = bench.of('ping').flatMap(([atMs, { peer }]) => (atMs === askedMs ? [peer] : []));
  const through = asked.map((ask) => ask.through);
  t.strictSame(new Set(pinged), new Set(through), 'who is asked is pinged');
  const silentMs = bench.until('silent');
  t.ok(Math.abs(silentMs - askedMs - 700) < 1e-6);
  t.strictSame(bench.silent, ['a']);
  t.equal(bench.prober.stateOf('a')?.phase === 'silent', true);
  t.equal(bench.prober.stateOf('b')?.phase === 'silent', false);
  t.equal(bench.prober.isIsolated, false);
  t.end();
});

t.test('a silent peer is told of once, and finds at most four pings when it goes on', (t) => {
  const bench = new Bench().run(20_000).freeze('a').run(60_000);
  t.equal(bench.of('silent').length, 1);
  t.equal(bench.of('ping').filter(([, { peer }]) => peer === 'a').length, 4);
  bench.thaw('a');
  t.equal(bench.of('speaks').length, 1);
  t.equal(bench.prober.stateOf('a')?.phase === 'silent', false);
  t.strictSame(bench.prober.heard('a', bench.nowMs), []);
  bench.log.length = 0;
  bench.run(20 * intervalMs);
  t.equal(bench.of('silent').length, 0);
  t.equal(bench.of('ping').filter(([, { peer }]) => peer === 'a').length, 20);
  t.end();
});

t.test('any frame is as good as a pong, in every phase', (t) => {
  for (const kind of ['ping', 'askVouch', 'silent'] as const) {
    const bench = new Bench().run(20_000).freeze('a');
    bench.until(kind);
    if (kind === 'ping') bench.run(intervalMs);
    const actions = bench.prober.heard('a', bench.nowMs);
    t.strictSame(
      actions.map((action) => action.kind),
      kind === 'silent' ? ['speaks'] : [],
    );
    t.equal(bench.prober.stateOf('a')?.phase === 'silent', false);
  }
  t.end();
});

t.test('a vouch ends the probe when it comes from one that was asked, with the nonce', (t) => {
  const bench = new Bench().run(20_000).freeze('a');
  bench.until('askVouch');
  const asks = bench.of('askVouch').map(([, ask]) => ask);
  t.equal(bench.of('late').length, 1, 'and that it is late is said once');
  const { through, nonce } = asks[0] as (typeof asks)[0];
  const asked = new Set(asks.map((ask) => ask.through));
  const other = peers.find((peer) => peer !== 'a' && !asked.has(peer)) as string;
  bench.prober.vouched(other, 'a', nonce, bench.nowMs);
  bench.prober.vouched(through, 'a', nonce + 1, bench.nowMs);
  bench.prober.vouched(through, 'stranger', nonce, bench.nowMs);
  const silentMs = bench.until('silent');
  t.equal(bench.of('silent').length, 1, 'none of these did');
  t.strictSame(bench.prober.vouched(through, 'a', nonce, silentMs), [
    { kind: 'speaks', peer: 'a' },
  ]);
  t.equal(bench.prober.stateOf('a')?.phase === 'silent', false, 'late, and yet it lives');
  t.end();
});

t.test('who answers others but not us is asked after in each round, and never silent', (t) => {
  const bench = new Bench().run(20_000).freeze('a');
  for (const name of peers) bench.vouchers.add(name);
  bench.run(60 * intervalMs);
  t.equal(bench.of('silent').length, 0);
  const rounds = bench.of('askVouch').length / 3;
  t.ok(rounds === 59 || rounds === 60, `${rounds} rounds`);
  t.end();
});

t.test('those of whom nothing bad is known are asked first, the silent ones never', (t) => {
  const bench = new Bench().run(20_000).freeze('a', 'b');
  bench.until('silent');
  bench.run(5_000).freeze('c');
  bench.until('askVouch');
  const asked = bench.of('askVouch').map(([, { through }]) => through);
  t.strictSame(asked.sort(), ['d', 'e']);
  t.end();
});

t.test('a node that hears none of those it asked calls nobody silent', (t) => {
  const bench = new Bench()
    .run(20_000)
    .freeze(...peers)
    .run(60_000);
  t.equal(bench.of('silent').length, 0);
  t.equal(bench.prober.isIsolated, true);
  t.ok(bench.prober.health.score > 0);
  bench.log.length = 0;
  bench.thaw('b');
  t.equal(bench.prober.isIsolated, false);
  const anew = bench.of('askVouch').filter(([, { through }]) => through === 'b');
  t.not(anew.length, 0, 'it is asked for those for whom others had been asked');
  bench.run(60_000);
  t.strictSame(bench.silent.sort(), ['a', 'c', 'd', 'e']);
  t.end();
});

t.test('the only peer is never silent; its silence is isolation', (t) => {
  const bench = new Bench(['a']).run(20_000).freeze('a').run(10_000);
  t.equal(bench.of('silent').length, 0);
  t.equal(bench.prober.stateOf('a')?.phase === 'silent', false);
  t.equal(bench.prober.isIsolated, true);
  bench.prober.heard('a', bench.nowMs);
  t.equal(bench.prober.isIsolated, false);
  t.end();
});

t.test('one other that is heard is enough to call a peer silent', (t) => {
  const bench = new Bench(['a', 'b']).run(20_000).freeze('a').run(3_000);
  t.strictSame(bench.silent, ['a']);
  t.end();
});

t.test('who loses its last link is isolated, and who lets it go is not', (t) => {
  for (const how of ['lost', 'ended'] as const) {
    const { prober } = new Bench(['a', 'b']);
    prober.unlinked('b', 'lost');
    t.equal(prober.isIsolated, false, 'one is left');
    prober.unlinked('a', how);
    t.equal(prober.isIsolated, how === 'lost');
    t.equal(prober.nextMs, Infinity);
    prober.linked('c', 0);
    t.equal(prober.isIsolated, false);
  }
  t.end();
});

t.test('a voucher whose link went cannot keep a verdict open', (t) => {
  const bench = new Bench(['a', 'b']).run(20_000).freeze('a', 'b').run(10_000);
  t.equal(bench.prober.isIsolated, true);
  bench.prober.unlinked('b', 'lost');
  bench.frozen.delete('b');
  bench.log.length = 0;
  bench.do(bench.prober.linked('b', bench.nowMs));
  t.strictSame(
    bench.of('askVouch').map(([, { through }]) => through),
    ['b'],
    'it is asked anew',
  );
  bench.run(10_000);
  t.strictSame(bench.silent, ['a']);
  t.end();
});

t.test('whoever is asked for a peer pings it, and vouches with its next word', (t) => {
  const bench = new Bench().freeze('s');
  bench.do(bench.prober.linked('s', 0));
  const actions = bench.do(bench.prober.askedToVouch('a', 's', 7, 0));
  t.strictSame(
    actions.map(({ kind }) => kind),
    ['ping'],
  );
  t.strictSame(bench.prober.askedToVouch('b', 's', 8, 100), [], 'one ping serves both');
  t.strictSame(bench.prober.heard('s', 300), [
    { kind: 'vouch', to: 'a', subject: 's', nonce: 7 },
    { kind: 'vouch', to: 'b', subject: 's', nonce: 8 },
  ]);
  t.strictSame(bench.prober.heard('s', 300), []);
  t.end();
});

t.test('a word of the subject that comes later than 700 ms is not passed on', (t) => {
  for (const [atMs, count] of [
    [700, 1],
    [701, 0],
  ] as const) {
    const prober = new Prober({ self: 'self', intervalMs: 3_600_000, random: seededRandom(1) });
    prober.linked('s', 0);
    prober.linked('a', 0);
    prober.askedToVouch('a', 's', 7, 0);
    const vouches = prober.heard('s', atMs).filter(({ kind }) => kind === 'vouch');
    t.equal(vouches.length, count);
  }
  t.end();
});

t.test('for a subject without a link one dial is asked for, and its greeting vouches', (t) => {
  const { prober } = new Bench();
  t.strictSame(prober.askedToVouch('a', 's', 7, 0), [{ kind: 'dialFor', subject: 's' }]);
  t.strictSame(prober.askedToVouch('b', 's', 8, 50), []);
  t.strictSame(prober.linked('s', 90), [
    { kind: 'vouch', to: 'a', subject: 's', nonce: 7 },
    { kind: 'vouch', to: 'b', subject: 's', nonce: 8 },
  ]);
  t.strictSame(prober.askedToVouch('a', 't', 9, 95), [{ kind: 'dialFor', subject: 't' }]);
  t.end();
});

t.test('nobody vouches for the asker, for itself, to a stranger or to one that is gone', (t) => {
  const { prober } = new Bench();
  t.strictSame(prober.askedToVouch('a', 'a', 7, 0), []);
  t.strictSame(prober.askedToVouch('a', 'self', 7, 0), []);
  t.strictSame(prober.askedToVouch('stranger', 's', 7, 0), []);
  prober.askedToVouch('b', 's', 7, 0);
  prober.unlinked('b', 'lost');
  t.strictSame(prober.linked('s', 0), []);
  t.end();
});

t.test(
  `an asker is served ${vouchingsPerAskerMax} times at once, all of them ${vouchingsMax}`,
  (t) => {
    const askers = Array.from({ length: 20 }, (_, i) => `asker ${i}`);
    const { prober } = new Bench(askers);
    const dials = askers.map((asker) => {
      const asked = Array.from({ length: 20 }, (_, i) => `${asker}'s ${i}`);
      return asked.flatMap((subject) => prober.askedToVouch(asker, subject, 1, 0)).length;
    });
    t.strictSame(dials, [...Array(8).fill(16), ...Array(12).fill(0)]);
    t.end();
  },
);

/** How long the node does not run, from when a probe of a frozen peer is under way. */
for (const lagMs of [150, 400, 1_000, 1_900])
  t.test(`a node that is woken ${lagMs} ms late reads before it judges`, (t) => {
    const bench = new Bench().run(20_000).freeze('a');
    bench.until('askVouch');
    bench.run(bench.prober.nextMs - bench.nowMs - 1).stall(1 + lagMs);
    bench.log.length = 0;
    bench.do(bench.prober.tick(bench.nowMs));
    t.equal(bench.of('silent').length, 0);
    t.ok(bench.prober.health.isDoubtful);
    t.ok(bench.prober.nextMs > bench.nowMs);
    bench.frozen.clear();
    bench.run(99);
    t.equal(bench.of('silent').length, 0, 'not while it reads');
    bench.do(bench.prober.heard('a', bench.nowMs));
    bench.run(20_000);
    t.equal(bench.of('silent').length, 0);
    t.equal(bench.prober.health.score, 0, 'and it trusts itself again');
    t.end();
  });

t.test('a node that was frozen itself forgets its probes and listens for a round', (t) => {
  const bench = new Bench().run(20_000).freeze('a');
  bench.until('askVouch');
  bench.stall(60_000).freeze('a');
  const wokenMs = bench.nowMs;
  bench.do(bench.prober.tick(wokenMs));
  t.strictSame(bench.of('silent'), []);
  bench.run(1.5 * intervalMs);
  t.equal(new Set(bench.of('ping').map(([, { peer }]) => peer)).size, 5, 'all are pinged anew');
  t.equal(bench.of('silent').length + bench.of('askVouch').length, 0);
  bench.until('silent', 30_000);
  t.strictSame(bench.silent, ['a'], 'it is found all the same');
  t.ok(bench.nowMs - wokenMs > 1_200);
  t.end();
});

t.test('a silent peer is still silent after this node was frozen', (t) => {
  const bench = new Bench().run(20_000).freeze('a');
  bench.until('silent');
  bench.stall(60_000);
  bench.do(bench.prober.tick(bench.nowMs));
  t.equal(bench.prober.stateOf('a')?.phase === 'silent', true);
  t.strictSame(bench.prober.heard('a', bench.nowMs), [{ kind: 'speaks', peer: 'a' }]);
  t.end();
});

t.test('a lag is noticed by whatever is called first, and once', (t) => {
  const bench = new Bench().run(20_000).stall(1_500);
  bench.do(bench.prober.heard('b', bench.nowMs));
  const { score } = bench.prober.health;
  t.ok(score >= 2, `${score}`);
  bench.do(bench.prober.tick(bench.nowMs));
  t.equal(bench.prober.health.score, score);
  t.end();
});

t.test('linking twice changes nothing, and a node does not probe itself', (t) => {
  const bench = new Bench().run(5_000);
  const { nextMs } = bench.prober;
  t.strictSame(bench.prober.linked('a', bench.nowMs), []);
  t.equal(bench.prober.nextMs, nextMs);
  t.throws(() => bench.prober.linked('self', bench.nowMs), /does not probe itself/);
  bench.prober.unlinked('stranger', 'lost');
  t.equal(bench.prober.nextMs, nextMs);
  t.end();
});

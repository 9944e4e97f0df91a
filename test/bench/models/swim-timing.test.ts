import t from 'tap';
import {
  Awareness,
  configurations,
  pushPullMs,
  retransmitLimit,
  Suspicion,
  suspicionMs,
} from '../../../bench/models/swim-timing.ts';

t.test('a suspicion lasts as long as the formula of memberlist says', (t) => {
  const seconds = [5, 10, 50, 100, 128, 500, 1_000, 10_000].map(
    (nodes) => suspicionMs(4, nodes, 1_000) / 1_000,
  );
  t.strictSame(seconds, [4, 4, 6.792, 8, 8.428, 10.792, 12, 16]);
  t.equal(suspicionMs(5, 128, 1_000), 10_535, 'with the alpha of the paper');
  t.equal(suspicionMs(3, 100, 2_000), 12_000, 'in proportion to the interval');
  t.end();
});

t.test('a rumor is sent four times for each power of ten of the nodes', (t) => {
  t.strictSame(
    [1, 9, 10, 99, 100, 128, 999].map((nodes) => retransmitLimit(4, nodes)),
    [4, 4, 8, 8, 12, 12, 12],
  );
  t.end();
});

t.test('full exchanges become rarer with each doubling above 32 nodes', (t) => {
  t.strictSame(
    [32, 33, 64, 65, 128, 129].map((nodes) => pushPullMs(30_000, nodes) / 30_000),
    [1, 2, 2, 3, 3, 4],
  );
  t.end();
});

t.test('a suspicion shrinks with the logarithm of its confirmations', (t) => {
  const suspicion = new Suspicion(1, 3, 2_000, 30_000, 500);
  const lasts = [suspicion.dueMs - 500];
  for (const from of [2, 3, 4]) {
    t.ok(suspicion.confirm(from));
    lasts.push(suspicion.dueMs - 500);
  }
  t.strictSame(lasts, [30_000, 16_000, 7_810, 2_000]);
  t.end();
});

t.test('the same accuser confirms nothing twice, and enough is enough', (t) => {
  const suspicion = new Suspicion(1, 2, 1_000, 6_000, 0);
  t.notOk(suspicion.confirm(1), 'who suspected first');
  t.ok(suspicion.confirm(2));
  t.notOk(suspicion.confirm(2));
  t.ok(suspicion.confirm(3));
  t.notOk(suspicion.confirm(4), 'two were expected');
  t.equal(suspicion.confirmations, 2);
  t.equal(suspicion.dueMs, 1_000);
  t.end();
});

t.test(
  'where no confirmation is expected a suspicion is as short as can be from the start',
  (t) => {
    const suspicion = new Suspicion(1, 0, 1_000, 6_000, 100);
    t.equal(suspicion.dueMs, 1_100);
    t.notOk(suspicion.confirm(2));
    t.equal(suspicion.dueMs, 1_100);
    t.end();
  },
);

t.test('the score of local health stays between none and one below its bound', (t) => {
  const awareness = new Awareness(8);
  const steps = [1, 3, -1, 3, 5, -1, -100].map((delta) => {
    awareness.apply(delta);
    return [awareness.score, awareness.scale(1_000)];
  });
  t.strictSame(steps, [
    [1, 2_000],
    [4, 5_000],
    [3, 4_000],
    [6, 7_000],
    [7, 8_000],
    [6, 7_000],
    [0, 1_000],
  ]);
  const none = new Awareness(1);
  none.apply(5);
  t.equal(none.scale(1_000), 1_000, 'a bound of one switches it off');
  t.end();
});

t.test('the configurations are those of the paper, and the one that is shipped', (t) => {
  const { swim, lifeguard, memberlist } = configurations;
  t.match(swim, { suspicionMult: 5, lhaProbe: false, lhaSuspicion: false, buddySystem: false });
  t.match(lifeguard, { suspicionMult: 5, suspicionMaxTimeoutMult: 6, lhaProbe: true });
  t.strictSame([lifeguard.awarenessMax, memberlist.awarenessMax], [9, 8], 'up to 9 s, and up to 8');
  t.match(memberlist, { suspicionMult: 4, suspicionMaxTimeoutMult: 6, buddySystem: true });
  t.end();
});

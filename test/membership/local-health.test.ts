import fc from 'fast-check';
import t from 'tap';
import { healthScoreMax, LocalHealth } from '../../src/membership/local-health.ts';
import type { Waking } from '../../src/membership/local-health.ts';

const roundMs = 1_000;

/** How late it is woken, and what that is called and brings. */
const lags: [number, Waking, number][] = [
  [-Infinity, 'prompt', 0],
  [0, 'prompt', 0],
  [100, 'prompt', 0],
  [101, 'late', 1],
  [316, 'late', 1],
  [317, 'late', 2],
  [1_000, 'late', 3],
  [1_999, 'late', 3],
  [2_000, 'frozen', 3],
  [60_000, 'frozen', 6],
  [86_400_000, 'frozen', 8],
];

for (const [lateMs, waking, score] of lags)
  t.test(`a wake that comes ${lateMs} ms late is ${waking}, and makes the score ${score}`, (t) => {
    const health = new LocalHealth(roundMs);
    t.equal(health.woken(lateMs, 0), waking);
    t.equal(health.score, score);
    t.equal(health.factor, score + 1);
    t.equal(health.isDoubtful, score > 0);
    t.end();
  });

t.test('with short rounds a lag below a second is no freeze', (t) => {
  const health = new LocalHealth(100);
  t.equal(health.woken(999, 0), 'late');
  t.equal(health.woken(1_000, 2_000), 'frozen');
  t.end();
});

t.test('a node that is always a little late stays at what that lag asks for', (t) => {
  const health = new LocalHealth(roundMs);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 500) {
    health.woken(150, nowMs);
    health.succeeded(nowMs);
  }
  t.equal(health.score, 1);
  t.end();
});

t.test('a small lag does not keep a high score up', (t) => {
  const health = new LocalHealth(roundMs);
  health.woken(1_000, 0);
  for (let nowMs = 500; nowMs <= 3_000; nowMs += 500) {
    health.woken(150, nowMs);
    health.succeeded(nowMs);
  }
  t.equal(health.score, 1);
  t.end();
});

t.test('each round of answers takes one step back, however many come', (t) => {
  const health = new LocalHealth(roundMs);
  health.woken(1_000, 0);
  const scores = [500, 999, 1_000, 1_001, 1_999, 2_000, 3_000, 4_000].map((nowMs) => {
    health.succeeded(nowMs);
    return health.score;
  });
  t.strictSame(scores, [3, 3, 2, 2, 2, 1, 0, 0]);
  t.end();
});

t.test('probes of two peers may fail for as long as they like', (t) => {
  const health = new LocalHealth(roundMs);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 250) health.failed(`peer ${nowMs % 500}`, nowMs);
  t.equal(health.score, 0);
  t.end();
});

t.test(
  'three that fail within a round raise the score by one, and more do not raise it more',
  (t) => {
    const health = new LocalHealth(roundMs);
    const scores = Array.from({ length: 8 }, (_, peer) => {
      health.failed(`peer ${peer}`, 100 * peer);
      return health.score;
    });
    t.strictSame(scores, [0, 0, 1, 1, 1, 1, 1, 1]);
    health.failed('peer 0', 1_200);
    t.equal(health.score, 2, 'the next round');
    t.end();
  },
);

t.test('three that fail one a round are three stories', (t) => {
  const health = new LocalHealth(roundMs);
  for (let peer = 0; peer < 10; peer++) health.failed(`peer ${peer}`, peer * 600);
  t.equal(health.score, 0);
  t.end();
});

t.test('whatever happens, the score stays within its bounds and comes down again', (t) => {
  const event = fc.tuple(
    fc.constantFrom('woken', 'failed', 'succeeded'),
    fc.integer({ min: 0, max: 1_000_000 }),
  );
  let highest = 0;
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const health = new LocalHealth(roundMs);
      let nowMs = 0;
      for (const [what, number] of events) {
        nowMs += number % 400;
        if (what === 'woken') health.woken(number, nowMs);
        if (what === 'failed') health.failed(`peer ${number % 20}`, nowMs);
        if (what === 'succeeded') health.succeeded(nowMs);
        if (health.score < 0 || health.score > healthScoreMax) return false;
        highest = Math.max(highest, health.score);
      }
      for (let round = 1; round <= healthScoreMax; round++)
        health.succeeded(nowMs + round * roundMs);
      return health.score === 0;
    }),
    { numRuns: 300, seed: 2 },
  );
  t.equal(highest, healthScoreMax, 'which was reached');
  t.end();
});

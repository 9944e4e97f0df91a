import t from 'tap';
import { OwnerRate } from '../../src/gossip/owner-rate.ts';

/** Rumors taken before there is no token left. */
function burstOf(rate: OwnerRate, monoMs: number): number {
  for (let taken = 1; taken <= 1_000; taken++) if (!rate.take('a', monoMs)) return taken;
  return Infinity;
}

t.test('200 at once are taken, then 100 a second', (t) => {
  const rate = new OwnerRate();
  t.equal(burstOf(rate, 0), 200);
  t.equal(burstOf(rate, 500), 50);
  t.equal(burstOf(rate, 1_500), 100);
  t.equal(burstOf(rate, 60_000), 200, 'and no more than 200 are saved up');
  t.end();
});

t.test('at the rate that honest owners keep there is always a token', (t) => {
  const rate = new OwnerRate();
  for (let round = 0; round < 5_000; round++) if (!rate.take('a', round * 20)) t.fail();
  t.pass('50 a second');
  t.end();
});

t.test('owners do not use up each other', (t) => {
  const rate = new OwnerRate();
  burstOf(rate, 0);
  t.equal(rate.take('b', 0), true);
  t.end();
});

t.test('who has been quiet is forgotten, and 10,001 owners are one too many', (t) => {
  const rate = new OwnerRate();
  for (let owner = 0; owner < 10_001; owner++) rate.take(`owner ${owner}`, 0);
  t.equal(rate.size, 10_000);
  for (let second = 1; second <= 10_000; second++) rate.take('a', second * 1_000);
  t.equal(rate.size, 1);
  t.end();
});

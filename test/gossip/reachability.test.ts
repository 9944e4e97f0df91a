import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { Reachability } from '../../src/gossip/reachability.ts';

function make(): { reachability: Reachability; incarnations: Map<string, number> } {
  const incarnations = new Map([['a', 1]]);
  const of = (peer: string): number => incarnations.get(peer) ?? -1;
  return { reachability: new Reachability(seededRandom(1), of), incarnations };
}

t.test('nobody who refuses a dial lives, and who does not answer three times is missing', (t) => {
  for (const how of ['refused', 'other_peer', 'self'] as const)
    t.equal(make().reachability.fail('a', how, 0), 'dead', how);
  for (const [how, first] of [
    ['timeout', 'held'],
    ['unreachable', 'first'],
  ] as const) {
    const { reachability } = make();
    const deaths = [1, 2, 3].map(() => reachability.fail('a', how, 0));
    t.strictSame(deaths, [first, 'held', 'missing'], how);
  }
  t.end();
});

t.test('a doubt alone is no reason to look elsewhere, and lasts until it is linked', (t) => {
  const { reachability } = make();
  reachability.doubt('a');
  t.strictSame(reachability.doubted(), ['a']);
  t.equal(reachability.isReachable('a'), true);
  t.equal(reachability.fail('a', 'timeout', 0), 'held');
  t.equal(reachability.isDoubted('a'), true, 'it is asked again');
  t.end();
});

t.test('a member is held back for longer each time, at most 30 seconds', (t) => {
  const { reachability } = make();
  for (let times = 1; times <= 10; times++) {
    reachability.decline('a', 1_000);
    const ceilingMs = Math.min(30_000, 500 * 2 ** times);
    t.equal(reachability.isReachable('a'), false);
    t.equal(reachability.isDue('a', 1_000 + ceilingMs), true, `${times} times`);
  }
  reachability.shun('a', 99_000);
  t.equal(reachability.isDue('a', 98_999), false);
  t.equal(reachability.isDue('a', 99_000), true);
  t.end();
});

t.test('while a dial takes long others are linked, and it may still come to anything', (t) => {
  for (const isHeldBack of [false, true]) {
    const { reachability } = make();
    reachability.late('a');
    t.equal(reachability.isReachable('a'), false);
    t.equal(reachability.isDue('a', 0), true, 'it is not held back by that');
    if (isHeldBack) reachability.fail('a', 'timeout', 0);
    else reachability.linked('a');
    t.equal(reachability.isReachable('a'), !isHeldBack);
    t.equal(reachability.size, isHeldBack ? 1 : 0);
    t.equal(reachability.isDue('a', 1_000), true, 'as after any first failure');
  }
  t.end();
});

t.test('to be sent on says nothing about a life', (t) => {
  const { reachability } = make();
  for (let times = 0; times < 5; times++) reachability.decline('a', 0);
  t.equal(reachability.fail('a', 'timeout', 0), 'held');
  t.end();
});

t.test('what others ask for is less than an own doubt, whichever comes first', (t) => {
  const { reachability } = make();
  reachability.doubt('a', true);
  t.ok(reachability.isDoubted('a') && reachability.isAsked('a'));
  reachability.doubt('a', true);
  t.ok(reachability.isAsked('a'), 'by two');
  reachability.doubt('a');
  t.notOk(reachability.isAsked('a'), 'and its link is lost now');
  reachability.doubt('a', true);
  t.notOk(reachability.isAsked('a'));
  t.notOk(reachability.isAsked('b'), 'nobody asked');
  t.end();
});

t.test('a link ends doubts and failures at once, and what held back once it has lasted', (t) => {
  const { reachability } = make();
  reachability.doubt('a');
  reachability.fail('a', 'timeout', 0);
  reachability.fail('a', 'timeout', 0);
  reachability.linked('a');
  t.equal(reachability.isDoubted('a'), false);
  t.equal(reachability.fail('a', 'timeout', 0), 'held', 'counted from the beginning');
  t.equal(reachability.isReachable('a'), false);
  reachability.clear('a');
  t.equal(reachability.isReachable('a'), true);
  reachability.doubt('a');
  reachability.linked('a');
  t.equal(reachability.size, 0);
  t.end();
});

t.test('a newer life is not judged by the older one', (t) => {
  const { reachability, incarnations } = make();
  reachability.doubt('a');
  reachability.fail('a', 'timeout', 0);
  reachability.shun('a', 1_000_000);
  incarnations.set('a', 2);
  t.equal(reachability.isDoubted('a'), false);
  t.equal(reachability.isReachable('a'), true);
  t.equal(reachability.isDue('a', 0), true);
  t.equal(reachability.size, 0);
  t.end();
});

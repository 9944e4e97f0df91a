import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { AtRandom, LeastLoad, RoundRobin, type Policy } from '../../src/client/policy.ts';
import type { Target } from '../../src/client/target.ts';
import { countPicks, targetsOf } from './fake-source.ts';

const policies: readonly [name: string, make: () => Policy][] = [
  ['round robin', () => new RoundRobin(seededRandom(7))],
  ['at random', () => new AtRandom(seededRandom(7))],
  ['least load', () => new LeastLoad(seededRandom(7))],
];

function counts(policy: Policy, picks: number) {
  return countPicks(picks, () => policy.pick(undefined)?.instance);
}

for (const [name, make] of policies) {
  test(`${name}: nothing to pick from is nothing picked, before a list and after`, (t) => {
    const policy = make();
    t.equal(policy.pick(undefined), undefined);
    policy.take(targetsOf(3));
    t.ok(policy.pick(undefined));
    policy.take([]);
    t.equal(policy.pick(undefined), undefined);
    policy.take(targetsOf(1));
    t.strictSame(counts(policy, 5), { i0: 5 });
    t.end();
  });

  test(`${name}: idle candidates get even shares`, (t) => {
    const policy = make();
    policy.take(targetsOf(5));
    const shares = counts(policy, 50_000);
    t.equal(Object.keys(shares).length, 5);
    for (const [id, count] of Object.entries(shares)) {
      t.ok(Math.abs(count - 10_000) < 500, `${id}: ${count}`);
    }
    t.end();
  });
}

test('round robin takes each in turn', (t) => {
  const policy = new RoundRobin(seededRandom(7));
  policy.take(targetsOf(3));
  const order = Array.from({ length: 6 }, () => policy.pick()?.instance.instanceId);
  t.strictSame(order.slice(0, 3), order.slice(3));
  t.equal(new Set(order).size, 3);
  t.end();
});

test('round robin does not begin with the same one in every process', (t) => {
  const firsts = Array.from({ length: 40 }, (_, randomSeed) => {
    const policy = new RoundRobin(seededRandom(randomSeed));
    policy.take(targetsOf(4));
    return policy.pick()?.instance.instanceId;
  });
  t.equal(new Set(firsts).size, 4);
  t.end();
});

test('round robin goes on from where it was when candidates come and go', (t) => {
  const policy = new RoundRobin(seededRandom(7));
  const [a, b, c, d] = targetsOf(4) as [Target, Target, Target, Target];
  policy.take([a, b, c, d]);
  while (policy.pick() !== a);
  policy.take([a, b, c]);
  t.equal(policy.pick(), b);
  policy.take([a, b, c, d]);
  t.equal(policy.pick(), c);
  t.equal(policy.pick(), d);
  policy.take([a, b]);
  t.equal(policy.pick(), a, 'beyond the end it begins anew');
  t.end();
});

test('least load never takes the busier of two', (t) => {
  const policy = new LeastLoad(seededRandom(7));
  const [busy, idle] = targetsOf(2) as [Target, Target];
  busy.outstanding = 2;
  idle.outstanding = 1;
  policy.take([busy, idle]);
  t.strictSame(counts(policy, 100), { [idle.instance.instanceId]: 100 });
  t.end();
});

test('least load keeps calls that do not end even over all candidates', (t) => {
  const policy = new LeastLoad(seededRandom(7));
  const targets = targetsOf(20);
  policy.take(targets);
  for (let nth = 0; nth < 20_000; nth++) {
    const target = policy.pick();
    if (target !== undefined) target.outstanding += 1;
  }
  const loads = targets.map(({ outstanding }) => outstanding);
  // Two choices: at most log log n above the average. At random it would be about 100.
  t.ok(Math.max(...loads) - 1_000 <= 5, `at most ${Math.max(...loads)}`);
  t.end();
});

test('least load compares two different candidates, each pair as often as the other', (t) => {
  const policy = new LeastLoad(seededRandom(7));
  const targets = targetsOf(3);
  targets.forEach((target, index) => (target.outstanding = index));
  policy.take(targets);
  const shares = counts(policy, 30_000);
  t.equal(shares['i2'], undefined, 'the busiest loses against both');
  t.ok(
    Math.abs((shares['i0'] ?? 0) - 20_000) < 500,
    `the idlest wins 2 of 3 pairs: ${shares['i0']}`,
  );
  t.end();
});

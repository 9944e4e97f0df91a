import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { policyNames, type PolicyName } from '../../src/client/balancer.ts';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import { ServiceView } from '../../src/client/service-view.ts';
import type { Target } from '../../src/client/target.ts';
import { FakeDaemon, wireInstance } from './fake-daemon.ts';
import { countPicks, FakeSource, instanceOf } from './fake-source.ts';
import { HandClock } from './hand-clock.ts';

const ids = (picks: Readonly<Record<string, number>>): string[] => Object.keys(picks).sort();

for (const policy of policyNames) {
  let nth = 0;
  const key = (): string => `key ${nth++}`;

  test(`${policy}: passing before warning, and never what is critical or in maintenance`, (t) => {
    const passing = [instanceOf(1), instanceOf(2)];
    const source = new FakeSource(
      ...passing,
      instanceOf(3, { health: 'warning' }),
      instanceOf(4, { health: 'critical' }),
      instanceOf(5, { health: 'maintenance' }),
    );
    const balancer = source.balancer(policy);
    t.strictSame(ids(countPicks(200, () => balancer.next(key()))), ['i1', 'i2']);
    source.drop(...passing);
    t.strictSame(ids(countPicks(20, () => balancer.next(key()))), ['i3']);
    source.drop(instanceOf(3));
    t.equal(balancer.next(key()), undefined);
    t.end();
  });

  test(`${policy}: what changes under way holds from the next pick`, (t) => {
    const source = new FakeSource();
    const balancer = source.balancer(policy);
    t.equal(balancer.next(key()), undefined);
    for (let size = 1; size <= 5; size++) {
      source.put(instanceOf(size));
      const all = Array.from({ length: size }, (_, index) => `i${index + 1}`);
      t.strictSame(ids(countPicks(300, () => balancer.next(key()))), all);
    }
    source.put(instanceOf(3, { health: 'critical' }));
    t.strictSame(ids(countPicks(300, () => balancer.next(key()))), ['i1', 'i2', 'i4', 'i5']);
    source.put(instanceOf(1, { port: 99, lastUpdate: 2 }));
    const ports = new Set(Array.from({ length: 300 }, () => balancer.next(key())?.port));
    t.strictSame(ports, new Set([99, 4002, 4004, 4005]));
    t.end();
  });

  test(`${policy}: whoever is ejected is not picked until it is admitted again`, (t) => {
    const clock = new HandClock();
    const source = new FakeSource(instanceOf(1), instanceOf(2), instanceOf(3));
    const balancer = source.balancer(policy, undefined, clock);
    const ill = balancer.nextTarget(key()) as Target;
    for (let nth = 0; nth < 5; nth++) balancer.failed(ill);
    t.ok(ill.ejected);
    const during = countPicks(200, () => balancer.next(key()));
    t.equal(ids(during).length, 2);
    t.notOk(ill.instance.instanceId in during);
    clock.advance(10_000);
    t.equal(ids(countPicks(200, () => balancer.next(key()))).length, 3);
    t.end();
  });
}

test('accept narrows the choice before health does', (t) => {
  const blue = { tags: ['blue'] };
  const source = new FakeSource(instanceOf(1), instanceOf(2, { ...blue, health: 'warning' }));
  const accept = ({ tags }: { tags: readonly string[] }): boolean => tags.includes('blue');
  const balancer = source.balancer('round_robin', { accept });
  t.strictSame(
    countPicks(4, () => balancer.next()),
    { i2: 4 },
  );
  source.put(instanceOf(3, blue));
  t.strictSame(
    countPicks(4, () => balancer.next()),
    { i3: 4 },
  );
  t.end();
});

test('accept is asked when the list changes, and not at each pick', (t) => {
  let asked = 0;
  const source = new FakeSource(instanceOf(1), instanceOf(2));
  const accept = (): boolean => (asked += 1) > 0;
  const balancer = source.balancer('round_robin', { accept });
  countPicks(100, () => balancer.next());
  t.equal(asked, 2);
  source.put(instanceOf(3));
  countPicks(100, () => balancer.next());
  t.equal(asked, 5);
  t.end();
});

test('nearest goes by the zone that it is given', (t) => {
  const far = { ip: '192.0.2.1' };
  const source = new FakeSource(
    instanceOf(1, { ...far, zone: 'a' }),
    instanceOf(2, { ...far, zone: 'b' }),
  );
  const balancer = source.balancer('nearest', { zone: 'b' });
  t.strictSame(
    countPicks(4, () => balancer.next()),
    { i2: 4 },
  );
  t.end();
});

test('a policy that there is not is refused with those that there are', (t) => {
  t.throws(() => new FakeSource().balancer('fastest' as PolicyName), {
    code: 'INVALID_ARGUMENT',
    reason: 'USAGE',
    message: /no balancer "fastest"; take one of round_robin, random, least_load/,
  });
  t.end();
});

test('another one than those tried is found as long as there is one', (t) => {
  for (const policy of policyNames) {
    const balancer = new FakeSource(instanceOf(1), instanceOf(2), instanceOf(3)).balancer(policy);
    const tried: Target[] = [];
    for (let nth = 0; nth < 3; nth++) {
      const target = balancer.nextTargetBut(tried, 'key') as Target;
      t.notOk(tried.includes(target), policy);
      tried.push(target);
    }
    t.equal(balancer.nextTargetBut(tried, 'key'), undefined);
  }
  t.end();
});

test('when all that would be picked were tried, the next best is found', (t) => {
  for (const policy of policyNames) {
    const source = new FakeSource(
      instanceOf(1),
      instanceOf(2, { health: 'warning' }),
      instanceOf(3, { health: 'critical' }),
    );
    const balancer = source.balancer(policy);
    const first = balancer.nextTarget('key') as Target;
    t.equal(first.instance.instanceId, 'i1', policy);
    const second = balancer.nextTargetBut([first], 'key') as Target;
    t.equal(second.instance.instanceId, 'i2', policy);
    t.equal(balancer.nextTargetBut([first, second], 'key'), undefined, policy);
  }
  t.end();
});

test('who is left alone is asked when no other is left to ask', (t) => {
  const balancer = new FakeSource(instanceOf(1), instanceOf(2)).balancer('random');
  const ill = balancer.nextTarget() as Target;
  for (let nth = 0; nth < 5; nth++) balancer.failed(ill);
  const well = balancer.nextTarget() as Target;
  t.not(well, ill);
  t.equal(balancer.nextTargetBut([well]), ill);
  t.end();
});

test('nothing to pick is told apart: nobody there, or nobody well', (t) => {
  const source = new FakeSource();
  const balancer = source.balancer('random');
  t.match(balancer.nothingToPick(), { code: 'NOT_FOUND', reason: 'UNKNOWN_SERVICE' });
  source.put(instanceOf(1, { health: 'critical' }));
  t.match(balancer.nothingToPick(), {
    code: 'NOT_FOUND',
    reason: 'NO_HEALTHY_INSTANCE',
    message: /math\/add has 1 instances/,
  });
  source.name = '';
  t.match(balancer.nothingToPick(), { message: /^math has 1 instances/ });
  source.group = '';
  t.match(balancer.nothingToPick(), { message: /^any service has 1 instances/ });
  t.end();
});

test('picks go on over a daemon that is killed, comes back empty-headed, and learns', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  for (const port of [1, 2]) daemon.put(wireInstance({ port, instanceId: `i${port}` }));
  const stub = new DiscoveryStub({ address: daemon.address, source: 'as given' }, 1_000);
  const tools = { caller: stub, clock: systemClock, random: seededRandom(7) };
  const view = new ServiceView(tools, { group: 'math', name: 'add' });
  t.teardown(() => {
    view.close();
    stub.close();
  });
  const balancer = view.balancer('round_robin');
  t.equal(view.balancer('round_robin'), balancer, 'the same one each time');
  t.match(balancer, { stale: true, loaded: false });
  t.equal(balancer.next(), undefined);
  await balancer.ready();
  t.match(balancer, { stale: false, loaded: true });

  let picks = 0;
  let misses = 0;
  let isOver = false;
  const picking = (async () => {
    while (!isOver) {
      picks += 1;
      if (balancer.next() === undefined) misses += 1;
      await turn();
    }
  })();
  const told = (kind: string): Promise<void> =>
    new Promise((resolve) => view.onChange((change) => change.kind === kind && resolve()));

  const stale = told('stale');
  await daemon.stop();
  await stale;
  t.ok(balancer.stale, 'the last good answer is marked');
  // The daemon is back with nothing, and not ready: its word does not count yet.
  daemon.forget();
  daemon.ready = false;
  const asked = daemon.next('Status');
  await daemon.restart();
  await asked;
  t.strictSame(ids(countPicks(10, () => balancer.next())), ['i1', 'i2']);
  const fresh = told('fresh');
  daemon.put(wireInstance({ port: 3, instanceId: 'i3' }));
  daemon.ready = true;
  await fresh;
  isOver = true;
  await picking;
  t.strictSame(ids(countPicks(10, () => balancer.next())), ['i3']);
  t.notOk(balancer.stale);
  t.equal(misses, 0);
  t.ok(picks > 10, `${picks} picks meanwhile`);
});

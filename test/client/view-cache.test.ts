import { test, type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import { ServiceView } from '../../src/client/service-view.ts';
import { ViewCache } from '../../src/client/view-cache.ts';
import { FakeDaemon } from './fake-daemon.ts';

async function cacheOf(t: Test, viewsMax: number) {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const caller = new DiscoveryStub({ address: daemon.address, source: 'as given' }, 1_000);
  const tools = { caller, clock: systemClock, random: seededRandom(7) };
  const opened: ServiceView[] = [];
  const cache = new ViewCache(viewsMax, (group, name) => {
    const view = new ServiceView(tools, { group, name });
    opened.push(view);
    return view;
  });
  t.teardown(() => {
    cache.close();
    caller.close();
  });
  const touch = (name: string): Promise<void> => cache.use('math', name, (view) => view.ready());
  return { cache, opened, touch, daemon };
}

test('a service has one view, opened on first use', async (t) => {
  const { cache, opened, touch } = await cacheOf(t, 2);
  await Promise.all([touch('add'), touch('add')]);
  await touch('add');
  t.equal(opened.length, 1);
  t.equal(cache.size, 1);
  t.match(opened[0], { group: 'math', name: 'add', ended: false });
});

test('the least recently used view makes place for one more', async (t) => {
  const { cache, opened, touch } = await cacheOf(t, 2);
  await touch('add');
  await touch('sub');
  await touch('add');
  await touch('mul');
  t.equal(cache.size, 2);
  t.strictSame(
    opened.map(({ name, ended }) => `${name} ${ended}`),
    ['add false', 'sub true', 'mul false'],
  );
});

test('a view in use is not closed, and when all are in use there is no place', async (t) => {
  const { opened, touch, cache } = await cacheOf(t, 1);
  const hold = Promise.withResolvers<void>();
  const using = cache.use('math', 'add', async (view) => {
    await view.ready();
    await hold.promise;
  });
  await t.rejects(touch('sub'), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_WATCHERS',
    message: /1 services are being resolved at once/,
  });
  t.notOk(opened[0]?.ended);
  hold.resolve();
  await using;
  await touch('sub');
  t.ok(opened[0]?.ended);
});

test('a view without an answer is closed and forgotten', async (t) => {
  const { cache, opened, daemon } = await cacheOf(t, 2);
  daemon.holdSnapshots = true;
  const waiting = cache.use('math', 'add', (view) => view.ready(1));
  await t.rejects(waiting, { reason: 'TIMEOUT', message: /within 1 ms/ });
  t.equal(cache.size, 0);
  t.ok(opened[0]?.ended);
});

test('close closes every view', async (t) => {
  const { cache, opened, touch } = await cacheOf(t, 2);
  await touch('add');
  await touch('sub');
  cache.close();
  t.equal(cache.size, 0);
  t.ok(opened.every((view) => view.ended));
});

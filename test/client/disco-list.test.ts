/** What is asked of the daemon with get and list. */
import { test } from 'tap';
import { disco as wire } from '../../src/gen/discovery.js';
import { connected } from './connected.ts';
import { wireInstance } from './fake-daemon.ts';

const add = wireInstance();
const service = { group: 'math', name: 'add' };

test('list follows the pages to the last', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.pageSizeMax = 2;
  for (let port = 1; port <= 5; port++) daemon.put(wireInstance({ port }));
  const list = await disco.list({ group: 'math' });
  t.strictSame(
    list.instances.map(({ port }) => port),
    [1, 2, 3, 4, 5],
  );
  t.equal(list.sinceReconcileMs, 1_234);
  t.equal(daemon.countOf('List'), 3);
});

test('the conditions of a list go to the daemon', async (t) => {
  const { daemon, disco } = await connected(t);
  const asked = daemon.next('List');
  await disco.list({
    ...service,
    health: 'warning',
    tags: ['blue'],
    metadata: { zone: 'a' },
    version: '2',
  });
  t.match(await asked, {
    ...service,
    health: wire.v1.Health.HEALTH_WARNING,
    tags: ['blue'],
    metadata: { zone: 'a' },
    version: '2',
    pageSize: 1_000,
  });
});

test('get asks by policy and age, and tells what the daemon says of itself', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.put(add);
  const policies = { random: 1, round_robin: 2, nearest: 3, weighted: 4, least_load: 5 } as const;
  for (const policy of ['random', 'round_robin', 'nearest', 'weighted', 'least_load'] as const) {
    const asked = daemon.next('Get');
    await disco.get('math', 'add', { policy, maxStaleMs: 5_000, staleOk: true });
    const { policy: sent, maxStaleMs, staleOk } = await asked;
    t.strictSame([sent, Number(maxStaleMs), staleOk], [policies[policy], 5_000, true]);
  }
  const asked = daemon.next('Get');
  const { stale, sinceReconcileMs } = await disco.get('math', 'add');
  t.strictSame([stale, sinceReconcileMs], [false, undefined], 'of the simplest server');
  t.match(await asked, { policy: 1, staleOk: false });
  await t.rejects(disco.get('math', 'add', { maxStaleMs: -1 }), { code: 'INVALID_ARGUMENT' });
});

test('what is misspelt is refused before the daemon is asked, which would answer all', async (t) => {
  const { daemon, disco } = await connected(t);
  const bad = { code: 'INVALID_ARGUMENT', reason: 'USAGE' };
  await t.rejects(disco.list({ health: 'fine' as 'passing' }), { ...bad, message: /"fine"/ });
  await t.rejects(disco.list({ tags: 'blue' as unknown as string[] }), {
    ...bad,
    message: "tags is 'blue'; expected an array of strings",
  });
  await t.rejects(disco.get('math', 'add', { policy: 'fair' as 'random' }), {
    ...bad,
    message:
      'the policy of get is "fair"; expected one of random, round_robin, nearest, weighted, least_load',
  });
  t.equal(daemon.countOf('List') + daemon.countOf('Get'), 0);
});

test('a list without an end is an error, not a loop', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.put(add);
  daemon.pageSizeMax = 0;
  await t.rejects(disco.list(), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'INVALID_PAGE',
    message: /more than 1000 pages/,
  });
});

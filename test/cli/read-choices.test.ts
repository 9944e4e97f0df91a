/** What is asked of get and list beyond names: a policy, a zone, and how old an answer may be. */
import t from 'tap';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import type { Node } from '../api/fixture.ts';
import { disco, serveApi } from './fixture.ts';

const add = { group: 'math', name: 'add', ip: '127.0.0.1' };
const far = makeSealed({ owner: signerOf(2).owner, group: 'shop', name: 'cart', zone: 'us-1' });

async function threeZones(node: Node): Promise<void> {
  for (const [port, zone] of [
    [5001, 'eu-1'],
    [5002, 'eu-1'],
    [5003, 'us-1'],
  ] as const)
    await node.service.register({ ...add, port, zone });
}

t.test('get: by a policy', async (t) => {
  const { run, node } = await serveApi(t);
  await threeZones(node);
  node.control.description = { ...node.control.description, zone: 'us-1' };
  const got = async (policy: string): Promise<unknown> => {
    const { stdout } = await run('get', 'math/add', '--policy', policy, '-o', 'json');
    return (JSON.parse(stdout) as { port: number }).port;
  };
  t.equal(await got('nearest'), 5003);
  t.strictSame(
    [await got('round_robin'), await got('round_robin'), await got('round_robin')],
    [5001, 5002, 5003],
  );
  t.match(await run('get', 'math/add', '--policy', 'busiest'), {
    code: 2,
    stderr:
      'disco: --policy busiest: write one of random, round_robin, nearest, weighted, least_load\n',
  });
});

t.test('list: only one zone, and any of several states of health', async (t) => {
  const { run, node } = await serveApi(t);
  await threeZones(node);
  const key = 'math/add/127.0.0.1:5002';
  node.registry.commit([{ kind: 'health', key, health: 'critical' }], node.clock.now());
  const ports = async (...flags: string[]): Promise<number[]> => {
    const { stdout } = await run('list', '-o', 'json', ...flags);
    const { instances } = JSON.parse(stdout) as { instances: { port: number }[] };
    return instances.map(({ port }) => port);
  };
  const [there, healthy, all] = await Promise.all([
    ports('--zone', 'eu-1'),
    ports('--health', 'passing', '--health', 'warning'),
    ports('--health', 'passing', '--health', 'critical'),
  ]);
  t.strictSame(there, [5001, 5002]);
  t.strictSame(healthy, [5001, 5003]);
  t.strictSame(all, [5001, 5002, 5003]);
});

t.test('an answer that is too old is refused, or marked for those who take it', async (t) => {
  const { run, node } = await serveApi(t);
  node.hear(2, [far]);
  node.control.reconciledMs = 7_000;
  const [list, get, fresh, stale, whole] = await Promise.all([
    run('list', '--max-stale', '5s'),
    run('get', 'shop/cart', '--max-stale', '5s'),
    run('get', 'shop/cart', '--max-stale', '7s'),
    run('get', 'shop/cart', '--max-stale', '5s', '--stale-ok'),
    run('list', '--max-stale', '5s', '--stale-ok', '-o', 'json'),
  ]);
  const refusal =
    'disco: the last completed reconcile of this node was 7000 ms ago, and max_stale_ms is 5000: ' +
    'ask another daemon, allow more, or set stale_ok to be answered all the same\n';
  for (const ended of [list, get]) t.match(ended, { code: 5, stdout: '', stderr: refusal });
  t.match(fresh, { code: 0, stderr: '' });
  const mark = 'disco: stale: this node compared itself with a peer 7000 ms ago\n';
  t.match(stale, { code: 0, stdout: /shop\/cart/, stderr: mark });
  t.match(whole, { code: 0, stderr: mark });
  t.match(JSON.parse(whole.stdout), { stale: true, sinceReconcileMs: 7_000 });
});

t.test('a wish that says nothing is refused before anything is asked', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/s' };
  const [alone, soon, now] = await Promise.all([
    disco(t, ['get', 'math/add', '--stale-ok'], { env }),
    disco(t, ['list', '--max-stale', 'soon'], { env }),
    disco(t, ['list', '--max-stale', '0s'], { env }),
  ]);
  t.match(alone, {
    code: 2,
    stderr: 'disco: --stale-ok says nothing without --max-stale: give both, or neither\n',
  });
  t.match(now, {
    code: 2,
    stderr: 'disco: --max-stale 0s: no answer is that fresh; write 5s, or more\n',
  });
  t.match(soon, { code: 2, stderr: 'disco: "soon" is no duration: write 500ms, 30s, 5m or 1h\n' });
});

import { test } from 'tap';
import { Cluster, type Node } from './cluster.ts';

const noticeMsMax = 1_000;
const atOnceMs = 500;
const stopMsMax = 1_500;

test(`SIGTERM: others show it as left and drop its instances within ${noticeMsMax} ms`, async (t) => {
  const cluster = new Cluster(t);
  const nodes = await cluster.startMany(['stays-1', 'stays-2', 'leaves']);
  const leaving = nodes[2] as Node;
  const others = nodes.slice(0, 2);
  await leaving.register({ group: 'shop', name: 'cart', port: 6_001 });
  await Promise.all(others.map((node) => node.sees((instances) => instances.length === 1)));
  const reasons: string[] = [];
  for (const node of others)
    (await node.view()).onChange((change) => {
      if (change.kind === 'down') reasons.push(change.reason);
    });

  const signalledMs = performance.now();
  leaving.process.signal('SIGTERM');
  const seenMs = others.map((node) => node.sees((instances) => instances.length === 0));
  const afterMs = Math.round(Math.max(...(await Promise.all(seenMs))) - signalledMs);
  t.ok(afterMs <= noticeMsMax, `dropped after ${afterMs} ms`);
  t.strictSame(reasons, ['owner_left', 'owner_left']);
  for (const node of others) t.equal((await node.member(leaving.peerId))?.state, 'left');
  const { code, signal, stdout } = await leaving.process.ended;
  t.strictSame({ code, signal, stdout }, { code: 0, signal: null, stdout: '' });
  const endedMs = Math.round(performance.now() - signalledMs);
  t.ok(endedMs <= stopMsMax, `it ended after ${endedMs} ms`);
  for (const node of others) t.equal((await node.member(leaving.peerId))?.state, 'left', 'still');
});

test('disco leave does the same', async (t) => {
  const cluster = new Cluster(t);
  const [stays, leaves] = (await cluster.startMany(['stays', 'leaves'])) as [Node, Node];
  const verb = cluster.run(['leave', '--addr', leaves.socket]);
  t.equal((await verb.ended).code, 0);
  t.equal((await leaves.process.ended).code, 0);
  await stays.knows((members) => members.some(({ state }) => state === 'left'));
});

test('a second signal ends it at once', async (t) => {
  const cluster = new Cluster(t);
  const nodes = await cluster.startMany(['stays', 'hurries']);
  const { process } = nodes[1] as Node;
  const signalledMs = performance.now();
  // Two kinds, as two of one kind may arrive as one.
  process.signal('SIGTERM');
  process.signal('SIGINT');
  const { code } = await process.ended;
  const afterMs = Math.round(performance.now() - signalledMs);
  t.equal(code, 1);
  t.ok(afterMs <= atOnceMs, `after ${afterMs} ms`);
  t.notOk(process.log.some(({ msg }) => msg === 'stopped'));
});

test('an open watch is ended, and does not keep it from stopping', async (t) => {
  const cluster = new Cluster(t);
  const node = await cluster.start('watched');
  const view = await node.view();
  const signalledMs = performance.now();
  const { code } = await node.process.stop();
  const afterMs = Math.round(performance.now() - signalledMs);
  t.equal(code, 0);
  t.ok(afterMs <= stopMsMax, `after ${afterMs} ms`);
  t.ok(view.stale);
});

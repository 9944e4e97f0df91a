/** Two data dirs with one key, as a cloned machine or a copied volume makes them. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Cluster, eventually } from './cluster.ts';
import type { Node } from './cluster.ts';

t.test(
  'of two daemons with one key one stops with DUPLICATE_OWNER, the other goes on',
  async (t) => {
    const cluster = new Cluster(t);
    const third = await cluster.start('third');
    const first = await cluster.start('first', { seeds: third.gossip });
    await first.meets([third]);
    await first.register({ group: 'test', name: 'first', port: 1_001 });
    const copy = cluster.node('copy');
    fs.mkdirSync(copy.dataDir, { mode: 0o700 });
    fs.copyFileSync(join(first.dataDir, 'key'), join(copy.dataDir, 'key'));
    await copy.start({ seeds: third.gossip });
    t.equal(copy.peerId, first.peerId);
    await copy.register({ group: 'test', name: 'copy', port: 1_002 });

    const pair: readonly Node[] = [first, copy];
    const ended = await Promise.race(
      pair.map(async (node) => ({ node, ...(await node.process.ended) })),
    );
    t.equal(ended.code, 1);
    const said = ended.node.process.log.find(({ reason }) => reason === 'DUPLICATE_OWNER');
    t.match(said?.['error'], /another process runs with the key of .*give each its own --data-dir/);

    const stays = ended.node === first ? copy : first;
    t.ok(stays.process.isRunning);
    await stays.meets([third]);
    await eventually('the third sees what the one that stayed registered', async () => {
      return (await third.names()).includes(stays.name);
    });
    t.equal((await third.member(stays.peerId))?.state, 'alive');
  },
);

t.test('a database that was lost comes back from the others, since the key was kept', async (t) => {
  const cluster = new Cluster(t);
  const [other, node] = (await cluster.startMany(['other', 'node'])) as [Node, Node];
  await node.register({ group: 'test', name: 'add', port: 1_001, ttlMs: 60_000 });
  await node.register({ group: 'test', name: 'sub', port: 1_002 });
  await other.sees((instances) => instances.length === 2);
  const { peerId } = node;
  await node.kill();
  for (const file of fs.readdirSync(node.dataDir))
    if (file !== 'key') fs.rmSync(join(node.dataDir, file), { recursive: true });
  await node.start({ seeds: other.gossip });
  t.equal(node.peerId, peerId);
  await node.sees((instances) => instances.length === 2);
  await other.sees((instances) => instances.length === 2);
  // It is this daemon's again: restarts keep it, and it can be deregistered here.
  await node.stub.unary('Heartbeat', { group: 'test', name: 'add', instanceId: '127.0.0.1:1001' });
  await node.stub.unary('Deregister', { group: 'test', name: 'sub', instanceId: '127.0.0.1:1002' });
  await other.sees((instances) => instances.map(({ name }) => name).join() === 'add');
});

import { writeFileSync } from 'node:fs';
import { test } from 'tap';
import { Cluster, type Node } from './cluster.ts';
import { freePort } from './daemon-process.ts';

test('with a dead seed node in seeds.json nodes wait, warn, and meet once it is up', async (t) => {
  const joinTimeoutMs = 1_500;
  const cluster = new Cluster(t);
  const port = await freePort();
  const seeds = cluster.path('seeds.json');
  writeFileSync(seeds, JSON.stringify({ cluster: 'default', seeds: [`127.0.0.1:${port}`] }));
  const args = ['--join-timeout-ms', String(joinTimeoutMs)];
  const names = ['one', 'two', 'three'];
  const early = await Promise.all(names.map((name) => cluster.start(name, { seeds, args })));

  for (const node of early) {
    const { process, disco } = await node.ready();
    const warning = process.log.find(({ msg }) => msg === 'ready');
    t.equal(warning?.level, 40);
    t.match(warning?.['why'], `nobody was reached within ${joinTimeoutMs} ms`);
    t.match(warning?.['why'], `tried seed nodes /ip4/127.0.0.1/tcp/${port} and 0 remembered peers`);
    const { ready, readiness } = await disco.status();
    t.strictSame({ ready, readiness }, { ready: true, readiness: warning?.['why'] });
    t.ok((await disco.list()).partial, 'what it lists is marked as partial');
  }

  const seed = await cluster.start('seed', { seeds, args, listen: `127.0.0.1:${port}` });
  const startedMs = performance.now();
  const all = [...early, seed];
  const metMs = Math.max(...(await Promise.all(all.map((node) => node.meets(all)))));
  t.comment(`all had met ${Math.round(metMs - startedMs)} ms after the seed node's start`);
  await Promise.all(all.map((node) => node.register({ group: 'shop', name: node.name, port: 80 })));
  await Promise.all(all.map((node) => node.sees((instances) => instances.length === all.length)));
  for (const node of all) t.notOk((await node.disco.list()).partial, `${node.name} knows it all`);
});

test('a node that waits for its seed node is not ready, and says what it tries', async (t) => {
  const cluster = new Cluster(t);
  const seeds = `127.0.0.1:${await freePort()}`;
  const node = await cluster.start('waiting', { seeds });
  const { ready, readiness } = await node.disco.status();
  t.notOk(ready);
  t.match(readiness, /^joining: trying seed nodes \/ip4\/127\.0\.0\.1\/tcp\/\d+ and 0 remembered/);
});

test('two halves that never met become one through a node that is given both seeds', async (t) => {
  const cluster = new Cluster(t);
  const left = await cluster.startMany(['left-1', 'left-2']);
  const right = await cluster.startMany(['right-1', 'right-2']);
  const halves = [...left, ...right];
  await Promise.all(
    halves.map((node, index) =>
      node.register({ group: 'shop', name: node.name, port: 81 + index }),
    ),
  );
  await Promise.all(halves.map((node) => node.sees((instances) => instances.length === 2)));
  const seeds = [left[0] as Node, right[0] as Node].map(({ gossip }) => gossip).join(',');
  const bridge = await cluster.start('bridge', { seeds });
  const all = [...halves, bridge];
  await Promise.all(all.map((node) => node.meets(all)));
  await Promise.all(all.map((node) => node.sees((instances) => instances.length === 4)));
  const expected = ['left-1', 'left-2', 'right-1', 'right-2'];
  for (const node of all) t.strictSame(await node.names(), expected);
});

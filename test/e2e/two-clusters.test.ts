import { test } from 'tap';
import { Cluster, eventually, type Node } from './cluster.ts';

const refusalsOf = (node: Node): unknown[] =>
  node.process.log.filter(({ msg }) => msg === 'link refused').map(({ sentence }) => sentence);

const wrongClusterOf = async (node: Node): Promise<number> =>
  (await node.disco.status()).refused['WRONG_CLUSTER'] ?? 0;

test('nodes of another cluster that dial us are told so, and nothing mixes', async (t) => {
  const cluster = new Cluster(t);
  const [seed, member] = (await cluster.startMany(['seed', 'member'])) as [Node, Node];
  const args = ['--cluster', 'other', '--join-timeout-ms', '1000'];
  const strangers = await Promise.all(
    ['one', 'two'].map((name) => cluster.start(name, { seeds: seed.gossip, args })),
  );
  await seed.register({ group: 'shop', name: 'ours', port: 6_001 });
  for (const node of strangers)
    await node.register({ group: 'shop', name: `of-${node.name}`, port: 6_002 });
  await member.sees((instances) => instances.length === 1);

  // They try again each second: a sentence a minute is logged, every refusal is counted.
  for (const node of strangers)
    await eventually('they were refused twice', async () => (await wrongClusterOf(node)) >= 2);
  await eventually('both are counted', async () => (await wrongClusterOf(seed)) >= 4);

  const told = (theirs: string, own: string): string =>
    `the other node is of cluster "${theirs}", this one of "${own}": nodes of two clusters never ` +
    'mix; give both the same --cluster, or other seeds';
  t.strictSame(
    refusalsOf(seed),
    strangers.map(() => told('other', 'default')),
  );
  for (const node of strangers) {
    t.strictSame(refusalsOf(node), [told('default', 'other')]);
    t.strictSame(await node.names(), [`of-${node.name}`]);
    t.equal((await node.disco.members()).length, 1);
    t.equal((await node.disco.status()).links, 0);
  }
  for (const node of [seed, member]) {
    t.strictSame(await node.names(), ['ours']);
    t.equal((await node.disco.members()).length, 2);
  }
});

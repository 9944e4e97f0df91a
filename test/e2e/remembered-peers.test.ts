import { test, type Test } from 'tap';
import type { Member } from '../../src/client/index.ts';
import { Cluster, type Node } from './cluster.ts';
import { freePort } from './daemon-process.ts';

type End = (node: Node) => Promise<unknown>;

const byAgreement: End = (node) => node.stop();
const byCrash: End = (node) => node.kill();

/** Three that knew each other and are all down; `stays` will have its old address, `moves` not. */
async function threeThatWere(t: Test, end: End) {
  const cluster = new Cluster(t);
  const seed = await cluster.start('seed');
  const seeds = seed.gossip;
  const stays = await cluster.start('stays', { seeds, listen: `127.0.0.1:${await freePort()}` });
  const moves = await cluster.start('moves', { seeds });
  const nodes = [seed, stays, moves];
  await Promise.all(nodes.map((node) => node.meets(nodes)));
  await stays.register({ group: 'shop', name: 'at-stays', port: 6_001 });
  await moves.register({ group: 'shop', name: 'at-moves', port: 6_002 });
  await Promise.all(nodes.map((node) => node.sees((instances) => instances.length === 2)));
  const before = moves.gossip;
  await Promise.all(nodes.map(end));
  return { stays, moves, seeds, before };
}

async function findEachOther(t: Test, stays: Node, moves: Node, before: string): Promise<void> {
  await Promise.all([stays.meets([moves]), moves.meets([stays])]);
  t.not(moves.gossip, before);
  const isNew = ({ addresses }: Member): boolean => String(addresses) === moves.gossip;
  await stays.knows((members) => members.some(isNew));
  for (const node of [stays, moves]) {
    await node.sees((instances) => instances.length === 2);
    t.strictSame(await node.names(), ['at-moves', 'at-stays']);
  }
}

for (const [how, end] of [
  ['all stopped', byAgreement],
  ['all killed with -9', byCrash],
] as const) {
  test(`${how}, two find each other without any seed node, one of them moved`, async (t) => {
    const { stays, moves, before } = await threeThatWere(t, end);
    await Promise.all([stays.start({ seeds: 'none' }), moves.start({ seeds: 'none' })]);
    await findEachOther(t, stays, moves, before);
  });

  test(`${how}, the one that moved finds the other although it is up first`, async (t) => {
    const { stays, moves, seeds, before } = await threeThatWere(t, end);
    // The seed node that both are given is dead and stays so.
    await moves.start({ seeds, args: ['--join-timeout-ms', '1000'] });
    await moves.ready();
    await stays.start({ seeds });
    await findEachOther(t, stays, moves, before);
  });
}

import { test } from 'tap';
import { Cluster, type Node } from './cluster.ts';
import { freePort } from './daemon-process.ts';

const boundMs = 2_000;

/** When the others hold the address and a link, in ms after the node came to life. */
async function movedAfterMs(others: readonly Node[], moved: Node, address: string) {
  const { startedAt } = await moved.disco.status();
  const bornMs = startedAt / 1000 - performance.timeOrigin;
  const known = others.map((node) =>
    node.knows((members) => {
      const member = members.find(({ peerId }) => peerId === moved.peerId);
      const isThere = member?.state === 'alive' && member.linked;
      return isThere && String(member.addresses) === address;
    }),
  );
  return Math.round(Math.max(...(await Promise.all(known))) - bornMs);
}

const seesOf = (node: Node, owner: Node, count: number): Promise<number> =>
  node.sees((all) => all.filter((instance) => instance.owner === owner.peerId).length === count);

test(`others hold a new address and a link within ${boundMs} ms`, async (t) => {
  const cluster = new Cluster(t);
  const [seed, other, moving] = (await cluster.startMany(['seed', 'other', 'moving'])) as [
    Node,
    Node,
    Node,
  ];
  const others = [seed, other];
  await moving.register({ group: 'shop', name: 'cart', port: 6_001 });
  await Promise.all(others.map((node) => seesOf(node, moving, 1)));
  const { peerId } = moving;

  await t.test('after a crash and a start on another port', async (t) => {
    const port = await freePort();
    await moving.kill();
    await moving.start({ listen: `127.0.0.1:${port}` });
    t.equal(moving.peerId, peerId);
    const afterMs = await movedAfterMs(others, moving, `/ip4/127.0.0.1/tcp/${port}`);
    t.ok(afterMs <= boundMs, `after ${afterMs} ms`);
  });

  await t.test('after a stop and a start on another port', async (t) => {
    const port = await freePort();
    await moving.stop();
    await moving.start({ listen: `127.0.0.1:${port}` });
    const afterMs = await movedAfterMs(others, moving, `/ip4/127.0.0.1/tcp/${port}`);
    t.ok(afterMs <= boundMs, `after ${afterMs} ms`);
  });

  await t.test('after a start with another address to advertise', async (t) => {
    const { gossipPort: port } = moving;
    await moving.kill();
    await moving.start({ args: ['--advertise', `localhost:${port}`] });
    const afterMs = await movedAfterMs(others, moving, `/dns/localhost/tcp/${port}`);
    t.ok(afterMs <= boundMs, `after ${afterMs} ms`);
  });

  await t.test('and what it registers is seen, the old and the new', async (t) => {
    await moving.register({ group: 'shop', name: 'till', port: 6_002 });
    for (const node of others) {
      await seesOf(node, moving, 2);
      t.strictSame(await node.names(), ['cart', 'till']);
      t.equal((await node.disco.members()).length, 3, 'one member, not two');
    }
  });

  await t.test('a third that comes later dials the new address', async (t) => {
    const late = await cluster.start('late', { seeds: seed.gossip });
    await late.meets([seed, other, moving]);
    await late.sees((instances) => instances.length === 2);
    t.match((await late.member(peerId))?.addresses, [/^\/dns\/localhost\//]);
  });
});

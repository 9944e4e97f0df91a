import { test } from 'tap';
import { Cluster, type Node } from './cluster.ts';

const nodeCount = 10;
const noticeMsMax = 2_000;

const names = Array.from({ length: nodeCount }, (_, index) => `node-${index + 1}`);

test(`of ${nodeCount} daemons one is killed with -9, and comes back`, async (t) => {
  const cluster = new Cluster(t);
  const nodes = await cluster.startMany(names);
  await Promise.all(
    nodes.flatMap((node, index) => [
      node.register({ group: 'shop', name: `a-${node.name}`, port: 6_000 + index }),
      node.register({ group: 'shop', name: `b-${node.name}`, port: 6_100 + index }),
    ]),
  );
  const seesAll = (node: Node) => node.sees((instances) => instances.length === 2 * nodeCount);
  await Promise.all(nodes.map(seesAll));
  const victim = nodes[3] as Node;
  const others = nodes.filter((node) => node !== victim);
  const isShownBy = async (node: Node): Promise<number> =>
    (await node.disco.list()).instances.filter(({ owner }) => owner === victim.peerId).length;

  await t.test(`its instances are gone everywhere within ${noticeMsMax} ms`, async (t) => {
    const killedMs = performance.now();
    const noticing = others.map((node) =>
      node.sees((instances) => instances.every(({ owner }) => owner !== victim.peerId)),
    );
    await victim.kill();
    const afterMs = (await Promise.all(noticing)).map((at) => Math.round(at - killedMs));
    t.comment(`noticed after ${afterMs.join(', ')} ms`);
    t.ok(Math.max(...afterMs) <= noticeMsMax, `the last after ${Math.max(...afterMs)} ms`);
    t.strictSame(await Promise.all(others.map(isShownBy)), Array(others.length).fill(0));
    const states = await Promise.all(others.map((node) => node.member(victim.peerId)));
    t.ok(states.every((member) => member?.state === 'dead'));
  });

  await t.test('what the others registered stays in every list meanwhile', async (t) => {
    const lists = await Promise.all(others.map((node) => node.names()));
    for (const list of lists) t.equal(list.length, 2 * (nodeCount - 1));
  });

  await t.test('restarted, it has its registrations back everywhere by itself', async (t) => {
    const peerId = victim.peerId;
    await victim.start();
    const startedMs = performance.now();
    t.equal(victim.peerId, peerId);
    const afterMs = (await Promise.all(nodes.map(seesAll))).map((at) => Math.round(at - startedMs));
    t.comment(`seen ${afterMs.join(', ')} ms after its API answered`);
    t.ok(Math.max(...afterMs) <= noticeMsMax);
    const lists = await Promise.all(nodes.map((node) => node.names()));
    const expected = names.flatMap((name) => [`a-${name}`, `b-${name}`]).sort();
    for (const list of lists) t.strictSame(list, expected);
  });
});

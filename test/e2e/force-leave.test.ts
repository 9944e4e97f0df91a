import { test } from 'tap';
import { Cluster, type Node } from './cluster.ts';

const noticeMsMax = 1_000;

test('a killed daemon is dismissed at one node, at once everywhere, and may come back', async (t) => {
  const cluster = new Cluster(t);
  const nodes = await cluster.startMany(['stays-1', 'stays-2', 'dies']);
  const dies = nodes[2] as Node;
  const others = nodes.slice(0, 2) as [Node, Node];
  const { peerId } = dies;
  const all = async (state: string): Promise<number> => {
    const isSo = others.map((node) =>
      node.knows((members) =>
        members.some((member) => member.peerId === peerId && member.state === state),
      ),
    );
    return Math.max(...(await Promise.all(isSo)));
  };
  const forceLeave = () => cluster.run(['force-leave', 'dies', '--addr', others[0].socket]).ended;

  t.match(await forceLeave(), { code: 5, stdout: '' }, 'it lives');
  await dies.kill();
  await all('dead');
  const saidMs = performance.now();
  const { code, stdout } = await forceLeave();
  t.strictSame(
    { code, stdout },
    { code: 0, stdout: `dies (${peerId}) is listed and dialed no more` },
  );
  const afterMs = Math.round((await all('left')) - saidMs);
  t.ok(afterMs <= noticeMsMax, `left everywhere after ${afterMs} ms`);
  const listed = await cluster.run(['members', '--addr', others[1].socket]).ended;
  t.notMatch(listed.stdout, peerId);

  await dies.start();
  await all('alive');
  t.equal(dies.peerId, peerId);
});

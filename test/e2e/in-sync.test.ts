/**
 * Exchanges between real daemons are answered, also when there is nothing to tell. In memory an
 * empty answer once arrived, and on a stream it did not: nodes in sync looked silent to each other.
 */
import { test } from 'tap';
import { Cluster, eventually } from './cluster.ts';

const roundsMax = 20;

test('daemons in sync tell each other so, round after round', async (t) => {
  const cluster = new Cluster(t);
  const nodes = await cluster.startMany(['one', 'two', 'three']);
  for (const node of nodes) {
    const outcomes = new Set<string>();
    for (let round = 0; round < roundsMax && !outcomes.has('in_sync'); round += 1) {
      const { exchanges } = await node.stub.unary('Gossip', {});
      for (const { outcome } of exchanges) outcomes.add(outcome ?? '');
    }
    t.ok(outcomes.has('in_sync'), [...outcomes].join());
    t.notOk(outcomes.has('failed'));
  }
  for (const node of nodes) {
    const counted = async (name: string): Promise<number> =>
      Number((await node.disco.status()).counted[name] ?? 0);
    const before = await counted('exchanges_in_sync');
    await eventually('they go on without being asked', async () => {
      return (await counted('exchanges_in_sync')) > before + 1;
    });
    t.equal(await counted('exchanges_failed'), 0);
  }
});

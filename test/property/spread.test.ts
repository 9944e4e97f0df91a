/** How fast what was lost on the way is everywhere, and a crash, whatever the random seed. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { TestCluster } from '../gossip/cluster.ts';
import { runs } from './histories.ts';

const input = fc.record({ randomSeed: fc.nat(10_000), nodes: fc.integer({ min: 4, max: 9 }) });
/** On a network of 1 ms a hop; no round of gossip is as short. */
const atOnceMs = 60;

t.test(
  'what one exchange repaired is told on: nobody waits for an exchange of its own',
  async (t) => {
    let repaired = 0;
    const property = fc.asyncProperty(input, async ({ randomSeed, nodes }) => {
      const cluster = await TestCluster.of(nodes, randomSeed);
      cluster.network.rules.dropsRumor = () => true;
      cluster.register(1, 'add');
      const isSeenElsewhere = () => {
        return [...cluster.nodes.keys()].some(
          (number) => number > 1 && cluster.seenBy(number).length > 0,
        );
      };
      cluster.until(isSeenElsewhere, 5_000);
      const waitedMs = cluster.until(() => cluster.isSeenByAll('add'), 5_000);
      assert.ok(waitedMs <= atOnceMs, `${waitedMs} ms`);
      repaired += 1;
    });
    await fc.assert(property, runs(15));
    t.equal(repaired, 15);
  },
);

t.test('a rumor that shows a gap has it filled without waiting for an exchange', async (t) => {
  let filled = 0;
  const property = fc.asyncProperty(input, async ({ randomSeed, nodes }) => {
    const cluster = await TestCluster.of(nodes, randomSeed, { config: { gossipIntervalMs: 1e9 } });
    cluster.network.rules.dropsRumor = () => true;
    cluster.register(1, 'add');
    cluster.run(100);
    assert.deepEqual(cluster.seenBy(2), []);
    cluster.network.rules.dropsRumor = () => false;
    cluster.register(1, 'sub');
    const isThere = () => cluster.isSeenByAll('add') && cluster.isSeenByAll('sub');
    const waitedMs = cluster.until(isThere, 5_000);
    assert.ok(waitedMs <= atOnceMs, `${waitedMs} ms`);
    filled += 1;
  });
  await fc.assert(property, runs(15));
  t.equal(filled, 15);
});

t.test('a crash is seen everywhere at once, and nobody else is hidden', async (t) => {
  let hidden = 0;
  const property = fc.asyncProperty(input, async ({ randomSeed, nodes }) => {
    const cluster = await TestCluster.of(nodes, randomSeed, { config: { gossipIntervalMs: 1e9 } });
    cluster.register(1, 'add');
    cluster.register(2, 'sub');
    cluster.until(() => cluster.isSeenByAll('add') && cluster.isSeenByAll('sub'), 1_000);
    cluster.crash(1);
    const waitedMs = cluster.until(() => cluster.isSeenByNone('add'), 5_000);
    assert.ok(waitedMs <= atOnceMs, `${waitedMs} ms`);
    assert.ok(cluster.isSeenByAll('sub'));
    hidden += 1;
  });
  await fc.assert(property, runs(15));
  t.equal(hidden, 15);
});

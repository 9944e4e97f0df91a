/** examples/fastify: two services, of which one calls the other. */
import { test } from 'tap';
import { instanceAddress } from '../../src/client/index.ts';
import { Cluster } from '../e2e/cluster.ts';
import { runExample } from './example-process.ts';

test('the basket asks the prices for each article, and hands on what they refuse', async (t) => {
  const node = await new Cluster(t).start('host');
  const services = [
    runExample(t, node, ['fastify/prices.js']),
    runExample(t, node, ['fastify/basket.js']),
  ];
  await node.sees((all) => all.filter(({ health }) => health === 'passing').length === 2);
  const { instance } = await node.disco.get('shop', 'basket');
  const total = (query: string) =>
    fetch(`http://${instanceAddress(instance)}/total${query}`, {
      headers: { connection: 'close' },
    });

  const answer = await total('?article=apple&article=bread');
  t.equal(answer.status, 200);
  t.strictSame(await answer.json(), { total: 320 });
  t.strictSame(await (await total('')).json(), { total: 0 });
  const refusal = await total('?article=gold');
  t.equal(refusal.status, 404);
  t.match(await refusal.json(), { message: 'there is no gold' });

  const ends = await Promise.all(services.map((service) => service.stop()));
  t.strictSame(
    ends.map(({ code }) => code),
    [0, 0],
  );
  await node.sees((all) => all.length === 0);
});

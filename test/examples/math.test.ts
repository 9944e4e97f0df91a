/** examples/math: four services and the entrypoint, beside two daemons. */
import { test } from 'tap';
import { Cluster, type Node } from '../e2e/cluster.ts';
import { runExample } from './example-process.ts';

test('the entrypoint finds four services of two hosts, and says which one is missing', async (t) => {
  const cluster = new Cluster(t);
  const [left, right] = (await cluster.startMany(['left', 'right'])) as [Node, Node];
  const places = { add: left, sub: left, mul: right, div: right };
  const services = Object.entries(places).map(([operation, node]) =>
    runExample(t, node, ['math/service.js', operation]),
  );
  await Promise.all(
    services.map((service) => service.printed(/^math\/\w+ is served at port \d+$/)),
  );
  await Promise.all([left, right].map((node) => node.sees((all) => all.length === 4)));

  const evaluate = (node: Node, words: string) =>
    runExample(t, node, ['math/entrypoint.js', ...words.split(' ')]).ended;
  const values = await Promise.all([
    evaluate(left, '2 3 add 4 mul 5 div 1 sub'),
    evaluate(right, '8 2 sub -1.5 2 mul sub'),
    evaluate(left, '1 2 pow'),
  ]);
  t.strictSame(values.slice(0, 2), [
    { code: 0, output: '3' },
    { code: 0, output: '9' },
  ]);
  t.match(values[2], { code: 1, output: /no instance of math\/pow/ });

  const [add] = services;
  t.equal((await add?.stop())?.code, 0);
  await right.sees((all) => all.length === 3);
  t.match(await evaluate(right, '1 1 add'), { code: 1, output: /math\/add/ });
});

/** examples/express: a service that registers itself, and its client. */
import { test } from 'tap';
import { Cluster } from '../e2e/cluster.ts';
import { runExample } from './example-process.ts';

test('the client reaches whichever instance of the Express service is there', async (t) => {
  const node = await new Cluster(t).start('host');
  const [one, other] = [
    runExample(t, node, ['express/service.js']),
    runExample(t, node, ['express/service.js']),
  ];
  await node.sees((all) => all.filter(({ health }) => health === 'passing').length === 2);
  const greet = () => runExample(t, node, ['express/client.js', 'Ada']).ended;
  const { code, output } = await greet();
  t.equal(code, 0);
  t.match(output, 'Hello, Ada!');

  t.equal((await one.stop()).code, 0, 'it ends by itself');
  await node.sees((all) => all.length === 1);
  t.match((await greet()).output, `pid: ${other.pid} `);
  t.equal((await other.stop()).code, 0);
  await node.sees((all) => all.length === 0);
  const alone = await greet();
  t.not(alone.code, 0);
  t.match(alone.output, /shop\/greeter/);
});

/** examples/python: the client over HTTP, while its daemon is restarted; where there is Python. */
import { test, type Test } from 'tap';
import { Cluster, type Node } from '../e2e/cluster.ts';
import { freePort } from '../e2e/daemon-process.ts';
import { exampleFile, ExampleProcess, hasProgram } from './example-process.ts';

const withoutPython = (await hasProgram('python3')) ? false : 'there is no python3 here';

test(
  'a Python service is registered, listed and watched over HTTP, also over a restart of the daemon',
  { skip: withoutPython },
  async (t) => {
    const node = new Cluster(t).node('host');
    const http = `127.0.0.1:${await freePort()}`;
    await node.start({ args: ['--http', http] });
    const python = (...args: readonly string[]) => runPython(t, `http://${http}`, args);

    const watch = python('watch', 'shop');
    await watch.printed(/^snapshot_end/);
    const service = python('serve', 'shop', 'web');
    const [, address = ''] = await service.printed(/^shop\/web is registered at (\S+)$/);
    t.equal(await (await fetch(`http://${address}/`)).text(), 'hello from Python\n');
    await watch.printed(new RegExp(`^up shop/web ${address}$`));
    t.strictSame(await python('list', 'shop').ended, {
      code: 0,
      output: `shop/web ${address} passing`,
    });

    t.equal((await node.stop()).code, 0);
    await watch.printed(/trying again$/);
    await node.start();
    await registerElsewhere(node);
    await watch.printed(/^up shop\/db 10\.0\.0\.5:5432$/);
    const { code, output } = await service.stop();
    t.equal(code, 0, output);
    await watch.printed(new RegExp(`^down shop/web ${address}$`));
    t.equal((await watch.stop()).code, null, 'it watches until it is ended');
  },
);

test('what the daemon refuses is told in its words', { skip: withoutPython }, async (t) => {
  const node = new Cluster(t).node('host');
  const http = `127.0.0.1:${await freePort()}`;
  await node.start({ args: ['--http', http] });
  const { code, output } = await runPython(t, `http://${http}`, ['list', 'no such name']).ended;
  t.equal(code, 1);
  t.match(output, /no such name/);
  t.notMatch(output, /Traceback/);
});

function runPython(t: Test, url: string, args: readonly string[]): ExampleProcess {
  const command = ['python3', exampleFile('python/client.py'), ...args];
  return new ExampleProcess(t, command, { DISCO_URL: url });
}

function registerElsewhere(node: Node) {
  const place = { ip: '10.0.0.5', port: 5_432 };
  return node.stub.unary('Register', { group: 'shop', name: 'db', ...place });
}

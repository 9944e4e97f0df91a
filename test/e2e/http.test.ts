/** /v1 of real daemons: what one is told over HTTP, another streams to its readers. */
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { test, type Test } from 'tap';
import { StreamReader } from '../api/http-fixture.ts';
import type { StreamBlock } from '../api/http-fixture.ts';
import { Cluster, type Node } from './cluster.ts';

const withHttp = { args: ['--http', '127.0.0.1:0'] };
const json = { 'content-type': 'application/json' };

async function urlOf(node: Node): Promise<string> {
  return `http://${(await node.disco.status()).http}`;
}

async function watch(t: Test, node: Node, headers = {}): Promise<StreamReader> {
  const request = get(`${await urlOf(node)}/v1/watch?group=shop`, { headers, agent: false });
  t.teardown(() => request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return new StreamReader(response);
}

const portOf = ({ data }: StreamBlock): unknown =>
  (data?.['instance'] as { port?: unknown } | undefined)?.port;

test('what is registered over HTTP at one daemon is streamed by another, over its restart', async (t) => {
  const cluster = new Cluster(t);
  const [a, b] = (await cluster.startMany(['a', 'b'], withHttp)) as [Node, Node];
  const register = async (port: number): Promise<void> => {
    const body = JSON.stringify({ group: 'shop', name: 'db', ip: '10.0.0.7', port });
    const answer = await fetch(`${await urlOf(a)}/v1/register`, {
      method: 'POST',
      headers: json,
      body,
    });
    t.equal(answer.status, 200);
  };
  const stream = await watch(t, b);
  t.strictSame(
    (await stream.events(2)).map(({ event }) => event),
    ['snapshot_begin', 'snapshot_end'],
  );
  await register(5_001);
  const [up] = await stream.events(1);
  t.match(up, { event: 'up', id: /./, data: { instance: { port: 5_001, node: 'a' } } });

  const stopped = b.stop();
  t.match((await stream.rest()).at(-1), { event: 'end', data: { reason: 'STOPPING' } });
  t.match(await stopped, { code: 0 });
  await register(5_002);
  await b.start();
  await b.meets([a]);
  await b.sees((instances) => instances.length === 2);

  const resumed = await watch(t, b, { 'last-event-id': up?.id });
  const [begin, ...told] = await resumed.events(4);
  t.equal(begin?.event, 'snapshot_begin', 'of another life: everything again');
  t.strictSame(told.slice(0, 2).map(portOf), [5_001, 5_002]);
  t.equal(told[2]?.event, 'snapshot_end');
  const listed = await fetch(`${await urlOf(b)}/v1/services/shop/db`);
  t.match(await listed.json(), { instances: [{ port: 5_001 }, { port: 5_002 }] });
  const again = await fetch(listed.url, {
    headers: { 'if-none-match': listed.headers.get('etag') ?? '' },
  });
  t.equal(again.status, 304);
});

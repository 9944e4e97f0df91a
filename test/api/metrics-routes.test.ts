import fastify from 'fastify';
import t, { type Test } from 'tap';
import { HttpServer } from '../../src/api/http-server.ts';
import { tellRequests } from '../../src/api/metrics-routes.ts';
import { silentLog } from '../../src/base/log.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { Node } from './fixture.ts';
import { makeMetrics, metricsType, plainOptions } from './http-fixture.ts';

async function serve(t: Test) {
  const node = new Node();
  const lines: string[] = [];
  const options = { ...plainOptions, metrics: makeMetrics(lines) };
  const server = new HttpServer(node.service, options, silentLog);
  const address = await server.start();
  t.teardown(() => server.stop());
  return { node, lines, ask: (path: string, init = {}) => fetch(`http://${address}${path}`, init) };
}

t.test('the metrics are served as Prometheus reads them', async (t) => {
  const { ask } = await serve(t);
  const response = await ask('/metrics');
  t.equal(response.status, 200);
  t.equal(response.headers.get('content-type'), metricsType);
  t.equal(response.headers.get('cache-control'), 'no-store');
  t.equal(await response.text(), 'disco_ready 1\n');
});

t.test('every request is told by its route, whatever else is in it', async (t) => {
  const { ask, lines } = await serve(t);
  await ask('/healthz?x=1');
  await ask('/no/such/path');
  await ask('/metrics', { method: 'HEAD' });
  await ask('/registry/register_instance', { method: 'POST', body: 'no json' });
  await ask('/registry/list', { headers: { origin: 'http://evil.example' } });
  await ask('/metrics');
  // What is answered is told a moment later.
  await ask('/metrics');
  t.strictSame(lines.slice(0, 6), [
    'GET /healthz 200',
    'GET unknown 404',
    'HEAD /metrics 200',
    'POST /registry/register_instance 400',
    'GET /registry/list 403',
    'GET /metrics 200',
  ]);
});

t.test('a method that a client makes up is one among others', async (t) => {
  const lines: string[] = [];
  const app = fastify();
  t.teardown(() => app.close());
  tellRequests(app, makeMetrics(lines));
  app.addHttpMethod('MKCOL').route({ method: 'MKCOL', url: '/made', handler: () => 'up' });
  await app.inject({ method: 'MKCOL' as 'GET', url: '/made' });
  t.strictSame(lines, ['other /made 200']);
});

t.test('what is registered is served as targets, behind the rules for browsers', async (t) => {
  const { node, ask } = await serve(t);
  const endpoints = [{ name: 'metrics', port: 9100, ip: '' }];
  const registration = makeRegistration({ endpoints });
  node.registry.commit([{ kind: 'register', registration }], node.clock.now());
  const response = await ask('/v1/prometheus/targets?group=shop&health=passing&health=warning');
  t.match(response.headers.get('content-type'), /^application\/json/);
  t.match(await response.json(), [{ targets: ['10.0.0.7:9100'] }]);
  t.strictSame(await (await ask('/v1/prometheus/targets?group=math')).json(), []);
  t.equal((await ask('/v1/prometheus/targets?nope=1')).status, 400);
  const foreign = { headers: { origin: 'http://evil.example' } };
  t.equal((await ask('/v1/prometheus/targets', foreign)).status, 403);
  t.equal((await ask('/metrics', foreign)).status, 403);
});

t.test('without metrics there is no such path, and the targets are there', async (t) => {
  const server = new HttpServer(new Node().service, plainOptions, silentLog);
  const address = await server.start();
  t.teardown(() => server.stop());
  t.equal((await fetch(`http://${address}/metrics`)).status, 404);
  t.strictSame(await (await fetch(`http://${address}/v1/prometheus/targets`)).json(), []);
});

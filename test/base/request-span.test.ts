import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import fastify from 'fastify';
import { test, type Test } from 'tap';
import { traceRequests } from '../../src/base/request-span.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

async function listen(t: Test, begins: boolean): Promise<string> {
  const app = fastify();
  traceRequests(app, begins);
  const active = () => ({ traceId: trace.getActiveSpan()?.spanContext().traceId ?? '' });
  app.get('/items/:id', active);
  app.post('/items', async () => {
    await new Promise((resolve) => void setImmediate(resolve));
    return active();
  });
  app.get('/broken', () => {
    throw new Error('broken');
  });
  t.teardown(() => app.close());
  return app.listen({ host: '127.0.0.1', port: 0 });
}

async function ask(url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, init);
  const body = (await response.json()) as { traceId?: string };
  return body.traceId ?? '';
}

test('without an SDK nothing is added, and requests are answered', async (t) => {
  const url = await listen(t, true);
  t.equal(await ask(`${url}/items/7`, { headers: { traceparent } }), '');
});

test('a request goes on with the trace that its header names', async (t) => {
  const { takeSpans } = await import('./span-recorder.ts');
  const url = await listen(t, false);
  t.equal(await ask(`${url}/items/7?secret=1`, { headers: { traceparent } }), traceId);
  const [span] = takeSpans();
  t.equal(span?.name, 'GET /items/:id');
  t.equal(span?.kind, SpanKind.SERVER);
  t.equal(span?.parentSpanContext?.spanId, 'b7ad6b7169203331');
  t.strictSame(span?.attributes, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.path': '/items/7',
    'http.route': '/items/:id',
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(url).port),
    'client.address': '127.0.0.1',
    'http.response.status_code': 200,
  });
});

test('a handler behind a body is in the trace too', async (t) => {
  const url = await listen(t, false);
  const headers = { traceparent, 'content-type': 'application/json' };
  const body = JSON.stringify({ filler: 'x'.repeat(100_000) });
  t.equal(await ask(`${url}/items`, { method: 'POST', headers, body }), traceId);
});

test('a request that names no trace begins one only where it is meant to', async (t) => {
  t.equal(await ask(`${await listen(t, false)}/items/7`), '');
  t.match(await ask(`${await listen(t, true)}/items/7`), /^[0-9a-f]{32}$/);
});

test('a request that this server fails at is an error, an unknown path is none', async (t) => {
  const { takeSpans } = await import('./span-recorder.ts');
  const url = await listen(t, true);
  takeSpans();
  await ask(`${url}/broken`);
  await ask(`${url}/nothing`);
  const [broken, nothing] = takeSpans();
  t.equal(broken?.status.code, SpanStatusCode.ERROR);
  t.equal(nothing?.status.code, SpanStatusCode.UNSET);
  t.equal(nothing?.name, 'GET', 'what was asked for is no name');
  t.equal(nothing?.attributes['http.response.status_code'], 404);
});

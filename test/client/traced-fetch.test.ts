import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { tracedFetch } from '../../src/client/traced-fetch.ts';

/** A server that answers with the headers that it got, and the status that the path names. */
async function echo(t: Test): Promise<string> {
  const server = createServer((request, response) => {
    response.statusCode = Number(request.url?.slice(1)) || 200;
    response.end(JSON.stringify(request.headers));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function headersOf(response: Response): Promise<Record<string, string>> {
  return (await response.json()) as Record<string, string>;
}

test('without an SDK it is fetch', async (t) => {
  const url = await echo(t);
  const headers = await headersOf(await tracedFetch(url, { headers: { 'x-own': '1' } }, 0));
  t.equal(headers['x-own'], '1');
  t.equal(headers['traceparent'], undefined);
});

test('a request has a span, and tells the server of it beside its own headers', async (t) => {
  const { takeSpans } = await import('../base/span-recorder.ts');
  const url = await echo(t);
  const init = { method: 'post', headers: { 'x-own': '1' }, body: 'hello' };
  const headers = await headersOf(await tracedFetch(url, init, 0));
  const [span] = takeSpans();
  t.equal(span?.name, 'POST');
  t.equal(span?.kind, SpanKind.CLIENT);
  const { traceId, spanId } = span?.spanContext() ?? {};
  t.equal(headers['traceparent'], `00-${traceId}-${spanId}-01`);
  t.equal(headers['x-own'], '1');
  t.strictSame(span?.attributes, {
    'http.request.method': 'POST',
    'url.full': url,
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(url).port),
    'http.response.status_code': 200,
  });
});

test('a Request keeps its headers, and a repeated one says how often', async (t) => {
  const { takeSpans } = await import('../base/span-recorder.ts');
  const url = await echo(t);
  const request = new Request(url, { headers: { 'x-own': '2' } });
  const headers = await headersOf(await tracedFetch(request, {}, 2));
  t.equal(headers['x-own'], '2');
  t.match(headers['traceparent'], /^00-/);
  t.equal(takeSpans()[0]?.attributes['http.request.resend_count'], 2);
});

test('an answer that is an error makes the span one', async (t) => {
  const { takeSpans } = await import('../base/span-recorder.ts');
  const url = await echo(t);
  await (await tracedFetch(`${url}503`, {}, 0)).body?.cancel();
  const [span] = takeSpans();
  t.equal(span?.status.code, SpanStatusCode.ERROR);
  t.equal(span?.attributes['http.response.status_code'], 503);
});

test('where fetch is instrumented already, the span and the header are left to that', async (t) => {
  const { takeSpans } = await import('../base/span-recorder.ts');
  const url = await echo(t);
  const created = channel('undici:request:create');
  const instrument = (): void => undefined;
  created.subscribe(instrument);
  t.teardown(() => created.unsubscribe(instrument));
  const headers = await headersOf(await tracedFetch(url, {}, 0));
  t.equal(headers['traceparent'], undefined);
  t.strictSame(takeSpans(), []);
});

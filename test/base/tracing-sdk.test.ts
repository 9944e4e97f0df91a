import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { readTracingWish, startTracing, withTracing } from '../../src/base/tracing-sdk.ts';
import { isTracing, tracer } from '../../src/base/tracing.ts';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

function setEnvironment(t: Test, values: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env))
    if (name.startsWith('OTEL_')) delete process.env[name];
  Object.assign(process.env, values);
  t.teardown(() => {
    for (const name of Object.keys(values)) delete process.env[name];
  });
}

test('traces are on with either endpoint, or with the exporter by its name', (t) => {
  const on = { kind: 'on' };
  t.strictSame(readTracingWish(endpoint), on);
  t.strictSame(readTracingWish({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' }), on);
  t.strictSame(readTracingWish({ OTEL_TRACES_EXPORTER: 'otlp' }), on);
  t.strictSame(readTracingWish({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }), on);
  t.end();
});

test('traces are off by default, and with whatever turns them off', (t) => {
  const off = { kind: 'off' };
  t.strictSame(readTracingWish({}), off);
  t.strictSame(readTracingWish({ OTEL_SERVICE_NAME: 'add' }), off);
  t.strictSame(readTracingWish({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), off);
  t.strictSame(readTracingWish({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), off);
  t.strictSame(readTracingWish({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }), off);
  t.end();
});

test('what there is not is refused with what to set instead', (t) => {
  t.strictSame(readTracingWish({ ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin' }), {
    kind: 'refused',
    sentence: 'no traces are sent: OTEL_TRACES_EXPORTER is "zipkin"; set it to otlp or none',
  });
  const sentence =
    'no traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; set it to http/protobuf, which collectors take on port 4318';
  const grpc = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  t.strictSame(readTracingWish(grpc), { kind: 'refused', sentence });
  t.end();
});

test('what is refused is a warning, and no SDK is there', async (t) => {
  setEnvironment(t, { OTEL_TRACES_EXPORTER: 'zipkin' });
  const warnings: string[] = [];
  const stop = await startTracing({ serviceName: 'test', warn: (text) => warnings.push(text) });
  await stop();
  t.match(warnings, [/zipkin/]);
  t.equal(isTracing(), false);
});

test('the last spans are sent when what was run is over, to the endpoint', async (t) => {
  const requests: (string | undefined)[] = [];
  const bodies: Buffer[] = [];
  const collector = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
    request.on('data', (chunk: Buffer) => void bodies.push(chunk));
    request.on('end', () => response.end());
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  t.teardown(() => collector.close());
  const { port } = collector.address() as AddressInfo;
  setEnvironment(t, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  const options = { serviceName: 'a-service', warn: (text: string) => t.fail(text) };
  const answer = await withTracing(options, async () => {
    t.equal(isTracing(), true);
    tracer.startSpan('a span').end();
    return 42;
  });
  t.equal(answer, 42);
  t.strictSame(requests, ['POST /v1/traces application/x-protobuf']);
  const body = Buffer.concat(bodies).toString('latin1');
  t.match(body, /a span/);
  t.match(body, /a-service/);
});

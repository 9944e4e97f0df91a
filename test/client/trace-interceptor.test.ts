import * as grpc from '@grpc/grpc-js';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { test, type Test } from 'tap';
import { inSpan } from '../../src/base/tracing.ts';
import { traceInterceptor, traceJoiner } from '../../src/client/trace-interceptor.ts';
import { operationDefinition } from '../../src/services/math-methods.ts';

interface Asked {
  readonly headers: string[];
  apply(interceptor: grpc.Interceptor): Promise<number>;
  code: grpc.status;
  port: number;
}

/** A server that notes which trace it was told, and clients of it. */
async function serve(t: Test): Promise<Asked> {
  const server = new grpc.Server();
  const asked: Asked = { headers: [], code: grpc.status.OK, port: 0, apply: async () => 0 };
  server.addService(operationDefinition, {
    Apply: (call: grpc.ServerUnaryCall<unknown, unknown>, callback: grpc.sendUnaryData<object>) => {
      asked.headers.push(String(call.metadata.get('traceparent')[0] ?? ''));
      if (asked.code === grpc.status.OK) callback(null, { value: 5, servedBy: 'me' });
      else callback({ code: asked.code, details: 'as told' });
    },
  });
  const { createInsecure } = grpc.ServerCredentials;
  asked.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  t.teardown(() => server.forceShutdown());
  const { Apply } = operationDefinition;
  asked.apply = (interceptor) => {
    const options = { interceptors: [interceptor] };
    const address = `127.0.0.1:${asked.port}`;
    const client = new grpc.Client(address, grpc.credentials.createInsecure(), options);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        Apply.path,
        Apply.requestSerialize,
        Apply.responseDeserialize,
        { left: 2, right: 3 },
        (error, answer) => {
          client.close();
          if (answer === undefined) reject(error ?? new Error('nothing'));
          else resolve(answer.value);
        },
      );
    });
  };
  return asked;
}

test('without an SDK a call goes through as it is', async (t) => {
  const asked = await serve(t);
  t.equal(await asked.apply(traceInterceptor), 5);
  t.equal(await asked.apply(traceJoiner), 5);
  t.strictSame(asked.headers, ['', '']);
});

test('a call has a span, and tells the server of it', async (t) => {
  const { takeSpans } = await import('../base/span-recorder.ts');
  const asked = await serve(t);
  t.equal(await asked.apply(traceInterceptor), 5);
  const [span] = takeSpans();
  t.equal(span?.name, 'math.v1.Operation/Apply');
  t.equal(span?.kind, SpanKind.CLIENT);
  const { traceId, spanId } = span?.spanContext() ?? {};
  t.strictSame(asked.headers, [`00-${traceId}-${spanId}-01`]);
  t.strictSame(span?.attributes, {
    'rpc.system': 'grpc',
    'rpc.service': 'math.v1.Operation',
    'rpc.method': 'Apply',
    'rpc.grpc.status_code': 0,
    'server.address': '127.0.0.1',
    'server.port': asked.port,
  });
});

test('a call that failed says so', async (t) => {
  const { takeSpans } = await import('../base/span-recorder.ts');
  const asked = await serve(t);
  asked.code = grpc.status.NOT_FOUND;
  await t.rejects(asked.apply(traceInterceptor), { code: grpc.status.NOT_FOUND });
  const [span] = takeSpans();
  t.strictSame(span?.status, { code: SpanStatusCode.ERROR, message: 'as told' });
  t.equal(span?.attributes['rpc.grpc.status_code'], grpc.status.NOT_FOUND);
});

test('who only joins makes a span within one that is under way, and none else', async (t) => {
  const { isParent, takeSpans } = await import('../base/span-recorder.ts');
  const asked = await serve(t);
  await asked.apply(traceJoiner);
  t.strictSame(takeSpans(), []);
  let afterwards: Promise<unknown> = Promise.resolve();
  const ended = Promise.withResolvers<void>();
  await inSpan('work', SpanKind.INTERNAL, async () => {
    await asked.apply(traceJoiner);
    // As a heartbeat that was begun within a request goes on when that is long answered.
    afterwards = ended.promise.then(() => asked.apply(traceJoiner));
  });
  ended.resolve();
  await afterwards;
  const [call, work, ...others] = takeSpans();
  t.ok(isParent(work, call));
  t.strictSame(others, []);
  t.equal(asked.headers.filter((header) => header === '').length, 2);
});

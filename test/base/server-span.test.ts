import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { test } from 'tap';
import { rpcAttributes, tracedHandlers } from '../../src/base/server-span.ts';

const definition = {
  Apply: { path: '/math.v1.Operation/Apply', requestStream: false, responseStream: false },
  Watch: { path: '/disco.v1.Discovery/Watch', requestStream: false, responseStream: true },
};

/** Metadata as grpc-js has it. */
class Metadata {
  readonly #values: Readonly<Record<string, string>>;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = values;
  }

  get(key: string): string[] {
    return [this.#values[key] ?? []].flat();
  }

  getMap(): Readonly<Record<string, string>> {
    return this.#values;
  }
}

type Answer = (error: { code?: number } | null, value?: unknown, trailer?: unknown) => void;
const noAnswer: Answer = () => undefined;
const seen: (string | undefined)[] = [];
let error: { code?: number } | null = null;
const handlers = {
  Apply: (_call: { metadata: Metadata }, callback: Answer): void => {
    seen.push(trace.getActiveSpan()?.spanContext().traceId);
    callback(error, 5, 'trailer');
  },
  Watch: (): void => undefined,
};

// Before the SDK is there.
const bare = tracedHandlers(definition, handlers, true);
const { takeSpans } = await import('./span-recorder.ts');

/** What a caller within a span sends along, and that span's trace. */
function callerMetadata(): { metadata: Metadata; traceId: string } {
  const span = trace.getTracer('test').startSpan('caller');
  const carrier: Record<string, string> = {};
  propagation.inject(trace.setSpan(context.active(), span), carrier);
  return { metadata: new Metadata(carrier), traceId: span.spanContext().traceId };
}

test('without an SDK the handlers are the very same', (t) => {
  t.equal(bare, handlers);
  t.end();
});

test('a call goes on with the trace that its metadata names', (t) => {
  const { metadata, traceId } = callerMetadata();
  const { Apply } = tracedHandlers(definition, handlers, false);
  const answers: unknown[] = [];
  Apply({ metadata }, (...answer) => void answers.push(answer));
  t.strictSame(answers, [[null, 5, 'trailer']], 'the answer passes whole');
  t.equal(seen.at(-1), traceId, 'what the handler does is in that trace');
  const [span] = takeSpans();
  t.equal(span?.name, 'math.v1.Operation/Apply');
  t.equal(span?.kind, SpanKind.SERVER);
  t.equal(span?.spanContext().traceId, traceId);
  const expected = { ...rpcAttributes('/math.v1.Operation/Apply'), 'rpc.grpc.status_code': 0 };
  t.strictSame(span?.attributes, expected);
  t.end();
});

test('a call that names no trace begins one only where it is meant to', (t) => {
  tracedHandlers(definition, handlers, false).Apply({ metadata: new Metadata() }, noAnswer);
  t.strictSame(takeSpans(), []);
  tracedHandlers(definition, handlers, true).Apply({ metadata: new Metadata() }, noAnswer);
  t.equal(takeSpans().length, 1);
  t.end();
});

test('only what is the fault of the server makes its span an error', (t) => {
  const { Apply } = tracedHandlers(definition, handlers, true);
  const statuses = [3, 5, 13, 14].map((code) => {
    error = { code };
    Apply({ metadata: new Metadata() }, noAnswer);
    const [span] = takeSpans();
    t.equal(span?.attributes['rpc.grpc.status_code'], code);
    return span?.status.code;
  });
  error = null;
  const { UNSET, ERROR } = SpanStatusCode;
  t.strictSame(statuses, [UNSET, UNSET, ERROR, ERROR]);
  t.end();
});

test('a stream has no span', (t) => {
  t.equal(tracedHandlers(definition, handlers, true).Watch, handlers.Watch);
  t.end();
});

/**
 * Spans of a gRPC server: each call continues the trace that its metadata names.
 *
 * grpc-js is described by its shape here, so that base does not depend on it. Streams have no spans:
 * a watch lasts as long as its watcher, which no trace waits for.
 */
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { trace } from '@opentelemetry/api';
import type { Span, TextMapGetter } from '@opentelemetry/api';
import { isTracing, tracer } from './tracing.ts';

interface Metadata {
  get(key: string): readonly (string | Uint8Array)[];
  getMap(): Readonly<Record<string, unknown>>;
}

interface Call {
  readonly metadata: Metadata;
}

type Callback = (error: { readonly code?: unknown } | null, ...answer: unknown[]) => void;
type Unary = (call: Call, callback: Callback) => void;

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** Codes with which a server says that itself is at fault: UNKNOWN, DEADLINE_EXCEEDED, … */
const serverFaults: ReadonlySet<unknown> = new Set([2, 4, 12, 13, 14, 15]);

const getter: TextMapGetter<Metadata> = {
  get: (metadata, key) => metadata.get(key).find((value) => typeof value === 'string'),
  keys: (metadata) => Object.keys(metadata.getMap()),
};

/**
 * The same handlers, run within spans. Without an SDK they are given back as they are, so they cost
 * nothing then.
 *
 * @param begins whether a call that names no trace begins one
 */
export function tracedHandlers<Handlers extends Readonly<Record<string, unknown>>>(
  definition: Readonly<Record<string, Method>>,
  handlers: Handlers,
  begins: boolean,
): Handlers {
  if (!isTracing()) return handlers;
  const traced = Object.entries(handlers).map(([name, handler]) => {
    const method = definition[name];
    if (method === undefined || method.requestStream || method.responseStream)
      return [name, handler];
    return [name, tracedUnary(method.path, handler as Unary, begins)];
  });
  return Object.fromEntries(traced) as Handlers;
}

/** `/package.Service/Method` as the attributes that every span of gRPC has. */
export function rpcAttributes(path: string): Record<string, string> {
  const [, service = '', method = ''] = path.split('/');
  return { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
}

function tracedUnary(path: string, handler: Unary, begins: boolean): Unary {
  const attributes = rpcAttributes(path);
  return (call, callback) => {
    const parent = propagation.extract(ROOT_CONTEXT, call.metadata, getter);
    if (!begins && trace.getSpanContext(parent) === undefined) return handler(call, callback);
    const options = { kind: SpanKind.SERVER, attributes };
    const span = tracer.startSpan(path.slice(1), options, parent);
    context.with(trace.setSpan(parent, span), () =>
      handler(call, (error, ...answer) => {
        end(span, error?.code ?? 0);
        callback(error, ...answer);
      }),
    );
  };
}

function end(span: Span, code: unknown): void {
  if (typeof code === 'number') span.setAttribute('rpc.grpc.status_code', code);
  if (serverFaults.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

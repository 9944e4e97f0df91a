/**
 * An interceptor for grpc-js clients: a span for each call with one answer, whose trace the server
 * is told (W3C trace context).
 *
 * Applications that have OpenTelemetry's own instrumentation of grpc-js do not need it. Without an SDK
 * in the process a call goes through as if there was no interceptor.
 */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span, TextMapSetter } from '@opentelemetry/api';
import * as grpc from '@grpc/grpc-js';
import { rpcAttributes } from '../base/server-span.ts';
import { isTraced, tracer } from '../base/tracing.ts';

const setter: TextMapSetter<grpc.Metadata> = {
  set: (metadata, key, value) => metadata.set(key, value),
};

/** For `interceptors` among the options of a grpc-js client. */
export const traceInterceptor: grpc.Interceptor = (options, nextCall) => {
  const inner = nextCall(options);
  const { path, requestStream, responseStream } = options.method_definition;
  const span =
    requestStream || responseStream
      ? undefined
      : tracer.startSpan(path.slice(1), { kind: SpanKind.CLIENT });
  // A plain call of the channel has all that a call through no interceptor has.
  if (span === undefined || !isTraced(span)) return inner as grpc.InterceptingCall;
  span.setAttributes(rpcAttributes(path));
  return new grpc.InterceptingCall(inner, {
    start(metadata, _listener, next) {
      propagation.inject(trace.setSpan(context.active(), span), metadata, setter);
      next(metadata, {
        onReceiveStatus(status, forward) {
          end(span, inner.getPeer(), status);
          forward(status);
        },
      });
    },
  });
};

/** The same, but it only goes on with the trace that is under way, and never begins one. */
export const traceJoiner: grpc.Interceptor = (options, nextCall) => {
  // A timer that was set within a span is in its context long after it ended: heartbeats are.
  const isUnderWay = trace.getActiveSpan()?.isRecording() === true;
  if (!isUnderWay) return nextCall(options) as grpc.InterceptingCall;
  return traceInterceptor(options, nextCall);
};

function end(span: Span, peer: string, { code, details }: grpc.StatusObject): void {
  span.setAttribute('rpc.grpc.status_code', code);
  const [, host, port] = /^(.*):(\d+)$/.exec(peer) ?? [];
  span.setAttribute('server.address', host ?? peer);
  if (port !== undefined) span.setAttribute('server.port', Number(port));
  if (code !== grpc.status.OK) span.setStatus({ code: SpanStatusCode.ERROR, message: details });
  span.end();
}

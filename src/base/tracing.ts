/**
 * Spans of OpenTelemetry, by its API alone: without an SDK in the process nothing is recorded, nothing
 * is sent, and what is left of a span is one object that is thrown away.
 *
 * Who brings an SDK may be this package (tracing-sdk.ts), or the application that imports it.
 */
import { context, isSpanContextValid, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span, SpanKind } from '@opentelemetry/api';
import { errorText } from './error.ts';

/** Looks for the SDK at every span, so it may be made before one is there. */
export const tracer = trace.getTracer('disco');

/** Whether anybody records spans now. For where the answer stays good: an SDK comes first of all. */
export function isTracing(): boolean {
  return isTraced(tracer.startSpan('probe', { root: true }));
}

/** Whether a span is one: without an SDK it is not, and nothing has to be done for it. */
export function isTraced(span: Span): boolean {
  return isSpanContextValid(span.spanContext());
}

/**
 * Runs within a span, which ends with it and says so when it failed. Without an SDK the promise is
 * that of `run` itself.
 */
export function inSpan<T>(
  name: string,
  kind: SpanKind,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, { kind });
  return isTraced(span) ? runIn(span, run) : run(span);
}

async function runIn<T>(span: Span, run: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), () => run(span));
  } catch (error) {
    failed(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Marks a span as failed, with the reason. */
function failed(span: Span, error: unknown): void {
  const message = errorText(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') span.setAttribute('error.type', code);
}

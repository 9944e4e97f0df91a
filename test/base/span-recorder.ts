/** The SDK of OpenTelemetry in this process, with the spans that ended kept in memory. */
import { SpanKind } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

/** What has ended since the last time, in that order. */
export function takeSpans(): ReadableSpan[] {
  const spans = exporter.getFinishedSpans();
  exporter.reset();
  return spans;
}

/** `KIND name`, for each. */
export function namesOf(spans: readonly ReadableSpan[]): string[] {
  return spans.map(({ kind, name }) => `${SpanKind[kind]} ${name}`);
}

/** Whether the one began the other, in one trace. */
export function isParent(parent: ReadableSpan | undefined, child: ReadableSpan | undefined) {
  const above = parent?.spanContext();
  const isSameTrace = above?.traceId === child?.spanContext().traceId;
  return above !== undefined && isSameTrace && child?.parentSpanContext?.spanId === above.spanId;
}

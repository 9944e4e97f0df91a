import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { test } from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { inSpan, isTraced, isTracing, tracer } from '../../src/base/tracing.ts';

// Before the SDK is there: how it is for almost everybody.
const before = { isTracing: isTracing(), isTraced: isTraced(tracer.startSpan('nothing')) };
let isActive = true;
await inSpan('nothing', SpanKind.INTERNAL, async () => {
  isActive = trace.getActiveSpan() !== undefined;
});
const { isParent, takeSpans } = await import('./span-recorder.ts');

test('without an SDK nobody traces, and what runs in a span runs as it is', async (t) => {
  t.strictSame(before, { isTracing: false, isTraced: false });
  t.equal(isActive, false);
  const error = new Error('none');
  await t.rejects(
    inSpan('nothing', SpanKind.INTERNAL, async () => {
      throw error;
    }),
    error,
  );
});

test('once there is an SDK, it is seen', (t) => {
  t.equal(isTracing(), true);
  t.equal(isTraced(tracer.startSpan('something')), true);
  t.end();
});

test('what runs in a span is its child, and the span ends with it', async (t) => {
  takeSpans();
  const answer = await inSpan('outer', SpanKind.INTERNAL, async (span) => {
    t.equal(trace.getActiveSpan(), span);
    return inSpan('inner', SpanKind.CLIENT, async () => 42);
  });
  t.equal(answer, 42);
  const [inner, outer] = takeSpans();
  t.equal(inner?.name, 'inner');
  t.equal(inner?.kind, SpanKind.CLIENT);
  t.ok(isParent(outer, inner));
  t.equal(outer?.status.code, SpanStatusCode.UNSET);
  t.equal(trace.getSpan(context.active()), undefined);
});

test('a failure is told by the span and thrown on', async (t) => {
  takeSpans();
  const error = new DiscoError('NOT_FOUND', 'UNKNOWN_SERVICE', 'no instance of math/add');
  await t.rejects(
    inSpan('failing', SpanKind.INTERNAL, () => Promise.reject(error)),
    error,
  );
  const [span] = takeSpans();
  t.strictSame(span?.status, { code: SpanStatusCode.ERROR, message: 'no instance of math/add' });
  t.equal(span?.attributes['error.type'], 'NOT_FOUND');
});

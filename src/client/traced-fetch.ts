/**
 * `fetch` within a span of OpenTelemetry, whose trace the server is told (W3C trace context).
 */
import { context, propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Span, TextMapSetter } from '@opentelemetry/api';
import { hasSubscribers } from 'node:diagnostics_channel';
import { inSpan } from '../base/tracing.ts';

const setter: TextMapSetter<Headers> = { set: (headers, key, value) => headers.set(key, value) };
/** Where OpenTelemetry's own instrumentation of fetch listens. */
const instrumented = 'undici:request:create';

/** As fetch; whatever it throws. @param resends how many attempts of the same call came before */
export function tracedFetch(
  input: string | Request,
  init: RequestInit,
  resends: number,
): Promise<Response> {
  // Who traces fetch already makes the span and the headers; twice they would contradict each other.
  if (hasSubscribers(instrumented)) return fetch(input, init);
  const method = (init.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
  return inSpan(method, SpanKind.CLIENT, async (span) => {
    if (span.isRecording()) describe(span, method, input instanceof Request ? input.url : input);
    if (span.isRecording() && resends > 0) span.setAttribute('http.request.resend_count', resends);
    const response = await fetch(input, withTrace(input, init));
    span.setAttribute('http.response.status_code', response.status);
    if (response.status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
    return response;
  });
}

function describe(span: Span, method: string, text: string): void {
  const url = new URL(text);
  span.setAttributes({
    'http.request.method': method,
    'url.full': text,
    'server.address': url.hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
  });
}

/** The same, with what names the trace; the very same when there is none. */
function withTrace(input: string | Request, init: RequestInit): RequestInit {
  if (propagation.fields().length === 0) return init;
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  propagation.inject(context.active(), headers, setter);
  return { ...init, headers };
}

/**
 * Spans of an HTTP server: each request continues the trace that its headers name.
 */
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { trace } from '@opentelemetry/api';
import type { Attributes, Context } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isTracing, tracer } from './tracing.ts';

/**
 * Runs the handlers of a server within spans. Without an SDK nothing is added to it.
 *
 * @param begins whether a request that names no trace begins one
 */
export function traceRequests(app: FastifyInstance, begins: boolean): void {
  if (!isTracing()) return;
  const contexts = new WeakMap<FastifyRequest, Context>();
  app.addHook('onRequest', (request, _reply, done) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    if (begins || trace.getSpanContext(parent) !== undefined) {
      const name = `${request.method} ${request.routeOptions.url ?? ''}`.trim();
      const options = { kind: SpanKind.SERVER, attributes: attributesOf(request) };
      const span = tracer.startSpan(name, options, parent);
      contexts.set(request, trace.setSpan(parent, span));
    }
    done();
  });
  // Not earlier: reading the body goes on in the socket's own context.
  app.addHook('preHandler', (request, _reply, done) => {
    const active = contexts.get(request);
    if (active === undefined) done();
    else context.with(active, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const active = contexts.get(request);
    const span = active === undefined ? undefined : trace.getSpan(active);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}

function attributesOf({ method, url, hostname, port, ip, routeOptions }: FastifyRequest) {
  const attributes: Attributes = {
    'http.request.method': method,
    'url.scheme': 'http',
    'url.path': url.replace(/\?.*$/s, ''),
    'server.address': hostname,
    'client.address': ip,
  };
  if (Number.isInteger(port)) attributes['server.port'] = Number(port);
  if (routeOptions.url !== undefined) attributes['http.route'] = routeOptions.url;
  return attributes;
}

/**
 * `/metrics`, as Prometheus asks for it, and what they are told of the requests.
 *
 * It is behind the rules for browsers of the whole server. Prometheus sends the address that it
 * was given as Host: an IP address of this host, localhost, or a name of --http-hosts.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiObserver, MetricsSource } from './api-observer.ts';

/** The methods of HTTP that are told apart; what else a client makes up is one. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** Tells the metrics of every request to a server. */
export function tellRequests(app: FastifyInstance, metrics: ApiObserver): void {
  app.addHook('onResponse', (request, reply, done) => {
    // How long somebody watched is no latency: streams tell of themselves.
    if (request.routeOptions.config.isStream === true && reply.statusCode === 200) return done();
    const method = methods.has(request.method) ? request.method : 'other';
    metrics.requested(method, routeOf(request), reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
}

/** Serves the metrics. */
export function addMetricsRoute(app: FastifyInstance, metrics: MetricsSource): void {
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text);
  });
}

/** The pattern, not the path: paths are made up by whoever asks. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}

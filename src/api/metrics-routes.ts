/**
 * What Prometheus asks over HTTP: `/metrics`, and `/v1/prometheus/targets` for whom else to ask.
 *
 * Both are behind the rules for browsers of the whole server. Prometheus sends the address that it
 * was given as Host: an IP address of this host, localhost, or a name of --http-hosts.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServiceIndex } from '../registry/service-index.ts';
import type { MetricsSource } from './api-observer.ts';
import { readTargetQuery, targetGroups } from './prometheus-targets.ts';

/** The methods of HTTP that are told apart; what else a client makes up is one. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** Serves the metrics, and tells them of every request to this server. */
export function addMetricsRoute(app: FastifyInstance, metrics: MetricsSource): void {
  app.addHook('onResponse', (request, reply, done) => {
    const method = methods.has(request.method) ? request.method : 'other';
    metrics.requested(method, routeOf(request), reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text);
  });
}

/** Serves what is registered in the form that `http_sd_configs` of Prometheus reads. */
export function addTargetsRoute(app: FastifyInstance, index: Pick<ServiceIndex, 'list'>): void {
  app.get('/v1/prometheus/targets', (request) => {
    return targetGroups(index, readTargetQuery(request.query));
  });
}

/** The pattern, not the path: paths are made up by whoever asks. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}

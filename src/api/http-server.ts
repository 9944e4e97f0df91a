/**
 * The API over HTTP: the classic three, health for probes, and all of it as JSON under /v1.
 *
 * Every request passes the fence against browser pages of other origins first.
 */
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formatAddress, parseAddress } from '../base/address.ts';
import { DiscoError, errorText } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { traceRequests } from '../base/request-span.ts';
import type { MetricsSource } from './api-observer.ts';
import { browserFault, fenceHeaders } from './browser-fence.ts';
import { addClassicRoutes } from './classic-routes.ts';
import { listenError } from './listen-error.ts';
import { LiveStreams } from './live-streams.ts';
import { addMetricsRoute, tellRequests } from './metrics-routes.ts';
import { bodyBytesMax, classicErrorOf, httpStatus, problemOf, toldError } from './problem.ts';
import { RequestIds, requestIdHeader } from './request-id.ts';
import type { DiscoveryService } from './service.ts';
import { addV1Routes } from './v1-routes.ts';
import { quote } from './validate.ts';

/** Time that the readers of streams get to be told that the daemon stops. */
const farewellMs = 500;
const keepAliveMsDefault = 15_000;
const door = { name: 'HTTP', flag: '--http', isOptional: true };

export interface HttpServerOptions {
  /** `host:port`; port 0 picks a free one */
  readonly address: string;
  /** By which it may be called, besides localhost and IP addresses of this host. */
  readonly names: readonly string[];
  /** Streams that may be open at a time, over all doors of the API. */
  readonly watchersMax: number;
  /** Changes that a watcher may be behind. */
  readonly watchLagMax: number;
  /** After how long a quiet stream shows that it lives; 15 s unless given. */
  readonly keepAliveMs?: number;
  /** Served at /metrics, and told of every request; without them there are none. */
  readonly metrics?: MetricsSource | undefined;
}

export class HttpServer {
  readonly #address: string;
  readonly #names: readonly string[];
  readonly #log: Log;
  readonly #streams: LiveStreams;
  readonly #app: FastifyInstance;

  constructor(service: DiscoveryService, options: HttpServerOptions, log: Log) {
    const { address, names, watchersMax, watchLagMax, metrics } = options;
    this.#address = address;
    this.#names = names;
    this.#log = log;
    const { keepAliveMs = keepAliveMsDefault } = options;
    const seats = service.watchers;
    const streams = new LiveStreams({ seats, watchersMax, keepAliveMs, observer: metrics });
    this.#streams = streams;
    const requestIds = new RequestIds(seededRandom(Math.random() * 2 ** 32));
    this.#app = fastify({
      genReqId: ({ headers }) => requestIds.take(headers[requestIdHeader]),
      bodyLimit: bodyBytesMax,
      forceCloseConnections: true,
      // A body is what it says, and whatever is strange in it is told.
      ajv: {
        customOptions: {
          coerceTypes: false,
          removeAdditional: false,
          useDefaults: false,
          verbose: true,
        },
      },
      // A path that is no URL, such as /%zz; no hook has seen it yet.
      frameworkErrors: (_error, request, reply) => {
        void reply.headers(fenceHeaders);
        this.#answerError(browserFault(request, names) ?? unknownPath(request), request, reply);
      },
    });
    this.#app.addHook('onRequest', (request, reply, next) => {
      void reply.headers(fenceHeaders);
      next(browserFault(request, this.#names));
    });
    this.#app.setErrorHandler((error, request, reply) => this.#answerError(error, request, reply));
    this.#app.setNotFoundHandler((request, reply) =>
      this.#answerError(unknownPath(request), request, reply),
    );
    traceRequests(this.#app, false);
    if (metrics !== undefined) tellRequests(this.#app, metrics);
    addClassicRoutes(this.#app, service);
    void this.#app.register(async (app) => {
      await addV1Routes(app, { service, streams, watchLagMax });
      if (metrics !== undefined) addMetricsRoute(app, metrics);
    });
  }

  /**
   * Begins to listen.
   *
   * @returns the address with the real port
   * @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE
   */
  async start(): Promise<string> {
    const { host, port } = parseAddress(this.#address);
    await this.#app.ready();
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      throw listenError(door, this.#address, error);
    }
    const bound = this.#app.server.address();
    return typeof bound === 'object' && bound !== null
      ? formatAddress({ host, port: bound.port })
      : this.#address;
  }

  /** Tells the readers of streams, and ends everything. */
  async stop(): Promise<void> {
    const sentence = 'this daemon is stopping: resume with the last event id once it is back';
    await this.#streams.endAll(new DiscoError('UNAVAILABLE', 'STOPPING', sentence), farewellMs);
    await this.#app.close();
  }

  #answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { id: requestId, method } = request;
    const fields = { method, requestId, error: errorText(error) };
    const told = toldError(error, () => this.#log.error(fields, 'a request failed: a bug'));
    if (told.code !== 'INTERNAL')
      this.#log.debug({ ...fields, reason: told.reason }, 'a request was refused');
    const headers = { [requestIdHeader]: requestId, 'cache-control': 'no-store' };
    void reply.code(httpStatus(told)).headers(headers);
    if (isV1(request)) void reply.type('application/problem+json').send(problemOf(told));
    else void reply.send(classicErrorOf(told));
  }
}

/** Whatever is not classic: /v1 and the document that tells of it. */
function isV1({ url }: FastifyRequest): boolean {
  return /^\/(?:v1(?:[/?]|$)|openapi\.json)/.test(url);
}

function unknownPath(request: FastifyRequest): DiscoError {
  const { method, url } = request;
  const hint = isV1(request) ? ', see /openapi.json' : '';
  const sentence = `there is nothing at ${method} ${quote(url)}${hint}`;
  return new DiscoError('NOT_FOUND', 'UNKNOWN_PATH', sentence);
}

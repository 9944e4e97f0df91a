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
import { browserFault, fenceHeaders } from './browser-fence.ts';
import { addClassicRoutes } from './classic-routes.ts';
import { LiveStreams } from './live-streams.ts';
import { bodyBytesMax, classicErrorOf, httpStatus, problemOf, toldError } from './problem.ts';
import type { DiscoveryService } from './service.ts';
import { addV1Routes } from './v1-routes.ts';
import type { RouteAdder } from './v1-routes.ts';
import { quote } from './validate.ts';

/** Time that the readers of streams get to be told that the daemon stops. */
const farewellMs = 500;
const keepAliveMsDefault = 15_000;

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
  /** What else is served, behind the same fence. */
  readonly routes?: readonly RouteAdder[];
}

export class HttpServer {
  readonly #address: string;
  readonly #names: readonly string[];
  readonly #log: Log;
  readonly #streams: LiveStreams;
  readonly #app: FastifyInstance;

  constructor(service: DiscoveryService, options: HttpServerOptions, log: Log) {
    const { address, names, watchersMax, watchLagMax, routes = [] } = options;
    this.#address = address;
    this.#names = names;
    this.#log = log;
    const { keepAliveMs = keepAliveMsDefault } = options;
    const streams = new LiveStreams({ seats: service.watchers, watchersMax, keepAliveMs });
    this.#streams = streams;
    this.#app = fastify({
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
    addClassicRoutes(this.#app, service);
    void this.#app.register((app) => addV1Routes(app, { service, streams, watchLagMax }, routes));
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
      throw listenError(this.#address, error);
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
    const told = toldError(error, (bug) =>
      this.#log.error({ error: errorText(bug) }, 'a request failed: a bug'),
    );
    void reply.code(httpStatus(told)).header('cache-control', 'no-store');
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

function listenError(address: string, error: unknown): DiscoError {
  if ((error as { code?: unknown }).code === 'EADDRINUSE') {
    const sentence = `the HTTP address ${address} is in use by another process: stop that one, or give another --http (port 0 picks a free one, off for none)`;
    return new DiscoError('FAILED_PRECONDITION', 'PORT_IN_USE', sentence, error);
  }
  const sentence = `cannot listen for HTTP on ${address} (${errorText(error)}): give an address of this host with --http, or off`;
  return new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence, error);
}

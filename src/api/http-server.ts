/**
 * The API over HTTP: the classic three, and health for probes.
 *
 * A browser page of another origin gets nothing: the Host must be one of ours (against rebound DNS
 * names), a foreign Origin is refused, and bodies are JSON (which a page cannot send unasked).
 */
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isIP } from 'node:net';
import { formatAddress, parseAddress } from '../base/address.ts';
import type { Address } from '../base/address.ts';
import { DiscoError, errorText } from '../base/error.ts';
import type { ErrorCode } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { hostPort } from '../record/names.ts';
import { RequestIds, requestIdHeader } from './request-id.ts';
import type { DiscoveryService } from './service.ts';
import { invalid, quote } from './validate.ts';

const bodyBytesMax = 256 * 1024;
const defaultGroup = 'default';
/** Held services that a header names. */
const holdsNamedMax = 10;

const httpStatus: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  PERMISSION_DENIED: 403,
  FAILED_PRECONDITION: 409,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

export class HttpServer {
  readonly #service: DiscoveryService;
  readonly #address: string;
  readonly #log: Log;
  readonly #app: FastifyInstance;

  /**
   * @param address `host:port`; port 0 picks a free one
   * @param names by which it may be called, besides localhost and IP addresses of this host
   */
  constructor(service: DiscoveryService, address: string, names: readonly string[], log: Log) {
    this.#service = service;
    this.#address = address;
    this.#log = log;
    const requestIds = new RequestIds(seededRandom(Math.random() * 2 ** 32));
    this.#app = fastify({
      genReqId: ({ headers }) => requestIds.take(headers[requestIdHeader]),
      bodyLimit: bodyBytesMax,
      forceCloseConnections: true,
      // A path that is no URL, such as /%zz; no hook has seen it yet.
      frameworkErrors: (_error, request, reply) =>
        this.#answerError(browserFault(request, names) ?? unknownPath(request), reply),
    });
    this.#app.addHook('onRequest', (request, _reply, next) => next(browserFault(request, names)));
    this.#app.setErrorHandler((error, _request, reply) => this.#answerError(error, reply));
    this.#app.setNotFoundHandler((request, reply) =>
      this.#answerError(unknownPath(request), reply),
    );
    this.#addRoutes();
  }

  /**
   * Begins to listen.
   *
   * @returns the address with the real port
   * @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE
   */
  async start(): Promise<string> {
    const { host, port } = parseAddress(this.#address);
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

  async stop(): Promise<void> {
    await this.#app.close();
  }

  #addRoutes(): void {
    const app = this.#app;
    const register = async (request: FastifyRequest): Promise<object> =>
      this.#service.register(readClassicRegistration(request.body));
    app.get('/registry/list', (_request, reply) => {
      void reply.headers(this.#marks());
      return this.#classicList();
    });
    app.post('/registry/register_instance', register);
    app.post('/register/register_instance', register);
    app.get('/registry/perform_update', () => this.#service.gossip());
    app.get('/healthz', () => ({ status: 'ok' }));
    app.get('/readyz', (_request, reply) => {
      const { isReady, why } = this.#service.control.readiness();
      void reply.headers(this.#marks());
      return reply.code(isReady ? 200 : 503).send({ ready: isReady, readiness: why });
    });
  }

  /** What is to be known besides the classic answer, which has no room for it. */
  #marks(): Record<string, string> {
    const { control, registry } = this.#service;
    const { brake } = registry;
    const names = brake.holds(holdsNamedMax).map(({ group, name }) => `${group}/${name}`);
    if (brake.holdCount > names.length) names.push('...');
    return {
      ...(control.isPartial() && { 'disco-partial': 'true' }),
      ...(control.isIsolated() && { 'disco-isolated': 'true' }),
      ...(names.length > 0 && { 'disco-holding': names.join(', ') }),
    };
  }

  /** By address; of two owners of one address the newest live one is listed. */
  #classicList(): Record<string, { app_name: string; last_update: number }> {
    const newest = new Map<string, { app_name: string; last_update: number }>();
    for (const { record } of this.#service.registry.index.list()) {
      if (record.health === 'critical' || record.health === 'maintenance') continue;
      const address = hostPort(record.ip, record.port);
      const last_update = record.lastUpdate / 1_000_000;
      if ((newest.get(address)?.last_update ?? 0) >= last_update) continue;
      newest.set(address, { app_name: `${record.group}/${record.name}`, last_update });
    }
    return Object.fromEntries(newest);
  }

  #answerError(error: unknown, reply: FastifyReply): void {
    const known = error instanceof DiscoError ? error : frameworkError(error);
    const { id: requestId, method } = reply.request;
    const fields = { method, requestId, error: errorText(error) };
    if (known === undefined) this.#log.error(fields, 'a request failed: a bug');
    else this.#log.debug({ ...fields, reason: known.reason }, 'a request was refused');
    const code = known?.code ?? 'INTERNAL';
    const message = known?.message ?? 'this daemon made a mistake; its log says which';
    void reply
      .header(requestIdHeader, requestId)
      .code(httpStatus[code])
      .send({ error: { code, reason: known?.reason ?? 'BUG', message } });
  }
}

/** {"address", "app_name", "last_update"}: last_update is informative, the daemon stamps. */
function readClassicRegistration(body: unknown): {
  group: string;
  name: string;
  ip: string;
  port: number;
} {
  const shape = '{"address": "host:port", "app_name": "group/name"}';
  if (typeof body !== 'object' || body === null)
    throw invalid('INVALID_BODY', `the body must be a JSON object like ${shape}`);
  const { address, app_name: appName } = body as { address?: unknown; app_name?: unknown };
  if (typeof address !== 'string' || typeof appName !== 'string')
    throw invalid('INVALID_BODY', `address and app_name must be strings, as in ${shape}`);
  const slash = appName.indexOf('/');
  const group = slash < 0 ? defaultGroup : appName.slice(0, slash);
  const { host, port } = readAddress(address);
  return { group, name: appName.slice(slash + 1), ip: host, port };
}

function readAddress(text: string): Address {
  try {
    return parseAddress(text);
  } catch {
    // The text itself is shown safely, which parseAddress, made for operators, does not do.
    throw invalid('INVALID_ADDRESS', `address is ${quote(text)}: write host:port or [IPv6]:port`);
  }
}

/** What a web page in somebody's browser must not get through with. */
function browserFault(request: FastifyRequest, names: readonly string[]): DiscoError | undefined {
  const { host, origin } = request.headers;
  if (!isOurHost(host ?? '', request.socket.localAddress ?? '', names)) {
    const sentence = `the Host header names ${quote(host ?? '')}: call this API by an IP address of its host, as localhost, or by a name given with --http-hosts`;
    return new DiscoError('PERMISSION_DENIED', 'HOST_NOT_ALLOWED', sentence);
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    const sentence = `requests of pages from ${quote(origin)} are not answered: this API is for programs on its host`;
    return new DiscoError('PERMISSION_DENIED', 'ORIGIN_FORBIDDEN', sentence);
  }
  const contentType = request.headers['content-type'];
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (!isReading && contentType?.split(';')[0]?.trim() !== 'application/json')
    return invalid('INVALID_BODY', 'send a JSON body with Content-Type: application/json');
  return undefined;
}

/** Localhost, or the very address that was connected to: names can be bound to us by anybody. */
function isOurHost(header: string, localAddress: string, names: readonly string[]): boolean {
  const host = header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (['localhost', '127.0.0.1', '::1', ...names].includes(host)) return true;
  return isIP(host) !== 0 && localAddress.replace(/^::ffff:/, '') === host;
}

function unknownPath({ method, url }: FastifyRequest): DiscoError {
  return new DiscoError('NOT_FOUND', 'UNKNOWN_PATH', `there is nothing at ${method} ${quote(url)}`);
}

function frameworkError(error: unknown): DiscoError | undefined {
  const { statusCode } = error as { statusCode?: unknown };
  if (statusCode === 413)
    return invalid('INVALID_BODY', `the body is larger than the ${bodyBytesMax} bytes allowed`);
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined;
  return invalid('INVALID_BODY', 'the body cannot be read: send one JSON object');
}

function listenError(address: string, error: unknown): DiscoError {
  if ((error as { code?: unknown }).code === 'EADDRINUSE') {
    const sentence = `the HTTP address ${address} is in use by another process: stop that one, or give another --http (port 0 picks a free one, off for none)`;
    return new DiscoError('FAILED_PRECONDITION', 'PORT_IN_USE', sentence, error);
  }
  const sentence = `cannot listen for HTTP on ${address} (${errorText(error)}): give an address of this host with --http, or off`;
  return new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence, error);
}

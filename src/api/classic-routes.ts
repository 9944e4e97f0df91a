/** The classic three of HTTP, and health for probes. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseAddress } from '../base/address.ts';
import type { Address } from '../base/address.ts';
import { hostPort } from '../record/names.ts';
import type { DiscoveryService } from './service.ts';
import { invalid, quote } from './validate.ts';

const defaultGroup = 'default';
/** Held services that a header names. */
const holdsNamedMax = 10;

export function addClassicRoutes(app: FastifyInstance, service: DiscoveryService): void {
  const register = async (request: FastifyRequest): Promise<object> =>
    service.register(readClassicRegistration(request.body));
  app.get('/registry/list', (_request, reply) => {
    void reply.headers(marks(service));
    return classicList(service);
  });
  app.post('/registry/register_instance', register);
  app.post('/register/register_instance', register);
  app.get('/registry/perform_update', () => service.gossip());
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', (_request, reply) => {
    const { isReady, why } = service.control.readiness();
    void reply.headers(marks(service));
    return reply.code(isReady ? 200 : 503).send({ ready: isReady, readiness: why });
  });
}

/** What is to be known besides the classic answer, which has no room for it. */
function marks({ control, registry }: DiscoveryService): Record<string, string> {
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
function classicList({
  registry,
}: DiscoveryService): Record<string, { app_name: string; last_update: number }> {
  const newest = new Map<string, { app_name: string; last_update: number }>();
  for (const { record } of registry.index.list()) {
    if (record.health === 'critical' || record.health === 'maintenance') continue;
    const address = hostPort(record.ip, record.port);
    const last_update = record.lastUpdate / 1_000_000;
    if ((newest.get(address)?.last_update ?? 0) >= last_update) continue;
    newest.set(address, { app_name: `${record.group}/${record.name}`, last_update });
  }
  return Object.fromEntries(newest);
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

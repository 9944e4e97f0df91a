/**
 * What /v1 is asked: one schema for each body and each query. They say which fields there are and
 * what each is made of; whether a value does (a name, a port, a time) the service judges, as over
 * gRPC, and in the same words.
 */
import { checkWords, healthWords } from './json-answer.ts';
import { policyWords } from './json-request.ts';
import { asked, flag, listOf, mapOf, named, oneOf, text, uint32, uint64 } from './json-schema.ts';
import type { JsonSchema, Properties } from './json-schema.ts';

const group = text('A label over services: 1 to 128 of letters, digits, ".", "_" and "-".');
const name = text('The service: 1 to 128 of letters, digits, ".", "_" and "-".');
const maxStaleMs = uint64(
  'Refuse (409, STALE) when this node last compared itself with a peer longer ago than that; 0: never.',
);
const staleOk = flag('Answer all the same, and mark it stale.');

const checkFields: Properties = {
  kind: oneOf(
    checkWords.words,
    'tcp: the port takes a connection. http: a request is answered as expected. grpc: grpc.health.v1 answers SERVING. identity: who answers has the key of the registration.',
  ),
  path: text(
    'http: path and query, "/" by default. grpc: the service asked about. identity: path over HTTP, by default gRPC is asked.',
  ),
  expectedStatus: uint32('http: 200 to 599; 0: any of 200 to 299.'),
  method: text('http: GET (default), HEAD, OPTIONS or POST.'),
  tls: flag('All but tcp: over TLS, whoever the certificate names.'),
  intervalMs: uint64('Between the begins of two runs: 100 to 86400000; 0: 10000.'),
  timeoutMs: uint64('10 to intervalMs; 0: 5000, or intervalMs when that is less.'),
  initialDelayMs: uint64('Before the first run: at most 86400000.'),
  successesBeforePassing: uint32('In a row, 1 to 100; 0: 1.'),
  failuresBeforeWarning: uint32('In a row, at most failuresBeforeCritical; 0: 1.'),
  failuresBeforeCritical: uint32('In a row, 1 to 100; 0: 3.'),
};

const registration: Properties = {
  group,
  name,
  ip: text('An IP address or a host name; by default the address that peers reach this host at.'),
  port: uint32('1 to 65535; 0 or none: the daemon picks a free port of this host.'),
  instanceId: text('Names the instance; by default "ip:port".'),
  metadata: mapOf({ type: 'string' }, 'At most 64 pairs, with values of at most 1024 characters.'),
  tags: listOf({ type: 'string' }, 'At most 64, of 1 to 128 characters each.'),
  version: text('The release of the service: at most 128 characters.'),
  ttlMs: uint64('With a ttl the service must send heartbeats within it: 100 to 86400000; 0: none.'),
  deregisterAfterMs: uint64('How long after it turned critical it is deregistered; 0: never.'),
  weight: uint32('Its share of the calls, 1 to 65535; 0: 100.'),
  zone: text('Where it runs; by default the zone of the daemon.'),
  endpoints: listOf(named('NewEndpoint'), 'Its further ports: 16 at most.'),
  checks: listOf(named('NewCheck'), 'What the daemon runs to learn of its health: 8 at most.'),
  identityKey: text('For a check of kind identity: an Ed25519 public key in base64url.'),
};

/** Schemas with a name of their own in the document, by name. */
export const requestSchemas: Readonly<Record<string, JsonSchema>> = {
  NewCheck: asked(
    'How the daemon finds out whether the instance serves. It connects to the address of the instance and nowhere else.',
    checkFields,
    ['kind'],
  ),
  NewEndpoint: asked(
    'A further port of an instance.',
    {
      name: text('Unlike those of its other endpoints.'),
      port: uint32('1 to 65535.'),
      ip: text('By default that of the instance.'),
    },
    ['name', 'port'],
  ),
  Registration: asked('An instance of a service. Registering it again updates it.', registration, [
    'group',
    'name',
  ]),
};

const oneInstance = { group, name, instanceId: text('Which one, when there are several.') };

/** The body of each POST, by the name of its method. */
export const bodies = {
  register: named('Registration'),
  deregister: asked(
    'A registration that was made at this daemon.',
    {
      ...oneInstance,
      ip: text('With the port another way to say which one.'),
      port: uint32('1 to 65535.'),
    },
    ['group', 'name'],
  ),
  heartbeat: asked('An instance that was registered with a ttl.', oneInstance, ['group', 'name']),
  setMaintenance: asked(
    'What is taken out of use, or given back. Without group and name the whole node.',
    {
      group,
      name,
      instanceId: text('None: all of the service that were and will be registered here.'),
      on: flag('true: out of use. false: given back.'),
      reason: text('For people: at most 256 bytes.'),
    },
    ['on'],
  ),
  forceLeave: asked('A dead member.', { name: text('Its name or its peer id.') }, ['name']),
  gossip: asked('Nothing.', {}),
  setLogLevels: asked('What is logged.', {
    levels: mapOf({ type: 'string' }, 'By area, or by "all": debug, info, warn, error or silent.'),
    reset: flag('Go back to the configuration first.'),
  }),
  leave: asked('Nothing.', {}),
} as const;

const listQuery: Properties = {
  health: listOf({ type: 'string', enum: [...healthWords.words] }, 'Any of these; none: all.'),
  tags: listOf({ type: 'string' }, 'All of these.'),
  metadata: listOf({ type: 'string' }, 'All of these pairs, each as key=value.'),
  version: text('Only this version.'),
  zone: text('Only this zone.'),
  pageSize: uint32('At most so many; 0: all.'),
  pageToken: text('nextPageToken of the page before.'),
  maxStaleMs,
  staleOk,
};

const watchQuery: Properties = {
  group,
  name,
  cursor: text(
    'Cursor of the last event seen; what Last-Event-ID says goes first. None: everything.',
  ),
};

const targetsQuery: Properties = {
  endpoint: text('"metrics" by default; empty: the address of the instance itself.'),
  group,
  name,
  health: listQuery['health'] ?? {},
};

/** The query of each GET. */
export const queries = {
  list: asked('Which instances.', { group, name, ...listQuery }),
  listByGroup: asked('Which instances.', { name, ...listQuery }),
  listByService: asked('Which instances.', listQuery),
  get: asked('How one is picked.', {
    policy: oneOf(policyWords.words, 'By default at random.'),
    maxStaleMs,
    staleOk,
  }),
  watch: asked('What is watched; everything by default.', watchQuery),
  targets: asked('Which instances, and at which of their ports.', targetsQuery),
  none: asked('Nothing.', {}),
} as const;

/** What stands in the path. */
export const paths = {
  group: asked('Where.', { group }, ['group']),
  service: asked('Where.', { group, name }, ['group', 'name']),
} as const;

/** Every field that can be asked with, by its name here. */
export const requestFields: readonly string[] = [
  ...new Set(
    [registration, checkFields, listQuery, watchQuery, targetsQuery].flatMap((fields) =>
      Object.keys(fields),
    ),
  ),
];

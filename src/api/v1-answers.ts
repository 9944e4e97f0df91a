/** What /v1 answers: a schema for each message, by the name that it has in the OpenAPI document. */
import { errorCodes } from '../base/error.ts';
import { checkWords, healthWords, membersWords, stateWords, watchWords } from './json-answer.ts';
import {
  answered,
  flag,
  listOf,
  mapOf,
  named,
  oneOf,
  text,
  uint32,
  uint64,
} from './json-schema.ts';
import type { JsonSchema, Properties } from './json-schema.ts';

const micros = (what: string): JsonSchema => uint64(`${what}; microseconds since the epoch.`);
const strings = (description: string): JsonSchema => listOf({ type: 'string' }, description);
const health = (description: string): JsonSchema => oneOf(healthWords.words, description);
const counts = (description: string): JsonSchema => mapOf({ type: 'integer' }, description);

const group = text('A label over services.');
const name = text('The service.');
const partial = flag(
  'This node has not yet compared itself with a peer: instances may be missing.',
);
const isolated = flag('This node reaches no other: what it knows may be old.');
const stale = flag('Older than the maxStaleMs that was asked for.');
const sinceReconcileMs = uint64(
  'Since this node last compared itself with a peer; absent before the first time.',
);

const instance = {
  group,
  name,
  ip: text('A literal IP address or a host name.'),
  port: uint32('1 to 65535.'),
  instanceId: text("Unique among its node's instances of the service."),
  owner: text('Peer id of the node that registered it: its only writer.'),
  node: text('The name of that node.'),
  health: health('What its node says.'),
  lastUpdate: micros('Of its node, strictly rising'),
  metadata: mapOf({ type: 'string' }, 'As registered.'),
  tags: strings('As registered.'),
  version: text('The release of the service.'),
  ttlMs: uint64('0: it need not send heartbeats.'),
  conflict: flag('Another node claims the same group, name and address.'),
  held: flag('Its node fell silent, as most of the service did at once: it may be dead.'),
  weight: uint32('How much of the calls it is meant to get: 1 to 65535.'),
  zone: text('Where it runs; empty: nobody said.'),
  endpoints: listOf(named('Endpoint'), 'Its further ports.'),
  ownerState: oneOf(stateWords.words, 'How this node sees its node; not in a watch.'),
  maintenance: named('Maintenance'),
  checks: listOf(named('CheckReport'), 'Of the daemon that it was registered at, which runs them.'),
} satisfies Properties;
const instanceOptional = ['ownerState', 'maintenance', 'checks'];

const logLevels = mapOf({ type: 'string' }, 'What is logged, by area.');

const catalog: Readonly<Record<string, JsonSchema>> = {
  TargetGroups: listOf(named('TargetGroup'), 'One for each instance.'),
  TargetGroup: answered('An instance as Prometheus sees it.', {
    targets: listOf({ type: 'string' }, 'Its address, "ip:port".'),
    labels: mapOf({ type: 'string' }, 'All that is known of it, as __meta_disco_*.'),
  }),
  Instance: answered('One running copy of a service.', instance, instanceOptional),
  PickedInstance: answered(
    'One instance, and what it was picked from.',
    {
      ...instance,
      candidates: uint32('How many there were to pick from.'),
      partial,
      isolated,
      stale,
      sinceReconcileMs,
      hold: named('Hold'),
    },
    [...instanceOptional, 'sinceReconcileMs', 'hold'],
  ),
  InstanceList: answered('Sorted by group, name, instanceId, owner.', {
    instances: listOf(named('Instance'), 'Those of this page.'),
    nextPageToken: text('Asks for the next page; empty: this was the last.'),
    partial,
    isolated,
    stale,
    holding: listOf(named('Hold'), 'Services of this page whose last good answer is held.'),
  }),
  Endpoint: answered('A further port of an instance.', {
    name: text('Unlike those of its other endpoints.'),
    port: uint32('1 to 65535.'),
    ip: text('A literal IP address or a host name.'),
  }),
  Maintenance: answered('Why an instance is out of use, by the word of an operator.', {
    reason: text('For people.'),
    health: health('What its health would be without.'),
  }),
  Hold: answered('Most instances of a service fell silent at once, and are shown all the same.', {
    group,
    name,
    reason: text('For people.'),
    since: micros('Since when'),
    until: micros('When it ends at the latest'),
    instances: uint32('Shown only because of it.'),
  }),
  CheckReport: answered('A check and what it found.', {
    check: named('Check'),
    health: health('What its runs come to.'),
    results: listOf(named('CheckResult'), 'Newest first, five at most.'),
  }),
  Check: answered('A check as it runs.', {
    kind: oneOf(checkWords.words, 'What is tried.'),
    path: text('http, identity: path and query. grpc: the service asked about.'),
    expectedStatus: uint32('http; 0: any of 200 to 299.'),
    method: text('http.'),
    tls: flag('Over TLS, whoever the certificate names.'),
    intervalMs: uint64('Between the begins of two runs.'),
    timeoutMs: uint64('What takes longer failed.'),
    initialDelayMs: uint64('Before the first run.'),
    successesBeforePassing: uint32('In a row.'),
    failuresBeforeWarning: uint32('In a row.'),
    failuresBeforeCritical: uint32('In a row.'),
  }),
  CheckResult: answered('One run of a check.', {
    time: micros('When it ended'),
    durationMicros: uint64('How long it took.'),
    status: health('passing or critical.'),
    output: text('What was answered, or what went wrong.'),
    reason: text('"identity_mismatch": another process answers at the address; else empty.'),
  }),
};

const writes: Readonly<Record<string, JsonSchema>> = {
  Registered: answered('It is on disk, and told to others.', {
    ip: instance.ip,
    port: instance.port,
    instanceId: instance.instanceId,
    owner: instance.owner,
    lastUpdate: instance.lastUpdate,
    conflict: instance.conflict,
  }),
  Deregistered: answered('It is gone.', { instanceId: instance.instanceId }),
  HeartbeatAnswer: answered('It is alive.', {
    ttlMs: uint64('The next heartbeat is due within it.'),
  }),
  MaintenanceAnswer: answered('What has become of it.', {
    instances: uint32('Of this daemon, that are meant.'),
    inMaintenance: uint32('Of these, in maintenance now.'),
    elsewhere: strings('Nodes with further instances, which only their own daemons can change.'),
  }),
};

const nodes: Readonly<Record<string, JsonSchema>> = {
  Member: answered(
    'A node as this node sees it.',
    {
      peerId: text('Names it for ever.'),
      name: text('For people.'),
      state: oneOf(stateWords.words, 'left: on purpose.'),
      addresses: strings('Multiaddrs at which it gossips.'),
      incarnation: uint64('Raised by the node itself, at a start and to refute.'),
      lastUpdate: micros('By its own clock'),
      stateSince: micros('When this node learned of its state'),
      version: text('The release of its daemon.'),
      self: flag('The node that is asked.'),
      linked: flag('This node holds a connection to it.'),
      instances: uint32('Registered there.'),
      rttMicros: uint64('Round trip over that connection; absent when it is not known.'),
      accusers: listOf(named('Accuser'), 'Who cannot reach it.'),
      maintenance: text('Why the whole node is in maintenance; empty: it is not.'),
    },
    ['rttMicros'],
  ),
  Accuser: answered('A node that cannot reach another.', {
    peerId: text('Of the accusing node.'),
    name: text('Empty when this node does not know it.'),
    reason: text('refused: nobody listens there any more. silent: no answer.'),
    since: micros("By the accuser's clock"),
    confirmed: flag('It said so again after the suspicion time.'),
  }),
  MemberList: answered('The asked node first, then by name.', {
    members: listOf(named('Member'), 'All that this node knows.'),
  }),
  LeftMember: answered('It is listed and dialed no more.', {
    peerId: text('Of the member.'),
    name: text('Of the member.'),
  }),
  GossipReport: answered('One step of gossip.', {
    exchanges: listOf(named('Exchange'), 'One for each peer.'),
  }),
  Exchange: answered('How one exchange of digests went.', {
    peerId: text('With whom.'),
    name: text('With whom, for people.'),
    outcome: text('in_sync, changed or failed.'),
    ownersChanged: strings('Peer ids of the owners whose records changed here.'),
  }),
  LogLevels: answered('Of every area.', { levels: logLevels }),
  Left: answered('The daemon leaves its cluster and stops.', {}),
};

const status: Readonly<Record<string, JsonSchema>> = {
  Status: answered(
    'The node that is asked.',
    {
      peerId: text('Names it for ever.'),
      name: text('For people.'),
      cluster: text('Nodes of two clusters never mix.'),
      zone: text('Where it is; empty: nobody said.'),
      version: text('The release of the daemon.'),
      pid: uint32('Of its process.'),
      startedAt: micros('When it started'),
      ready: flag('It has compared notes with a peer, or there is none.'),
      readiness: text('Why it is ready, or what it waits for.'),
      listen: strings('Multiaddrs at which it gossips.'),
      advertise: strings('Those that it tells others.'),
      grpc: text('Where it answers gRPC.'),
      http: text('Where it answers HTTP.'),
      logLevels,
      dns: text('Where its DNS listens; "off": nowhere.'),
      dataDir: text('Its key, database and socket.'),
      membersAlive: uint32('Suspect ones too.'),
      membersDead: uint32('That did not leave on purpose.'),
      links: uint32('Connections to other nodes.'),
      instances: uint32('That it knows.'),
      instancesOwn: uint32('That were registered there.'),
      revision: uint64('Its own order of changes.'),
      sinceReconcileMs,
      refused: counts('What was received and refused, by reason.'),
      counted: counts('What was done, by name.'),
      holding: listOf(named('Hold'), 'At most 100 of them.'),
      servicesHolding: uint32('How many they are.'),
      isolated,
      serviceFiles: named('ServiceFiles'),
      maintenance: listOf(named('MaintenanceRule'), 'At most 100 of them.'),
      maintenanceRules: uint32('How many they are.'),
    },
    ['sinceReconcileMs'],
  ),
  ServiceFiles: answered('The registration files.', {
    directory: text('Where they are.'),
    files: uint32('How many.'),
    instances: uint32('Registered by them.'),
    problem: text('What is wrong with all of them; empty: nothing.'),
    bad: listOf(named('BadFile'), 'Refused ones, at most 100 of them.'),
    filesBad: uint32('How many they are.'),
  }),
  BadFile: answered('A file that is refused; what it said before stays registered.', {
    file: text('Its name.'),
    problem: text('Line, column, key, and what is wrong.'),
  }),
  MaintenanceRule: answered('What was put into maintenance here.', {
    group: text('Empty, with the name: the whole node.'),
    name: text('The service.'),
    instanceId: text('Empty: all of the service.'),
    reason: text('For people.'),
    since: micros('Since when'),
  }),
};

const events: Readonly<Record<string, JsonSchema>> = {
  WatchEvent: answered(
    'The data of one event; its id is the cursor.',
    {
      kind: oneOf(
        watchWords.words,
        'snapshot_begin: forget what was known. snapshot_end: that was all. up: it appeared or changed. down: it is gone.',
      ),
      instance: named('Instance'),
      cursor: text('Resumes behind this event; absent amid a snapshot.'),
      reason: text('Of down: deregistered, owner_left, owner_dead, expired, replaced.'),
    },
    ['instance', 'cursor', 'reason'],
  ),
  MembersEvent: answered(
    'The data of one event.',
    {
      kind: oneOf(
        membersWords.words,
        'member: as it is now. snapshot_end: that was all. forgotten: nothing of it is known any more.',
      ),
      member: named('Member'),
    },
    ['member'],
  ),
  Problem: answered('What is wrong (RFC 9457), and what to do.', {
    type: text('A URN that names the reason.'),
    title: text('The reason in words.'),
    status: { type: 'integer', description: 'Of the answer.' },
    detail: text('One sentence that says what to do.'),
    code: oneOf(errorCodes, 'The code of gRPC that it corresponds to.'),
    reason: text('Stable, for programs: INVALID_NAME, UNKNOWN_SERVICE and so on.'),
  }),
};

/** Every schema with a name of its own in the document. */
export const answerSchemas: Readonly<Record<string, JsonSchema>> = {
  ...catalog,
  ...writes,
  ...nodes,
  ...status,
  ...events,
};

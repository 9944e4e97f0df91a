/**
 * Everything that an operator can set, as one flat value, and the rules between its fields.
 *
 * Fields are checked one by one where they are read (config-options.ts); what only two of them
 * together can get wrong is checked here.
 */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { isLoopback, isWildcard, parseAddress } from '../base/address.ts';
import { DiscoError } from '../base/error.ts';
import type { LogLevel } from '../base/log.ts';

export type LogFormat = 'auto' | 'json' | 'pretty';

/**
 * Addresses are host:port or [IPv6]:port, paths are absolute. Times are milliseconds.
 *
 * `loadConfig` fills in what only the host knows: dataDir, name, seeds and services.
 */
export interface Config {
  /** Key, SQLite file, socket and run file. On a disk that survives: a lost one is a lost key. */
  readonly dataDir: string;
  /** The config file that was read; empty for none. */
  readonly config: string;
  /** Shown to people. The host's name, as that is what they look for; need not be unique. */
  readonly name: string;
  /** Nodes of two clusters never mix. A change makes this node a stranger to its old peers. */
  readonly cluster: string;
  /**
   * The rack, data center or region of this host; empty: none. What is registered here without a
   * zone says it, and the policy `nearest` prefers instances of the same one. After a change the
   * next start says the new one of all of them.
   */
  readonly zone: string;
  /** Where gossip listens. Loopback, since without grants who reaches it is believed. */
  readonly listen: readonly string[];
  /** Gossip with anyone who reaches us: they can register anything and read everything. */
  readonly insecureOpen: boolean;
  /** What others are told to dial. Empty: the listening addresses that others can reach. */
  readonly advertise: readonly string[];
  /** A seeds file, a comma list of addresses, or `none`. */
  readonly seeds: string;
  /**
   * Folder of registration files. DATA-DIR/services.d, which is made; any other has to be there, so
   * that a misspelt one is no order to deregister everything.
   */
  readonly services: string;
  /** Local API: addresses and unix:PATH, a relative path from dataDir. Empty: none. */
  readonly grpc: readonly string[];
  /** JSON API, dashboard and /metrics; `off` for none. Loopback, as it has no login. */
  readonly http: string;
  /**
   * Host names by which HTTP may be called, besides localhost and IP addresses of this host. Each
   * name that others can bind to this address lets web pages of that name call the API.
   */
  readonly httpHosts: readonly string[];
  /**
   * DNS over UDP and TCP, for names below `disco.`; `off` for none. On port 53 every program of the
   * host finds services by name; any other port is for a resolver that passes the zone on.
   */
  readonly dns: string;
  /**
   * DNS servers that are asked for all other names, in this order; empty: those are refused. Only
   * for hosts of private networks, and for those that have no other resolver.
   */
  readonly dnsUpstream: readonly string[];
  /**
   * Seconds that a DNS answer may be kept, also one that there is nothing. Higher takes load off
   * this daemon, and shows dead instances, or none, for so long.
   */
  readonly dnsTtl: number;
  /**
   * Of all areas, until `disco log` changes it. debug also tells each exchange and call; error only
   * what an operator must act on.
   */
  readonly logLevel: LogLevel;
  /** auto: pretty on a terminal, json elsewhere. */
  readonly logFormat: LogFormat;

  /** Pause between rounds of anti-entropy. Lower repairs a lost rumor sooner and costs traffic. */
  readonly gossipIntervalMs: number;
  /** Neighbors asked a round. Three find a difference within a few rounds; more costs traffic. */
  readonly gossipK: number;
  /**
   * Pause between two probes of one link. Lower notices a frozen or vanished node sooner, higher
   * costs less traffic; whoever is silent for 1 s alone is never accused, however low it is.
   */
  readonly probeIntervalMs: number;
  /** An owner's heads are at least this far apart. Lower tells sooner, higher batches bursts. */
  readonly rumorIntervalMs: number;
  /** Links that each node keeps. More survives more at once; each costs a probe a second. */
  readonly neighborsK: number;
  /** A live owner signs anew this often. Lower costs traffic while nothing changes. */
  readonly headRefreshMs: number;
  /** What a silent owner said is dropped. Lower forgets a node that is only away for long. */
  readonly reapAfterMs: number;
  /** A head further in the future is refused. Lower refuses honest clocks that are a bit off. */
  readonly clockAheadMs: number;
  /**
   * Follow the peers' time when this host's clock is behind it; ahead of it, a node always does.
   * Off, as neighbors that lie together could push this node into the future for good; on, a host
   * without a battery for its clock takes part before anybody has set it.
   */
  readonly trustPeerClock: boolean;
  /** Then ready without peers, with a warning. Lower serves a partial view sooner. */
  readonly joinTimeoutMs: number;
  /** The re-dial that confirms a broken link. Higher notices a dead host later. */
  readonly dialTimeoutMs: number;
  /**
   * Instances that fall silent within it are one event, which the brake may hold. Lower holds less
   * when members are found dead one by one; higher takes for one event what are several.
   */
  readonly brakeWindowMs: number;
  /**
   * A service most of which fell silent at once is shown as it was for so long; 0: never. Lower
   * shows the truth sooner, and an empty list when only this node's network is gone; higher sends
   * clients to instances that are dead.
   */
  readonly holdMaxMs: number;
  /** A deregistration is told for this long. Lower sends whole owners to those who were away. */
  readonly tombstoneGraceMs: number;
  /** Then the oldest are forgotten early. Lower costs the same as a short tombstoneGraceMs. */
  readonly tombstonesMax: number;

  /** Dials at once. Higher joins large clusters faster and strains the network at a mass start. */
  readonly pendingDialsMax: number;
  /** Further ones are refused. Each costs a socket and memory; too low splits the mesh. */
  readonly connectionsMax: number;
  /**
   * From one host. libp2p refuses more than 5 by default, which breaks many nodes on one host;
   * lower defends against a flood, higher lets a whole rack restart at once.
   */
  readonly inboundConnectionsPerSecondMax: number;
  /**
   * gossipsub's penalty for peers that share an IP begins above it. 0 is off, since all nodes of
   * a one-host cluster share one; a few defend against one host that plays many nodes.
   */
  readonly peersPerAddressMax: number;
  /** Watch streams of one node. Each costs memory and one wake a change. */
  readonly watchersMax: number;
  /** Unread changes of one watcher; then it is cut off and told to list again. */
  readonly watchLagMax: number;
  /** Changes kept to resume from. Lower makes more watchers start with a whole snapshot. */
  readonly changeFeedMax: number;
  /** Bounds of one owner, enforced by every receiver: equal on all nodes, or views differ. */
  readonly recordsPerOwnerMax: number;
  readonly bytesPerOwnerMax: number;
  /** One registration, encoded. Metadata belongs elsewhere when it does not fit. */
  readonly recordBytesMax: number;
  /** One owner's signed summary, encoded. */
  readonly headBytesMax: number;
  /** Bounds of this node; above them new owners are refused and known ones go on. */
  readonly recordsMax: number;
  /** Encoded records; in memory they take about three times as much. */
  readonly bytesMax: number;
  readonly headsMax: number;
}

/** Where each value came from: `flag --x`, `environment DISCO_X`, `file PATH` or `default`. */
export type ConfigSources = Readonly<Record<keyof Config, string>>;

type NumberKey = {
  [Key in keyof Config]: Config[Key] extends number ? Key : never;
}[keyof Config];

/** `low` times `factor` is at most `high`. */
interface Relation {
  readonly low: NumberKey;
  readonly high: NumberKey;
  readonly factor?: number;
  readonly why: string;
}

const relations: readonly Relation[] = [
  {
    low: 'headRefreshMs',
    high: 'reapAfterMs',
    factor: 2,
    why: 'a live owner whose refresh is late would be dropped',
  },
  {
    low: 'clockAheadMs',
    high: 'reapAfterMs',
    factor: 4,
    why: 'heads within two clockAheadMs of their end are no longer told',
  },
  { low: 'tombstoneGraceMs', high: 'reapAfterMs', why: 'a tombstone ends with its owner' },
  {
    low: 'tombstonesMax',
    high: 'recordsPerOwnerMax',
    why: 'tombstones count as records of their owner',
  },
  { low: 'recordBytesMax', high: 'bytesPerOwnerMax', why: 'one record must fit' },
  { low: 'recordsPerOwnerMax', high: 'recordsMax', why: 'one full owner must fit' },
  { low: 'bytesPerOwnerMax', high: 'bytesMax', why: 'one full owner must fit' },
  { low: 'watchLagMax', high: 'changeFeedMax', why: 'a watcher reads its lag from the feed' },
  {
    low: 'neighborsK',
    high: 'connectionsMax',
    factor: 5,
    why: 'up to 2K links out, 2K in, and a few to join by',
  },
  { low: 'pendingDialsMax', high: 'connectionsMax', why: 'each dial may become a connection' },
  {
    low: 'rumorIntervalMs',
    high: 'gossipIntervalMs',
    why: 'rumors are the fast path, anti-entropy repairs it',
  },
  { low: 'dialTimeoutMs', high: 'joinTimeoutMs', why: 'joining takes at least one dial' },
];

/** A socket's path has to fit into sockaddr_un: 108 bytes on Linux, 104 on macOS, with a zero. */
const socketPathBytesMax = process.platform === 'darwin' ? 103 : 107;

/** @throws CONFIG that names both fields, their values and, when known, where they came from */
export function validate(config: Config, sources?: ConfigSources): void {
  for (const relation of relations) checkRelation(config, relation, sources);
  checkOpen(config);
  checkAdvertised(config);
  checkSockets(config);
  checkOverlap(config);
  checkUpstream(config);
}

/** Where registration files are unless somebody says otherwise. */
export function servicesFolder({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'services.d');
}

/** What is allowed and still worth a line in the log at every start. */
export function warnings(config: Config): string[] {
  const found: string[] = [];
  const isOpen = config.insecureOpen && config.listen.some((address) => !isLocal(address));
  if (isOpen) {
    found.push('insecureOpen: anyone who reaches the gossip port can register and read everything');
  }
  const apis = [...config.grpc, config.http].filter(
    (target) => !isSocket(target) && target !== 'off',
  );
  for (const target of apis.filter((address) => !isLocal(address))) {
    found.push(`the API at ${target}: anyone who reaches it can register and read everything`);
  }
  const { dns } = config;
  if (dns !== 'off' && !isLocal(dns))
    found.push(`dns ${dns}: anyone who reaches it can read which services are where`);
  const local = config.advertise.filter(isLocal);
  if (isOpen && local.length > 0) {
    found.push(`advertise ${local.join(', ')}: other hosts cannot reach a loopback address`);
  }
  return found;
}

function checkRelation(config: Config, relation: Relation, sources?: ConfigSources): void {
  const { low, high, factor = 1, why } = relation;
  if (config[low] * factor <= config[high]) return;
  const named = (key: NumberKey): string =>
    `${key} ${config[key]}` + (sources === undefined ? '' : ` (${sources[key]})`);
  const times = factor === 1 ? '' : `${factor} times `;
  throw invalid(`${named(high)} must be at least ${times}${named(low)}: ${why}`);
}

function checkOpen({ listen, insecureOpen }: Config): void {
  const open = listen.find((address) => !isLocal(address));
  if (open === undefined || insecureOpen) return;
  throw invalid(
    `listen ${open} can be reached from other hosts while insecureOpen is false: ` +
      'either listen on a loopback address such as 127.0.0.1:7947, or pass --insecure-open to ' +
      'gossip with anyone who reaches it',
  );
}

function checkAdvertised({ advertise }: Config): void {
  for (const text of advertise) {
    const { host, port } = parseAddress(text);
    if (isWildcard(host)) {
      throw invalid(`advertise ${text} means every interface: name the address to dial`);
    }
    if (port === 0)
      throw invalid(`advertise ${text} has no port to dial: name the one that listens`);
  }
}

function checkSockets({ dataDir, grpc }: Config): void {
  for (const target of grpc.filter(isSocket)) {
    const bytes = Buffer.byteLength(target.slice('unix:'.length));
    if (bytes <= socketPathBytesMax) continue;
    throw invalid(
      `grpc ${target} is ${bytes} bytes long, which is more than the ${socketPathBytesMax} that ` +
        `this system allows: choose a shorter dataDir than ${dataDir}, or name a host:port only`,
    );
  }
}

/** Two listeners on one port fail only once both are bound; said here, the message has names. */
function checkOverlap({ listen, grpc, http, dns }: Config): void {
  const taken: { readonly key: string; readonly text: string }[] = [];
  const claims = {
    listen,
    grpc: grpc.filter((target) => !isSocket(target)),
    http: [http],
    dns: [dns],
  };
  for (const [key, addresses] of Object.entries(claims)) {
    for (const text of addresses.filter((address) => address !== 'off')) {
      const other = taken.find((claim) => overlap(claim.text, text));
      if (other) throw invalid(`${other.key} ${other.text} and ${key} ${text} are the same port`);
      taken.push({ key, text });
    }
  }
}

/** A name would have to be asked for first, and of whom? */
function checkUpstream({ dns, dnsUpstream }: Config): void {
  if (dns === 'off' && dnsUpstream.length > 0)
    throw invalid(`dnsUpstream ${dnsUpstream.join(', ')} is of no use while dns is off: give both`);
  for (const text of dnsUpstream) {
    const { host, port } = parseAddress(text);
    if (isIP(host) === 0)
      throw invalid(`dnsUpstream ${text} is a host name: give the IP address of a DNS server`);
    if (port === 0) throw invalid(`dnsUpstream ${text} has no port to ask: 53 is usual`);
    if (overlap(dns, text))
      throw invalid(`dnsUpstream ${text} is this daemon's own dns ${dns}: give another server`);
  }
}

function overlap(one: string, two: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(two)];
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host);
}

function isSocket(target: string): boolean {
  return target.startsWith('unix:');
}

function isLocal(text: string): boolean {
  return isLoopback(parseAddress(text).host);
}

function invalid(message: string): DiscoError {
  return new DiscoError('INVALID_ARGUMENT', 'CONFIG', message);
}

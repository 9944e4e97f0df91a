/**
 * The table of options: one row a field of Config, from which come the flag, the environment
 * variable, the key in the config file, the help, the default and the check of a single value.
 *
 * What a field costs either way stands at the field, in config.ts; `help` is its one-line form.
 */
import { logLevels } from '../base/log.ts';
import type { Config, LogFormat } from './config.ts';

/** What a text means, which decides how it is checked and normalised. */
export type TextKind = 'path' | 'name' | 'address' | 'grpc' | 'http' | 'dns' | 'seeds';

type Shape =
  | { readonly kind: 'string'; readonly text: TextKind; readonly default: string }
  | { readonly kind: 'list'; readonly text: TextKind; readonly default: readonly string[] }
  | { readonly kind: 'boolean'; readonly default: boolean }
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly default: string }
  | {
      readonly kind: 'integer';
      readonly min: number;
      readonly max: number;
      readonly default: number;
    };

interface Row<Value> {
  readonly help: string;
  /** What stands for the value in a usage line; none for a boolean. */
  readonly placeholder: string;
  /** Left out of the short help: few ever need it. */
  readonly advanced: boolean;
  readonly shape: Shape & { readonly default: Value };
}

export interface Option {
  readonly key: keyof Config;
  /** `--data-dir` */
  readonly flag: string;
  /** `DISCO_DATA_DIR` */
  readonly env: string;
  readonly help: string;
  readonly placeholder: string;
  readonly advanced: boolean;
  readonly shape: Shape;
}

const second = 1_000;
const hour = 3_600_000;
const day = 24 * hour;
const mebibyte = 1024 * 1024;
const logFormats: readonly LogFormat[] = ['auto', 'json', 'pretty'];

const rows: { readonly [Key in keyof Config]: Row<Config[Key]> } = {
  dataDir: text('path', '', 'DIR', 'key, SQLite file, socket and run file'),
  config: text('path', '', 'FILE', 'JSON file with any of these options'),
  name: text('name', '', 'NAME', 'shown to people'),
  cluster: text('name', 'default', 'NAME', 'nodes of two clusters never mix'),
  zone: text('name', '', 'ZONE', 'where this host is: its instances say so, nearest goes by it'),
  listen: list('address', ['127.0.0.1:7947'], 'gossip; port 0 picks one'),
  insecureOpen: flag('gossip with anyone who reaches us'),
  advertise: list('address', [], 'what others dial, instead of the listening addresses'),
  seeds: text('seeds', '', 'SEEDS', 'seed nodes: FILE, or ADDR,…, or none'),
  services: text('path', '', 'DIR', 'registration files; default: services.d in the data dir'),
  grpc: list('grpc', ['127.0.0.1:7948', 'unix:disco.sock'], 'local API; off for none'),
  http: text('http', '127.0.0.1:7949', 'ADDR', 'JSON API, dashboard, metrics; off for none'),
  httpHosts: list('name', [], 'names besides localhost that HTTP is called by', 'HOST'),
  dns: text('dns', 'off', 'ADDR', 'DNS for NAME.GROUP.disco, as 127.0.0.1:7953; off: none'),
  dnsUpstream: list('address', [], 'DNS servers that are asked for other names'),
  dnsTtl: integer(1, 0, 3_600, 'seconds that a DNS answer may be kept'),
  logLevel: oneOf(logLevels, 'info', 'LEVEL', 'how much is logged'),
  logFormat: oneOf(logFormats, 'auto', 'FORMAT', 'auto is pretty on a terminal, else json'),

  gossipIntervalMs: integer(second, 20, hour, 'pause between rounds of anti-entropy'),
  gossipK: integer(3, 1, 16, 'neighbors asked a round'),
  probeIntervalMs: integer(second, 100, hour, 'pause between probes of a neighbor'),
  rumorIntervalMs: integer(20, 1, 10 * second, 'least time between two heads of this node'),
  neighborsK: integer(8, 2, 64, 'links that this node keeps: up to 2K + 1'),
  headRefreshMs: integer(hour, second, day, 'sign anew at least this often'),
  reapAfterMs: integer(day, 10 * second, 366 * day, 'forget owners that were silent for it'),
  clockAheadMs: integer(60 * second, 100, hour, 'refuse heads further in the future'),
  trustPeerClock: flag("go by the peers' time when this host's clock is behind"),
  joinTimeoutMs: integer(10 * second, 100, hour, 'then ready without peers'),
  dialTimeoutMs: integer(second, 50, 60 * second, 're-dial that confirms a broken link'),
  brakeWindowMs: integer(10 * second, 100, hour, 'deaths by silence within it are one event'),
  holdMaxMs: integer(30 * second, 0, hour, 'hold what fell silent together so long; 0: never'),
  tombstoneGraceMs: integer(600 * second, second, 30 * day, 'tell a deregistration for it'),
  tombstonesMax: integer(1_000, 1, 100_000, 'tombstones of this node'),

  pendingDialsMax: integer(16, 1, 1_000, 'dials at once'),
  connectionsMax: integer(300, 10, 100_000, 'peers connected at once'),
  inboundConnectionsPerSecondMax: integer(
    100,
    1,
    100_000,
    'new connections a second from one host',
  ),
  peersPerAddressMax: integer(0, 0, 100_000, 'peers of one IP before gossipsub objects; 0: any'),
  watchersMax: integer(10_000, 1, 1_000_000, 'open Watch streams'),
  watchLagMax: integer(10_000, 1, 1_000_000, 'changes that a watcher may be behind'),
  changeFeedMax: integer(100_000, 1, 10_000_000, 'changes kept to resume from'),
  recordsPerOwnerMax: integer(10_000, 1, 1_000_000, 'records of one owner'),
  bytesPerOwnerMax: integer(16 * mebibyte, 1_024, 1_024 * mebibyte, 'bytes of one owner'),
  recordBytesMax: integer(8_192, 256, 65_536, 'bytes of one record'),
  headBytesMax: integer(2_048, 512, 65_536, 'bytes of one head'),
  recordsMax: integer(1_000_000, 1, 100_000_000, 'records held here'),
  bytesMax: integer(
    1_024 * mebibyte,
    1_024,
    1_024 * 1_024 * mebibyte,
    'bytes of records held here',
  ),
  headsMax: integer(100_000, 1, 10_000_000, 'owners held here'),
};

/** In the order of the table. */
export const options: readonly Option[] = Object.entries(rows).map(([key, row]) => ({
  key: key as keyof Config,
  flag: `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  env: `DISCO_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
  ...row,
}));

/**
 * What holds when nothing is set. dataDir, name, seeds and services are empty until `loadConfig`
 * asks the host, and the socket's path is still relative to dataDir.
 */
export const defaults = Object.fromEntries(
  options.map(({ key, shape }) => [key, shape.default]),
) as unknown as Config;

function text(kind: TextKind, value: string, placeholder: string, help: string): Row<string> {
  return {
    help,
    placeholder,
    advanced: false,
    shape: { kind: 'string', text: kind, default: value },
  };
}

function list(
  kind: TextKind,
  value: readonly string[],
  help: string,
  placeholder = 'ADDR',
): Row<readonly string[]> {
  return {
    help,
    placeholder,
    advanced: false,
    shape: { kind: 'list', text: kind, default: value },
  };
}

function flag(help: string): Row<boolean> {
  return { help, placeholder: '', advanced: false, shape: { kind: 'boolean', default: false } };
}

function oneOf<Value extends string>(
  values: readonly Value[],
  value: Value,
  placeholder: string,
  help: string,
): Row<Value> {
  return { help, placeholder, advanced: false, shape: { kind: 'enum', values, default: value } };
}

/** All integers are for the few who know why. */
function integer(value: number, min: number, max: number, help: string): Row<number> {
  return {
    help,
    placeholder: 'N',
    advanced: true,
    shape: { kind: 'integer', min, max, default: value },
  };
}

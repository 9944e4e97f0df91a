/** Facts in which nothing is wrong, to be changed in one thing. */
import type { DaemonStatus, Member } from '../../src/client/daemon-status.ts';
import type { Facts, SeedFacts } from '../../src/cli/doctor-facts.ts';
import { judge } from '../../src/cli/doctor-rules.ts';
import type { Finding } from '../../src/cli/finding.ts';
import { defaults } from '../../src/daemon/config-options.ts';

export const status: DaemonStatus = {
  peerId: 'p1',
  name: 'node-1',
  cluster: 'default',
  version: '0.1.0',
  pid: 4711,
  startedAt: 0,
  ready: true,
  readiness: 'reconciled with a peer',
  listen: ['/ip4/10.0.0.5/tcp/7001'],
  advertise: ['/ip4/10.0.0.5/tcp/7001'],
  grpc: '127.0.0.1:7002',
  http: '127.0.0.1:7003',
  dns: 'off',
  dataDir: '/var/lib/disco',
  membersAlive: 2,
  membersDead: 0,
  links: 1,
  instances: 0,
  instancesOwn: 0,
  revision: 0,
  sinceReconcileMs: 10,
  refused: {},
  counted: {},
  holding: [],
  servicesHolding: 0,
  isolated: false,
  serviceFiles: undefined,
  maintenance: [],
  maintenanceRules: 0,
  zone: '',
  logLevels: {},
};

export const member = (change: Partial<Member> = {}): Member => ({
  peerId: 'p2',
  name: 'node-2',
  state: 'alive',
  addresses: ['/ip4/10.0.0.6/tcp/7001'],
  incarnation: 1,
  lastUpdate: 0,
  stateSince: 0,
  version: '0.1.0',
  self: false,
  linked: true,
  instances: 0,
  rttMicros: undefined,
  accusers: [],
  maintenance: '',
  ...change,
});

export const seed = (change: Partial<SeedFacts> = {}): SeedFacts => ({
  address: { host: '10.0.0.6', port: 7001 },
  ips: ['10.0.0.6'],
  isReached: true,
  problem: '',
  ...change,
});

export const sound: Facts = {
  nodeVersion: '24.21.0',
  version: '0.1.0',
  settings: { kind: 'read', config: defaults, seeds: [] },
  daemon: { kind: 'running', status, members: [member()] },
  dataDir: {
    path: '/var/lib/disco',
    state: 'there',
    isWritable: true,
    mode: 0o40700,
    keyMode: 0o100600,
    holder: 4711,
  },
  disk: { path: '/var/lib/disco', freeBytes: 2 ** 34, freeFiles: 1_000_000 },
  openFiles: { limit: 65_536, open: 40 },
  ports: [
    { what: 'gossip', flag: '--listen', address: '10.0.0.5:7001', state: 'answers', problem: '' },
  ],
  seeds: [seed()],
  isClockKept: true,
};

/** The same without a daemon. */
export const away: Facts = {
  ...sound,
  daemon: { kind: 'away', problem: 'no disco daemon answers at unix:/s' },
};

/** The daemon says something else of itself. */
export const saying = (change: Partial<DaemonStatus>, members = [member()]): Facts => ({
  ...sound,
  daemon: { kind: 'running', status: { ...status, ...change }, members },
});

export function found(check: string, facts: Facts): Finding {
  const finding = judge(facts).find((each) => each.check === check);
  if (finding === undefined) throw new Error(`nothing is said of ${check}`);
  return finding;
}

import { test } from 'tap';
import { defaults } from '../../src/daemon/config-options.ts';
import { validate, warnings, type Config, type ConfigSources } from '../../src/daemon/config.ts';

const sound: Config = { ...defaults, dataDir: '/var/lib/disco', name: 'n1', seeds: 'none' };

test('the defaults are sound', (t) => {
  t.doesNotThrow(() => validate(sound));
  t.strictSame(warnings(sound), []);
  t.end();
});

/** Each breaks one rule by one. */
const broken: readonly { readonly change: Partial<Config>; readonly message: string }[] = [
  {
    change: { headRefreshMs: 3_600_000, reapAfterMs: 7_199_999 },
    message:
      'reapAfterMs 7199999 must be at least 2 times headRefreshMs 3600000: ' +
      'a live owner whose refresh is late would be dropped',
  },
  {
    change: { headRefreshMs: 1_000, clockAheadMs: 60_000, reapAfterMs: 239_999 },
    message: 'reapAfterMs 239999 must be at least 4 times clockAheadMs 60000',
  },
  {
    change: { tombstoneGraceMs: 86_400_001 },
    message: 'reapAfterMs 86400000 must be at least tombstoneGraceMs 86400001',
  },
  {
    change: { tombstonesMax: 11, recordsPerOwnerMax: 10 },
    message: 'recordsPerOwnerMax 10 must be at least tombstonesMax 11',
  },
  {
    change: { recordBytesMax: 2_049, bytesPerOwnerMax: 2_048 },
    message: 'bytesPerOwnerMax 2048 must be at least recordBytesMax 2049',
  },
  {
    change: { recordsMax: 9_999 },
    message: 'recordsMax 9999 must be at least recordsPerOwnerMax 10000',
  },
  {
    change: { bytesMax: 16_777_215 },
    message: 'bytesMax 16777215 must be at least bytesPerOwnerMax 16777216',
  },
  {
    change: { watchLagMax: 11, changeFeedMax: 10 },
    message: 'changeFeedMax 10 must be at least watchLagMax 11',
  },
  {
    change: { neighborsK: 61 },
    message: 'connectionsMax 300 must be at least 5 times neighborsK 61',
  },
  {
    change: { pendingDialsMax: 301 },
    message: 'connectionsMax 300 must be at least pendingDialsMax 301',
  },
  {
    change: { rumorIntervalMs: 1_001 },
    message: 'gossipIntervalMs 1000 must be at least rumorIntervalMs 1001',
  },
  {
    change: { dialTimeoutMs: 10_001 },
    message: 'joinTimeoutMs 10000 must be at least dialTimeoutMs 10001',
  },
  {
    change: { listen: ['127.0.0.1:7947', '10.0.0.7:7947'] },
    message:
      'listen 10.0.0.7:7947 can be reached from other hosts while insecureOpen is false: ' +
      'either listen on a loopback address such as 127.0.0.1:7947, or pass --insecure-open to ' +
      'gossip with anyone who reaches it',
  },
  {
    change: { listen: ['[::]:7947'] },
    message: 'listen [::]:7947 can be reached from other hosts while insecureOpen is false',
  },
  {
    change: { advertise: ['0.0.0.0:7947'] },
    message: 'advertise 0.0.0.0:7947 means every interface: name the address to dial',
  },
  {
    change: { advertise: ['10.0.0.7:0'] },
    message: 'advertise 10.0.0.7:0 has no port to dial: name the one that listens',
  },
  {
    change: { http: '127.0.0.1:7948' },
    message: 'grpc 127.0.0.1:7948 and http 127.0.0.1:7948 are the same port',
  },
  {
    change: { http: '0.0.0.0:7947' },
    message: 'listen 127.0.0.1:7947 and http 0.0.0.0:7947 are the same port',
  },
  {
    change: { dns: '127.0.0.1:7949' },
    message: 'http 127.0.0.1:7949 and dns 127.0.0.1:7949 are the same port',
  },
  {
    change: { dnsUpstream: ['10.0.0.2:53'] },
    message: 'dnsUpstream 10.0.0.2:53 is of no use while dns is off',
  },
  {
    change: { dns: '127.0.0.1:53', dnsUpstream: ['resolver.internal:53'] },
    message: 'dnsUpstream resolver.internal:53 is a host name: give the IP address',
  },
  {
    change: { dns: '127.0.0.1:53', dnsUpstream: ['10.0.0.2:0'] },
    message: 'dnsUpstream 10.0.0.2:0 has no port to ask',
  },
  {
    change: { dns: '0.0.0.0:53', dnsUpstream: ['127.0.0.1:53'] },
    message: "dnsUpstream 127.0.0.1:53 is this daemon's own dns 0.0.0.0:53",
  },
  {
    change: { listen: ['127.0.0.1:9000', '127.0.0.1:9000'] },
    message: 'listen 127.0.0.1:9000 and listen 127.0.0.1:9000 are the same port',
  },
];

for (const { change, message } of broken) {
  test(`it is refused that ${message}`, (t) => {
    const expected = { code: 'INVALID_ARGUMENT', reason: 'CONFIG' };
    const error = t.throws(() => validate({ ...sound, ...change }), expected) as Error;
    t.ok(error.message.startsWith(message), error.message);
    t.end();
  });
}

test('each relation holds when its two values just fit', (t) => {
  const tight: Partial<Config> = {
    headRefreshMs: 1_000,
    clockAheadMs: 500,
    reapAfterMs: 2_000,
    tombstoneGraceMs: 2_000,
    tombstonesMax: 10,
    recordsPerOwnerMax: 10,
    recordsMax: 10,
    watchLagMax: 10,
    changeFeedMax: 10,
    recordBytesMax: 2_048,
    bytesPerOwnerMax: 2_048,
    bytesMax: 2_048,
    neighborsK: 8,
    connectionsMax: 40,
    pendingDialsMax: 40,
    rumorIntervalMs: 1_000,
    dialTimeoutMs: 10_000,
  };
  t.doesNotThrow(() => validate({ ...sound, ...tight }));
  t.end();
});

test('a broken relation says where both values came from', (t) => {
  const none = Object.fromEntries(Object.keys(defaults).map((key) => [key, 'default']));
  const sources = { ...none, reapAfterMs: 'environment DISCO_REAP_AFTER_MS' } as ConfigSources;
  const message =
    'reapAfterMs 10000 (environment DISCO_REAP_AFTER_MS) must be at least 2 times ' +
    'headRefreshMs 3600000 (default): a live owner whose refresh is late would be dropped';
  t.throws(() => validate({ ...sound, reapAfterMs: 10_000 }, sources), { message });
  t.end();
});

test('two listeners may share a port on two addresses, or ask for any port', (t) => {
  t.doesNotThrow(() => validate({ ...sound, http: '127.0.0.2:7947' }));
  const anyPort = ['127.0.0.1:0'];
  t.doesNotThrow(() => validate({ ...sound, listen: anyPort, grpc: anyPort, http: '127.0.0.1:0' }));
  t.doesNotThrow(() => validate({ ...sound, grpc: [], http: 'off' }));
  t.end();
});

test('a socket path longer than the system allows is refused, with both ways out', (t) => {
  const path = (bytes: number): string => `unix:/${'d'.repeat(bytes - 1)}`;
  t.doesNotThrow(() => validate({ ...sound, grpc: [path(103)] }));
  const expected = { reason: 'CONFIG', message: /grpc unix:.* is 108 bytes long.*shorter dataDir/ };
  t.throws(() => validate({ ...sound, grpc: [path(108)] }), expected);
  t.end();
});

test('listening beyond loopback with insecureOpen is allowed and warned about', (t) => {
  const open: Config = { ...sound, listen: ['0.0.0.0:7947'], insecureOpen: true };
  t.doesNotThrow(() => validate(open));
  t.strictSame(warnings(open), [
    'insecureOpen: anyone who reaches the gossip port can register and read everything',
  ]);
  t.end();
});

test('a loopback address advertised to other hosts is a warning', (t) => {
  const listen = ['0.0.0.0:7947'];
  const open: Config = { ...sound, listen, insecureOpen: true, advertise: ['127.0.0.1:7947'] };
  const warning = 'advertise 127.0.0.1:7947: other hosts cannot reach a loopback address';
  t.strictSame(warnings(open).slice(1), [warning]);
  t.strictSame(warnings({ ...open, listen: ['127.0.0.1:7947'] }), []);
  t.end();
});

test('DNS beyond loopback is a warning', (t) => {
  const warning = 'dns 10.0.0.7:53: anyone who reaches it can read which services are where';
  t.strictSame(warnings({ ...sound, dns: '10.0.0.7:53' }), [warning]);
  t.strictSame(warnings({ ...sound, dns: '127.0.0.1:7953' }), []);
  t.doesNotThrow(() => validate({ ...sound, dns: '127.0.0.1:53', dnsUpstream: ['10.0.0.2:53'] }));
  t.end();
});

test('an API beyond loopback is a warning', (t) => {
  t.strictSame(warnings({ ...sound, grpc: ['10.0.0.7:7948', 'unix:/s'], http: '0.0.0.0:7949' }), [
    'the API at 10.0.0.7:7948: anyone who reaches it can register and read everything',
    'the API at 0.0.0.0:7949: anyone who reaches it can register and read everything',
  ]);
  t.end();
});

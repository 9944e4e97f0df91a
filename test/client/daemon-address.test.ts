import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { test } from 'tap';
import { dataDirectory, findDaemon } from '../../src/client/daemon-address.ts';

function runFile(grpc: unknown): string {
  return JSON.stringify({ pid: 1, peerId: 'p', name: 'n', cluster: 'default', grpc });
}

test('the address option goes before everything else', async (t) => {
  const found = findDaemon({ address: '10.0.0.7:7000', env: { DISCO_ADDR: '10.0.0.8:7000' } });
  t.equal(found.address, '10.0.0.7:7000');
});

test('DISCO_ADDR goes before the run file', async (t) => {
  const dataDir = t.testdir({ 'daemon.json': runFile(['127.0.0.1:7948']) });
  const found = findDaemon({ dataDir, env: { DISCO_ADDR: '[::1]:7000' } });
  t.strictSame(found, { address: '[::1]:7000', source: 'from DISCO_ADDR' });
});

test('the run file is asked next, and its socket is preferred', async (t) => {
  const dataDir = t.testdir({ 'daemon.json': runFile(['127.0.0.1:7948', 'unix:/run/d.sock']) });
  const source = `from ${join(dataDir, 'daemon.json')}`;
  t.strictSame(findDaemon({ dataDir, env: {} }), { address: 'unix:/run/d.sock', source });
  t.equal(findDaemon({ env: { DISCO_DATA_DIR: dataDir } }).address, 'unix:/run/d.sock');
});

test('without a socket the first address of the run file is taken', async (t) => {
  const dataDir = t.testdir({ 'daemon.json': runFile(['127.0.0.1:4711']) });
  t.equal(findDaemon({ dataDir, env: {} }).address, '127.0.0.1:4711');
});

test('without a run file it is the default port, and the source says why', async (t) => {
  const dataDir = t.testdir({});
  const found = findDaemon({ env: { DISCO_ADDR: '', DISCO_DATA_DIR: dataDir } });
  t.equal(found.address, '127.0.0.1:7948');
  t.equal(found.source, `the default, as there is no ${join(dataDir, 'daemon.json')}`);
});

test('whoever names a data dir gets its socket, never another daemon at the usual port', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'disco-'));
  t.teardown(() => rm(dataDir, { recursive: true }));
  const found = findDaemon({ dataDir, env: {} });
  t.equal(found.address, `unix:${join(dataDir, 'disco.sock')}`);
  t.match(found.source, /as there is no .*daemon\.json/);
});

test('a damaged run file is no reason to fail, but is told', async (t) => {
  const cut = t.testdir({ 'daemon.json': '{"grpc": [' });
  t.match(findDaemon({ env: { DISCO_DATA_DIR: cut } }), {
    address: '127.0.0.1:7948',
    source: /daemon\.json is unreadable/,
  });
  for (const content of ['null', '7', '{}', '{"grpc": "x"}', '{"grpc": [7]}']) {
    const dataDir = t.testdir({ 'daemon.json': content });
    t.match(findDaemon({ dataDir, env: {} }).source, /lists no gRPC address/, content);
  }
});

test('the data directory follows XDG_STATE_HOME, else the home directory', async (t) => {
  t.equal(dataDirectory(undefined, { XDG_STATE_HOME: '/var/state' }), '/var/state/disco');
  t.equal(dataDirectory(undefined, {}), join(homedir(), '.local/state/disco'));
  t.equal(dataDirectory('/a', { DISCO_DATA_DIR: '/b' }), '/a');
  t.equal(dataDirectory(undefined, { DISCO_DATA_DIR: '/b' }), '/b');
});

test('good addresses become grpc-js targets', async (t) => {
  const good = {
    'unix:/run/disco.sock': 'unix:/run/disco.sock',
    'unix:///run/disco.sock': 'unix:/run/disco.sock',
    'localhost:1': 'localhost:1',
    ' seed-1.example.org:65535 ': 'seed-1.example.org:65535',
    '[2001:db8::1]:7948': '[2001:db8::1]:7948',
  };
  for (const [address, target] of Object.entries(good)) {
    t.equal(findDaemon({ address, env: {} }).address, target, address);
  }
});

test('bad addresses are refused with what was expected', async (t) => {
  const bad = [
    '',
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    ':7948',
    '::1:7948',
    '[::1]',
    '[127.0.0.1]:7948',
    'http://127.0.0.1:7948',
    'unix:',
    'unix:relative.sock',
    'unix:/',
    'unix:/a\0b',
  ];
  for (const address of bad) {
    t.throws(
      () => findDaemon({ address, env: {} }),
      {
        code: 'INVALID_ARGUMENT',
        reason: 'INVALID_ADDRESS',
        message: /^the address option: .*expected unix:\/path, host:port or \[v6\]:port/,
      },
      JSON.stringify(address),
    );
  }
});

test('a bad address names the place it came from', async (t) => {
  t.throws(() => findDaemon({ env: { DISCO_ADDR: 'nonsense' } }), { message: /^DISCO_ADDR: / });
  const dataDir = t.testdir({ 'daemon.json': runFile(['nonsense']) });
  t.throws(() => findDaemon({ dataDir, env: {} }), { message: /daemon\.json: "nonsense"/ });
});

test('a socket path that the system cannot hold is refused', async (t) => {
  t.throws(() => findDaemon({ address: `unix:/${'x'.repeat(120)}`, env: {} }), {
    reason: 'INVALID_ADDRESS',
    message: /121 bytes long, and this system allows 10\d/,
  });
});

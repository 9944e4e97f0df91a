/** What a user sees who starts a daemon that cannot start: one sentence, soon, and an exit code. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test, type Test } from 'tap';
import { Cluster, patienceMs } from './cluster.ts';
import { freePort, type Ended } from './daemon-process.ts';

const [failure, usage, refused] = [1, 2, 5];
const soonMs = 5_000;

/** Options that work; what a case gives comes behind them and wins. */
const sound = ['start', '--seeds', 'none', '--http', 'off', '--log-format', 'json'];
const places = ['--listen', '127.0.0.1:0', '--grpc', 'unix:disco.sock'];

/** Lines that are no log. */
function complaints({ stderr }: Ended): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}

async function seesFailure(t: Test, cluster: Cluster, expected: FailedStart): Promise<void> {
  const { args, code, sentence, env = {} } = expected;
  const ended = await cluster.run([...sound, ...args], { env }).ended;
  const said = complaints(ended).filter((line) => line.startsWith('disco: '));
  t.equal(said.length, 1, said.join('\n') || ended.stderr);
  t.match(said[0], sentence);
  t.equal(ended.code, code);
  t.notMatch(ended.stderr, /^\s+at /m, 'no stack trace');
  t.equal(ended.stdout, '');
  t.ok(ended.afterMs <= soonMs, `after ${Math.round(ended.afterMs)} ms`);
}

interface FailedStart {
  readonly args: readonly string[];
  readonly code: number | undefined;
  readonly sentence: RegExp;
  readonly env?: Record<string, string>;
}

/** A port that somebody else listens on until the test is over. */
async function takenPort(t: Test): Promise<number> {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return port;
}

for (const { what, flag, others } of [
  { what: 'gossip address', flag: '--listen', others: ['--grpc', 'unix:disco.sock'] },
  { what: 'gRPC address', flag: '--grpc', others: ['--listen', '127.0.0.1:0'] },
  { what: 'HTTP address', flag: '--http', others: places },
]) {
  test(`the ${what} is in use: it says which, and how to give another`, async (t) => {
    const cluster = new Cluster(t);
    const port = await takenPort(t);
    const place = ['--data-dir', cluster.path('a'), ...others];
    await seesFailure(t, cluster, {
      args: [...place, flag, `127.0.0.1:${port}`],
      code: failure,
      sentence: new RegExp(
        `^disco: the ${what} \\S*\\b${port} is in use by .*give another ${flag}`,
      ),
    });
    const { code } = await cluster.run([...sound, ...place, flag, '127.0.0.1:x']).ended;
    t.equal(code, usage, 'while one that is no address is a matter of usage');
  });
}

test('an address that this host does not have is told without a stack trace', async (t) => {
  const cluster = new Cluster(t);
  // TEST-NET-1 (RFC 5737) is nobody's.
  const args = ['--listen', '192.0.2.1:0', '--insecure-open', '--grpc', 'unix:disco.sock'];
  await seesFailure(t, cluster, {
    args: ['--data-dir', cluster.path('a'), ...args],
    code: failure,
    sentence: /^disco: cannot listen for gossip on \/ip4\/192\.0\.2\.1\/tcp\/0 .*EADDRNOTAVAIL/,
  });
});

test('listening beyond loopback needs a word of consent', async (t) => {
  const cluster = new Cluster(t);
  await seesFailure(t, cluster, {
    args: ['--data-dir', cluster.path('a'), '--listen', '0.0.0.0:0'],
    code: usage,
    sentence: /^disco: listen 0\.0\.0\.0:0 can be reached from other hosts .*--insecure-open/,
  });
});

test('a key that is none, or that others can read, is told with its path', async (t) => {
  const cluster = new Cluster(t);
  const dataDir = cluster.folder('a');
  const key = cluster.path('a', 'key');
  const args = ['--data-dir', dataDir, ...places];
  writeFileSync(key, 'no key at all', { mode: 0o600 });
  const sentence = new RegExp(`^disco: the key ${key} cannot be read .* Ed25519 .*new node$`);
  await seesFailure(t, cluster, { args, code: failure, sentence });
  chmodSync(key, 0o644);
  const advice = new RegExp(`^disco: ${key} can be used by others \\(mode 0644\\): run chmod 600`);
  await seesFailure(t, cluster, { args, code: refused, sentence: advice });
});

test('a broken seeds file is told with its line and key', async (t) => {
  const cluster = new Cluster(t);
  const file = cluster.path('seeds.json');
  const args = ['--data-dir', cluster.path('a'), ...places, '--seeds', file];
  const at = (place: string) => new RegExp(`^disco: seeds file ${file}, ${place}`);
  writeFileSync(file, '{\n "seeds": [\n  "10.0.0.1:7000",\n  5\n ]\n}');
  const wrongType = at('line 4, column 3, key seeds\\[1\\]: got 5, expected an address');
  await seesFailure(t, cluster, { args, code: usage, sentence: wrongType });
  writeFileSync(file, '{\n "seeds": ["10.0.0.1:7000"\n}');
  const broken = at("line 3, column 1: got '}', expected ',' or ']'");
  await seesFailure(t, cluster, { args, code: usage, sentence: broken });
});

test('a broken config is told with its place, a mistyped option with what was meant', async (t) => {
  const cluster = new Cluster(t);
  const file = cluster.path('disco.json');
  const args = ['--data-dir', cluster.path('a'), ...places, '--config', file];
  writeFileSync(file, '{\n "gossipIntervalMs": "soon"\n}');
  const wrongType = new RegExp(`^disco: file ${file}, line 2, .* key gossipIntervalMs: got "soon"`);
  await seesFailure(t, cluster, { args, code: usage, sentence: wrongType });
  writeFileSync(file, '{\n "gosipIntervalMs": 100\n}');
  const mistyped = /gosipIntervalMs is no option; did you mean gossipIntervalMs\?$/;
  await seesFailure(t, cluster, { args, code: usage, sentence: mistyped });
  await seesFailure(t, cluster, {
    args: ['--data-dir', cluster.path('a'), ...places],
    env: { DISCO_GOSSIP_K: 'many' },
    code: usage,
    sentence: /^disco: environment DISCO_GOSSIP_K: got "many", expected a whole number/,
  });
});

test('a data dir in use is told with the pid that holds it, one of another cluster too', async (t) => {
  const cluster = new Cluster(t);
  const node = await cluster.start('holder');
  const args = ['--data-dir', node.dataDir, ...places];
  const { pid } = node.process;
  const inUse = new RegExp(`^disco: the data dir ${node.dataDir} is in use by .* pid ${pid}: stop`);
  await seesFailure(t, cluster, { args, code: refused, sentence: inUse });
  t.ok((await node.disco.status()).ready, 'and the holder does not mind');
  await node.kill();
  await seesFailure(t, cluster, {
    args: [...args, '--cluster', 'other'],
    code: refused,
    sentence: /^disco: \S+disco\.sqlite belongs to cluster "default", not to "other"/,
  });
});

test('a data dir that cannot be made, or that others can write, is told', async (t) => {
  const cluster = new Cluster(t);
  writeFileSync(cluster.path('file'), '');
  await seesFailure(t, cluster, {
    args: ['--data-dir', cluster.path('file', 'a'), ...places],
    code: failure,
    sentence: /^disco: the data dir \S+ cannot be used \(ENOTDIR/,
  });
  mkdirSync(cluster.path('open'));
  chmodSync(cluster.path('open'), 0o777);
  await seesFailure(t, cluster, {
    args: ['--data-dir', cluster.path('open'), ...places],
    code: refused,
    sentence: /^disco: \S+ can be written by others \(mode 0?777\): run chmod go-w/,
  });
});

test('disco health --wait waits for a daemon that is still starting', async (t) => {
  const cluster = new Cluster(t);
  const node = cluster.node('late');
  const wait = ['health', '--wait', '--timeout', `${patienceMs}ms`, '--addr', node.socket];
  const early = cluster.run(wait);
  // Its notice comes when there was nothing to reach for a while.
  t.equal((await cluster.run(['health', '--addr', node.socket]).ended).code, 4);
  const dead = `127.0.0.1:${await freePort()}`;
  await node.start({ seeds: dead, args: ['--join-timeout-ms', '1500'] });
  const unready = await cluster.run(['health', '--addr', node.socket]).ended;
  const { code, stdout } = await early.ended;
  t.match({ code, stdout }, { code: 0, stdout: /^ready: nobody was reached within 1500 ms/ });
  t.ok(unready.code === 1 || unready.code === 0, `${unready.code}: ${unready.stdout}`);
});

test('disco health --wait gives up in time, with the reason', async (t) => {
  const cluster = new Cluster(t);
  const socket = `unix:${cluster.path('nobody.sock')}`;
  const wait = ['health', '--wait', '--timeout', '300ms', '--addr', socket];
  const { code, stderr } = await cluster.run(wait).ended;
  t.equal(code, 4);
  t.match(stderr, /^disco: after 300 ms: no disco daemon answers at unix:/m);
});

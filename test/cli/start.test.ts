/** `disco start`: the daemon as a process, and what keeps it from starting. */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DataDir } from '../../src/daemon/data-dir.ts';
import { disco, newFolder, Run } from './fixture.ts';

const quiet = ['--http', 'off', '--seeds', 'none', '--name', 'node-1'];

const withoutGrpc = (dataDir: string): string[] => [
  'start',
  '--data-dir',
  dataDir,
  ...quiet,
  '--listen',
  '127.0.0.1:0',
];

const startArgs = (dataDir: string, ...more: string[]): string[] => [
  ...withoutGrpc(dataDir),
  '--grpc',
  '127.0.0.1:0',
  'unix:disco.sock',
  ...more,
];

/** A daemon that answers and is ready. */
async function started(t: Test, dataDir: string, ...more: string[]): Promise<Run> {
  const run = new Run(t, startArgs(dataDir, ...more));
  const health = await disco(t, ['health', '--wait', '--data-dir', dataDir]);
  t.match(health, { code: 0 }, health.stderr);
  return run;
}

t.test('a daemon runs until SIGTERM, logs on stderr, and leaves no run file', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  const run = await started(t, dataDir);
  const runFile = join(dataDir, 'daemon.json');
  t.match(JSON.parse(fs.readFileSync(runFile, 'utf8')), {
    pid: run.child.pid,
    name: 'node-1',
    cluster: 'default',
    http: 'off',
  });
  const { code, signal, stdout, stderr } = await run.stop('SIGTERM');
  t.strictSame({ code, signal, stdout }, { code: 0, signal: null, stdout: '' });
  const messages = stderr
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  t.ok(messages.includes('started'));
  t.strictSame(messages.slice(-2), ['stopping', 'stopped']);
  t.notOk(fs.existsSync(runFile));
});

t.test('SIGHUP reads registration files again, though the system told of no change', async (t) => {
  const folder = newFolder(t);
  const dataDir = join(folder, 'data');
  const services = join(folder, 'services');
  const real = join(folder, 'real.json');
  const write = (port: number): void =>
    fs.writeFileSync(real, JSON.stringify({ group: 'math', name: 'add', ip: '10.0.0.7', port }));
  write(5001);
  fs.mkdirSync(services);
  // What a link leads to lies in another folder, which nobody watches.
  fs.symlinkSync(real, join(services, 'add.json'));
  const run = await started(t, dataDir, '--services', services);
  const watch = new Run(t, ['watch', '--data-dir', dataDir]);
  t.match(await watch.line(), '+ math/add 10.0.0.7:5001 passing');
  await watch.complained(/up to date/);
  write(5002);
  run.child.kill('SIGHUP');
  const lines = [await watch.line(), await watch.line()].sort();
  t.match(lines, [/^\+ math\/add 10\.0\.0\.7:5002 /, /^- math\/add 10\.0\.0\.7:5001 deregistered/]);
  await watch.stop();
  t.match(await run.stop('SIGTERM'), { code: 0 });
});

t.test('a folder of registration files that is not there is wrong configuration', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  const services = join(dataDir, 'gone');
  const { code, stderr } = await disco(t, startArgs(dataDir, '--services', services));
  t.equal(code, 2);
  t.match(stderr, /^disco: services .*gone cannot be read \(ENOENT.*name a folder of registration/);
  new DataDir(dataDir).close();
});

t.test('disco leave ends the daemon of a data dir', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  const run = await started(t, dataDir, '--log-level', 'error');
  t.match(await disco(t, ['leave', '--data-dir', dataDir]), { code: 0 });
  t.match(await run.ended, { code: 0, signal: null, stdout: '', stderr: '' });
});

t.test('a data dir in use, or of another cluster, is refused in one sentence', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  const run = await started(t, dataDir);
  t.match(await disco(t, startArgs(dataDir)), {
    code: 5,
    stdout: '',
    stderr: `disco: the data dir ${dataDir} is in use by the daemon with pid ${run.child.pid}: stop that one, or give another --data-dir\n`,
  });
  await run.stop('SIGTERM');
  t.match(await disco(t, startArgs(dataDir, '--cluster', 'prod')), {
    code: 5,
    stdout: '',
    stderr: `disco: ${dataDir}/disco.sqlite belongs to cluster "default", not to "prod": give another --data-dir, or --cluster default\n`,
  });
});

t.test('a port in use is a failure, told in one sentence with the flag', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  const silent = ['--log-level', 'silent'];
  const [listen, grpc, http] = await Promise.all([
    disco(t, startArgs(join(newFolder(t), 'd'), ...silent, '--listen', address)),
    disco(t, [...withoutGrpc(join(newFolder(t), 'd')), ...silent, '--grpc', address]),
    disco(t, startArgs(join(newFolder(t), 'd'), ...silent, '--http', address)),
  ]);
  const ending = (flag: string): string =>
    `is in use by another process: stop that one, or give another ${flag} (port 0 picks a free one`;
  t.match(listen, { code: 1, stdout: '' });
  t.match(listen.stderr, ending('--listen'));
  t.match(grpc, { code: 1, stdout: '' });
  t.match(grpc.stderr, `disco: the gRPC address ${address} ${ending('--grpc')})\n`);
  t.match(http, { code: 1, stdout: '' });
  t.match(http.stderr, `disco: the HTTP address ${address} ${ending('--http')}, off for none)\n`);
  for (const { stderr } of [listen, grpc, http]) t.equal(stderr.split('\n').length, 2, stderr);
});

t.test('a key or a folder that others can use is refused', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  new DataDir(dataDir).close();
  const key = join(dataDir, 'key');
  fs.writeFileSync(key, '');
  fs.chmodSync(key, 0o644);
  t.match(await disco(t, startArgs(dataDir)), {
    code: 5,
    stdout: '',
    stderr: `disco: ${key} can be used by others (mode 0644): run chmod 600 ${key}\n`,
  });
  fs.chmodSync(dataDir, 0o770);
  t.match(await disco(t, startArgs(dataDir)), {
    code: 5,
    stderr: `disco: ${dataDir} can be written by others (mode 0770): run chmod go-w ${dataDir}\n`,
  });
});

t.test('a configuration that is wrong is wrong usage, and nothing is made', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  const [value, open, seeds, flag] = await Promise.all([
    disco(t, startArgs(dataDir, '--gossip-k', 'many')),
    disco(t, startArgs(dataDir, '--listen', '0.0.0.0:0')),
    disco(t, ['start', '--data-dir', dataDir, '--seeds', '/no/such/file.json']),
    disco(t, startArgs(dataDir, '--lisen', '127.0.0.1:0')),
  ]);
  t.match(value, {
    code: 2,
    stderr: 'disco: flag --gossip-k: got "many", expected a whole number from 1 to 16\n',
  });
  t.match(open, {
    code: 2,
    stderr: /^disco: listen 0\.0\.0\.0:0 can be reached from other hosts /,
  });
  t.match(seeds, {
    code: 2,
    stderr: /^disco: flag --seeds: seeds file \/no\/such\/file\.json cann/,
  });
  t.match(flag, { code: 2, stderr: "error: unknown option '--lisen'\n(Did you mean --listen?)\n" });
  t.notOk(fs.existsSync(dataDir));
});

t.test('--print-config shows what would hold and where it stood, and starts nothing', async (t) => {
  const folder = newFolder(t);
  const file = join(folder, 'disco.json');
  fs.writeFileSync(file, JSON.stringify({ cluster: 'prod', gossipK: 5, name: 'from-file' }));
  const env = { DISCO_GOSSIP_K: '4', DISCO_NAME: 'from-env', DISCO_CONFIG: file };
  const args = ['start', '--name', 'from-flag', '--print-config'];
  const [table, json, ndjson, before] = await Promise.all([
    disco(t, args, { env, cwd: folder }),
    disco(t, [...args, '-o', 'json'], { env, cwd: folder }),
    disco(t, [...args, '-o', 'ndjson'], { env, cwd: folder }),
    disco(t, ['--data-dir', '/elsewhere', '-o', 'json', ...args], { env, cwd: folder }),
  ]);
  t.match(table, { code: 0, stderr: '' });
  t.match(table.stdout, /^name +from-flag +flag --name$/m);
  t.match(table.stdout, /^gossipK +4 +environment DISCO_GOSSIP_K$/m);
  t.match(table.stdout, new RegExp(`^cluster +prod +file ${file}$`, 'm'));
  t.match(table.stdout, /^http +127\.0\.0\.1:\d+ +default$/m);
  const shown = JSON.parse(json.stdout) as object;
  t.match(shown, {
    name: { value: 'from-flag', source: 'flag --name' },
    gossipK: { value: 4, source: 'environment DISCO_GOSSIP_K' },
    cluster: { value: 'prod', source: `file ${file}` },
    seeds: { value: 'none', source: 'default' },
  });
  t.equal(ndjson.stdout, `${JSON.stringify(shown)}\n`, 'a line');
  t.match(JSON.parse(before.stdout), {
    dataDir: { value: '/elsewhere', source: 'flag --data-dir' },
  });
});

t.test('the usual help leaves out what few need, and names the rest', async (t) => {
  const { stdout } = await disco(t, ['start', '--help']);
  for (const flag of ['--data-dir', '--listen', '--seeds', '--grpc', '--http', '--print-config'])
    t.match(stdout, new RegExp(`^ {2}${flag}\\b`, 'm'), flag);
  t.notMatch(stdout, '--rumor-interval-ms');
});

/** get, list, status: what people and what programs are shown. */
import { spawn } from 'node:child_process';
import t from 'tap';
import { instanceTable, readService } from '../../src/cli/read.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { makeCheck } from '../contract/store-contract.ts';
import type { Node } from '../api/fixture.ts';
import { cleanEnv, program, Run, serveApi } from './fixture.ts';

const owner = signerOf(2).owner;
const add = { group: 'math', name: 'add', ip: '127.0.0.1' };

/** An instance as a program gets it. */
const shown = (node: Node, port: number, change: object = {}) => ({
  ...add,
  port,
  instanceId: `127.0.0.1:${port}`,
  owner: node.self,
  node: 'node-1',
  health: 'passing',
  lastUpdate: Number,
  metadata: {},
  tags: [],
  version: '',
  ttlMs: 0,
  conflict: false,
  held: false,
  weight: 100,
  zone: '',
  endpoints: [],
  ownerState: 'alive',
  ...change,
});

const anAge = (text: string): string =>
  text.replace(/(?<= )\d+[smhd]\b( ago)?/g, 'AGE').replace(/ +/g, ' ');
const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

t.test('get: one instance as a row, a document or a line', async (t) => {
  const { run, node } = await serveApi(t);
  await node.service.register({ ...add, port: 5001, tags: ['blue'], version: '2' });
  const [table, json, ndjson, before] = await Promise.all([
    run('get', 'math/add'),
    run('get', 'math', 'add', '--output', 'json'),
    run('get', 'math/add', '-o', 'ndjson'),
    run('--output', 'json', 'get', 'math/add'),
  ]);
  const row = 'math/add 127.0.0.1:5001 passing node-1 AGE version=2 blue';
  t.equal(anAge(table.stdout), `SERVICE ADDRESS HEALTH NODE UPDATED NOTES\n${row}\n`);
  const instance = {
    ...shown(node, 5001, { tags: ['blue'], version: '2' }),
    candidates: 1,
    partial: false,
    isolated: false,
    sinceReconcileMs: 250,
    stale: false,
  };
  t.match(JSON.parse(json.stdout), instance);
  t.strictSame(Object.keys(JSON.parse(json.stdout) as object), Object.keys(instance));
  t.match(linesOf(ndjson.stdout), [instance]);
  t.equal(before.stdout, json.stdout, 'the option may stand before the verb');
  t.strictSame(
    [table, json, ndjson, before].map(({ code }) => code),
    [0, 0, 0, 0],
  );
});

t.test('list: rows, one document, or a line for each instance', async (t) => {
  const { run, node } = await serveApi(t);
  for (const port of [5001, 5002]) await node.service.register({ ...add, port });
  node.hear(2, [
    makeSealed({ owner, group: 'shop', name: 'cart', health: 'critical', tags: ['a b'] }),
  ]);
  const [table, json, ndjson, before, group] = await Promise.all([
    run('list'),
    run('list', '-o', 'json'),
    run('list', '--output', 'ndjson'),
    run('-o', 'ndjson', 'list'),
    run('list', '--group', 'shop', '-o', 'ndjson'),
  ]);
  t.equal(
    anAge(table.stdout),
    [
      'SERVICE ADDRESS HEALTH NODE UPDATED NOTES',
      'math/add 127.0.0.1:5001 passing node-1 AGE',
      'math/add 127.0.0.1:5002 passing node-1 AGE',
      'shop/cart 10.0.0.7:8080 critical node-2 AGE id=cart-1 version=1.2.3 a b zone=a',
      '',
    ].join('\n'),
  );
  t.equal(table.stderr, '');
  const whole = JSON.parse(json.stdout) as { instances: object[] };
  t.strictSame(Object.keys(whole), [
    'instances',
    'partial',
    'sinceReconcileMs',
    'isolated',
    'stale',
    'holding',
  ]);
  t.match(whole, { partial: false, sinceReconcileMs: 250, isolated: false, holding: [] });
  t.match(whole.instances, [shown(node, 5001), shown(node, 5002), { group: 'shop' }]);
  t.strictSame(linesOf(ndjson.stdout), whole.instances, 'the same instances, a line each');
  t.equal(before.stdout, ndjson.stdout);
  t.match(linesOf(group.stdout), [{ group: 'shop', health: 'critical' }]);
});

t.test('list: filters by name, health, tags, metadata and version', async (t) => {
  const { run, node } = await serveApi(t);
  await node.service.register({
    ...add,
    port: 5001,
    tags: ['blue', 'eu'],
    metadata: { zone: 'a', rack: '7' },
    version: '1',
  });
  await node.service.register({ ...add, port: 5002, tags: ['blue'], version: '2' });
  node.hear(2, [makeSealed({ owner, ...add, port: 5003, health: 'warning', tags: [] })]);
  const ports = async (...flags: string[]): Promise<number[]> => {
    const { stdout } = await run('list', '-o', 'json', ...flags);
    const { instances } = JSON.parse(stdout) as { instances: { port: number }[] };
    return instances.map(({ port }) => port);
  };
  const [name, health, tag, tags, meta, version, nobody] = await Promise.all([
    ports('--name', 'add'),
    ports('--health', 'warning'),
    ports('--tag', 'blue'),
    ports('--tag', 'blue', '--tag', 'eu'),
    ports('--meta', 'zone=a', '--meta', 'rack=7'),
    ports('--version', '2'),
    ports('--group', 'nobody'),
  ]);
  t.strictSame(
    { name, health, tag, tags, meta, version, nobody },
    {
      name: [5001, 5002, 5003],
      health: [5003],
      tag: [5001, 5002],
      tags: [5001],
      meta: [5001],
      version: [5002],
      nobody: [],
    },
  );
  t.match(await run('list', '--health', 'well'), {
    code: 2,
    stderr: 'disco: --health well: write one of passing, warning, critical, maintenance\n',
  });
});

t.test('list: an empty one is 0, with an empty stdout or an empty document', async (t) => {
  const { run, node } = await serveApi(t);
  node.control.partial = true;
  node.control.reconciledMs = undefined;
  const [table, json, ndjson] = await Promise.all([
    run('list'),
    run('list', '-o', 'json'),
    run('list', '-o', 'ndjson'),
  ]);
  const partial = 'disco: partial: this node has not yet heard from any other\n';
  t.match(table, { code: 0, stdout: '' });
  t.equal(table.stderr, `${partial}disco: no instances\n`);
  t.strictSame(JSON.parse(json.stdout), {
    instances: [],
    partial: true,
    isolated: false,
    stale: false,
    holding: [],
  });
  t.match(ndjson, { code: 0, stdout: '' });
  t.equal(ndjson.stderr, partial);
});

t.test('list --watch: the list again at each change, until interrupted', async (t) => {
  const { address, node } = await serveApi(t);
  const run = new Run(t, ['list', '--watch', '--name', 'add'], { env: { DISCO_ADDR: address } });
  await run.complained(/disco: no instances\n/);
  await node.service.register({ ...add, port: 5001 });
  t.equal(await run.line(), '');
  t.match(await run.line(), /^SERVICE /);
  t.match(await run.line(), /^math\/add +127\.0\.0\.1:5001 /);
  await node.service.register({ ...add, group: 'other', name: 'sub', port: 5002 });
  await node.service.register({ ...add, port: 5003 });
  t.equal(await run.line(), '', 'what is not asked for prints nothing');
  await run.line();
  t.match(await run.line(), /^math\/add +127\.0\.0\.1:5001 /);
  t.match(await run.line(), /^math\/add +127\.0\.0\.1:5003 /);
  t.match(await run.stop(), { code: 0, signal: null });
});

t.test('list --watch for programs: a line or a document for each list', async (t) => {
  const { address, node } = await serveApi(t);
  const env = { DISCO_ADDR: address };
  const run = new Run(t, ['list', '--watch', '-o', 'ndjson'], { env });
  t.strictSame(JSON.parse(await run.line()), {
    instances: [],
    partial: false,
    isolated: false,
    stale: false,
    holding: [],
    sinceReconcileMs: 250,
  });
  await node.service.register({ ...add, port: 5001 });
  t.match(JSON.parse(await run.line()), { instances: [{ port: 5001 }] });
  t.match(await run.stop('SIGTERM'), { code: 0, stderr: '' });
});

t.test('list --watch outlives its daemon, and says so', async (t) => {
  const { address, server } = await serveApi(t);
  const run = new Run(t, ['list', '--watch'], { env: { DISCO_ADDR: address } });
  await run.complained(/disco: no instances\n/);
  await server.stop(0);
  const told = await run.complained(/stopping|no disco daemon answers/);
  t.match(told, /^disco: this daemon is stopping: resume with the last cursor once it is back$/m);
  t.match(await run.stop(), { code: 0, stdout: '' });
});

t.test('status: a sheet for people, every field for programs', async (t) => {
  const { run, node } = await serveApi(t);
  node.control.counters = { exchanges: 3 };
  node.control.reconciledMs = undefined;
  await node.service.register({ ...add, port: 5001 });
  const [table, json, ndjson] = await Promise.all([
    run('status'),
    run('status', '-o', 'json'),
    run('status', '-o', 'ndjson'),
  ]);
  t.equal(
    anAge(table.stdout),
    [
      `node node-1 (${node.self})`,
      'cluster test',
      'version 0.1.0, pid 4711',
      'up AGE',
      'ready yes: reconciled with a peer',
      `gossip ${node.control.description.listen[0]}`,
      `advertised ${node.control.description.advertise[0]}`,
      `grpc ${node.control.description.grpc.join(', ')}`,
      `http ${node.control.description.http}`,
      `dns ${node.control.description.dns}`,
      'data dir /var/lib/disco',
      'members 1 alive, 0 dead, 0 linked',
      'instances 1 known, 1 registered here',
      'files 0 in /var/lib/disco/services.d, 0 instances, 0 refused',
      'revision 2',
      'reconciled never',
      'refused nothing',
      'counted exchanges=3',
      '',
    ].join('\n'),
  );
  t.match(JSON.parse(json.stdout), {
    peerId: node.self,
    ready: true,
    readiness: 'reconciled with a peer',
    dataDir: '/var/lib/disco',
    membersAlive: 1,
    instances: 1,
    instancesOwn: 1,
    refused: {},
    counted: { exchanges: 3 },
  });
  t.strictSame(linesOf(ndjson.stdout), [JSON.parse(json.stdout)]);
});

t.test('status: where the host is, when somebody said so', async (t) => {
  const { run, node } = await serveApi(t);
  node.control.description = { ...node.control.description, zone: 'eu-1' };
  const [{ stdout }, json] = await Promise.all([run('status'), run('status', '-o', 'json')]);
  t.match(stdout, /^cluster +test\nzone +eu-1$/m);
  t.match(JSON.parse(json.stdout), { zone: 'eu-1', logLevels: { gossip: 'info' } });
});

t.test('status: which registration files are refused, and why', async (t) => {
  const { run, node } = await serveApi(t);
  const bad = Array.from({ length: 101 }, (_, index) => ({ file: `f${index}`, problem: 'no' }));
  node.control.files = { ...node.control.files, files: 103, instances: 2, problem: 'full', bad };
  const [{ stdout }, json] = await Promise.all([run('status'), run('status', '-o', 'json')]);
  t.match(stdout, '103 in /var/lib/disco/services.d, 2 instances, 101 refused');
  t.match(stdout, /^files +full$/m);
  t.match(stdout, /^bad file +f0: no$/m);
  t.match(stdout, /^bad file +f99: no\nbad file +1 more$/m);
  const { serviceFiles } = JSON.parse(json.stdout) as { serviceFiles: { bad: object[] } };
  t.match(serviceFiles, { files: 103, instances: 2, problem: 'full', filesBad: bad.length });
  t.strictSame(serviceFiles.bad, bad.slice(0, 100));
});

t.test('a reader that has had enough is no failure: disco list | head -1', async (t) => {
  const { address, node } = await serveApi(t);
  const metadata = { note: 'x'.repeat(1_000) };
  const ports = Array.from({ length: 500 }, (_, index) => 6_000 + index);
  await Promise.all(ports.map((port) => node.service.register({ ...add, port, metadata })));
  for (const form of ['table', 'json', 'ndjson']) {
    const shell = '{ "$0" "$1" list -o "$2"; echo "exit $?" >&2; } | head -1';
    const child = spawn('sh', ['-c', shell, process.execPath, program, form], {
      env: cleanEnv({ DISCO_ADDR: address }),
    });
    const [stdout, stderr] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
    t.equal(stdout.join('').trimEnd().split('\n').length, 1, form);
    t.equal(stderr.join(''), 'exit 0\n', form);
  }
});

t.test('a stderr that nobody reads changes no exit code', async (t) => {
  const { address } = await serveApi(t);
  const run = new Run(t, ['get', 'math/add'], { env: { DISCO_ADDR: address } });
  run.child.stderr.destroy();
  t.match(await run.ended, { code: 3, signal: null });
});

t.test('a service is named GROUP/NAME or GROUP NAME', (t) => {
  t.strictSame(readService('math/add', undefined), ['math', 'add']);
  t.strictSame(readService('math', 'add'), ['math', 'add']);
  for (const text of ['math', 'a/b/c', ''])
    t.throws(() => readService(text, undefined), {
      exitCode: 2,
      message: `"${text}" names no service: write GROUP/NAME`,
    });
  t.end();
});

t.test('what another node wrote cannot break the rows', (t) => {
  const instance = {
    ...add,
    port: 5001,
    instanceId: 'a',
    owner,
    node: 'x\nmath/add  evil',
    health: 'passing' as const,
    lastUpdate: 0,
    metadata: { k: '\u001b[2J' },
    tags: ['\u202e'],
    version: '',
    ttlMs: 0,
    conflict: true,
    held: true,
    weight: 7,
    zone: 'eu-1',
    endpoints: [
      { name: 'metrics', ip: '127.0.0.1', port: 9_100 },
      { name: 'admin', ip: '::1', port: 9_101 },
    ],
    ownerState: 'suspect' as const,
    maintenance: { reason: '\u001b[1m"so"', health: 'critical' as const },
  };
  const lines = instanceTable([instance]).split('\n');
  t.equal(lines.length, 2);
  t.match(lines[1], 'x\ufffdmath/add  evil');
  const fields = 'zone=eu-1 weight=7 metrics=9100 admin=[::1]:9101';
  t.match(lines[1], `id=a ${fields} \ufffd k=\ufffd[2J CONFLICT HELD SUSPECT`);
  t.match(lines[1], 'SUSPECT maintenance="\\u001b[1m\\"so\\"", else critical');
  t.end();
});

t.test('list: what fails is among the notes, and --checks shows every check', async (t) => {
  const { run, node } = await serveApi(t);
  await node.service.register({ ...add, port: 5001 });
  const before = await run('list', '--checks');
  t.strictSame([before.code, before.stdout], [0, '']);
  t.match(before.stderr, /^disco: no checks here: each is run by the daemon that its instance /);
  const time = node.clock.now().wallMicros;
  const results = [{ time, durationMs: 12, hasPassed: false, output: '503 Service Unavailable' }];
  const check = makeCheck({ kind: 'http', path: '/healthz' });
  node.control.reported = { 'math/add/127.0.0.1:5001': [{ check, health: 'warning', results }] };
  const [list, checks, json] = await Promise.all([
    run('list'),
    run('list', '--checks'),
    run('list', '-o', 'ndjson'),
  ]);
  t.match(list.stdout, /check http:\/healthz: 503 Service Unavailable\n$/);
  const row =
    'math/add 127.0.0.1:5001 http:/healthz warning AGE AGE 12.0ms 503 Service Unavailable';
  t.equal(anAge(checks.stdout), `SERVICE ADDRESS CHECK HEALTH EVERY LAST TOOK OUTPUT\n${row}\n`);
  t.match(linesOf(json.stdout), [
    { checks: [{ check: { kind: 'http' }, health: 'warning', results: [{ passed: false }] }] },
  ]);
});

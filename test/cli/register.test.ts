/** register and deregister, and register for the length of a command. */
import { once } from 'node:events';
import t from 'tap';
import { GrpcIdentity } from '../../src/client/grpc-identity.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { disco, Run, serveApi } from './fixture.ts';

const nodeJs = process.execPath;
const here = ['register', 'math', 'add', '--port', '5001'];

t.test('register: a sentence, a document or a line, and the options that were given', async (t) => {
  const { run, node } = await serveApi(t);
  const table = await run(...here);
  t.strictSame(table, {
    code: 0,
    signal: null,
    stdout: 'registered math/add at 127.0.0.1:5001\n',
    stderr: '',
  });
  const options = ['--ip', '10.0.0.5', '--id', 'one', '--tag', 'blue', '--tag', 'region=eu'];
  const fields = ['--weight', '7', '--zone', 'eu-1', '--endpoint', 'metrics=9100'];
  const ports = [...fields, '--endpoint', 'admin=[::1]:9101'];
  const more = ['--meta', 'zone=a', '--meta', 'k=x=y', '--version', '2', '--ttl', '30s'];
  const json = await run(
    ...here,
    ...options,
    ...ports,
    ...more,
    '--deregister-after',
    '1m',
    '-o',
    'json',
  );
  const answer = {
    group: 'math',
    name: 'add',
    ip: '10.0.0.5',
    port: 5001,
    instanceId: 'one',
    conflict: false,
  };
  t.strictSame(JSON.parse(json.stdout), answer);
  t.match(node.registry.registration('math/add/one'), {
    ip: '10.0.0.5',
    tags: ['blue', 'region=eu'],
    metadata: { zone: 'a', k: 'x=y' },
    version: '2',
    weight: 7,
    zone: 'eu-1',
    endpoints: [
      { name: 'metrics', port: 9_100, ip: '' },
      { name: 'admin', port: 9_101, ip: '::1' },
    ],
    ttlMs: 30_000,
    deregisterAfterMs: 60_000,
  });
  const ndjson = await run('-o', 'ndjson', ...here, '--ip', '10.0.0.5', '--id', 'one');
  t.equal(ndjson.stdout, `${JSON.stringify(answer)}\n`);
});

t.test('options may stand before the group: each takes one value', async (t) => {
  const { run, node } = await serveApi(t);
  const { code } = await run('register', '--tag', 'blue', '--meta', 'a=b', 'math', 'add');
  t.equal(code, 0);
  t.match(node.registry.index.list('math', 'add'), [
    { record: { tags: ['blue'], metadata: { a: 'b' } } },
  ]);
});

t.test('without a port the daemon picks one, and it is told', async (t) => {
  const { run, node } = await serveApi(t);
  const { stdout } = await run('register', 'math', 'add', '-o', 'json');
  const { port } = JSON.parse(stdout) as { port: number };
  t.ok(port > 0);
  t.match(node.registry.index.list('math', 'add'), [{ record: { port } }]);
});

t.test('a conflict is told on stderr, and in the document', async (t) => {
  const { run, node } = await serveApi(t);
  const { owner } = signerOf(2);
  const record = { owner, group: 'math', name: 'add', ip: '127.0.0.1', port: 5001 };
  node.hear(2, [makeSealed(record)]);
  const { code, stdout, stderr } = await run(...here, '-o', 'json');
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { conflict: true });
  t.equal(stderr, 'disco: another node has registered the same service at the same address\n');
});

t.test('wrong values are told before anything is asked of the daemon', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/s' };
  const rows = [
    [['--port', '0'], '--port 0: write a port from 1 to 65535, or leave it out'],
    [['--port', '-1'], '--port -1: write a port from 1 to 65535, or leave it out'],
    [['--ttl', 'soon'], '"soon" is no duration: write 500ms, 30s, 5m or 1h'],
    [['--meta', 'zone'], '--meta zone: write --meta key=value'],
    [['--weight', '0'], '--weight 0: write 1 to 65535, or leave it out for 100'],
    [
      ['--endpoint', 'metrics'],
      '--endpoint metrics: write NAME=PORT or NAME=IP:PORT, with a port from 1 to 65535',
    ],
    [
      ['--endpoint', 'metrics=65536'],
      '--endpoint metrics=65536: write NAME=PORT or NAME=IP:PORT, with a port from 1 to 65535',
    ],
  ] as const;
  const ends = await Promise.all(
    rows.map(([flags]) => disco(t, ['register', 'math', 'add', ...flags], { env })),
  );
  for (const [index, [, sentence]] of rows.entries())
    t.match(ends[index], { code: 2, stdout: '', stderr: `disco: ${sentence}\n` });
});

t.test('what only the daemon knows to be wrong is passed on in its words', async (t) => {
  const { run } = await serveApi(t);
  const [port, proto] = await Promise.all([
    run('register', 'math', 'add', '--port', '65536'),
    run('register', 'math', 'add', '--meta', '__proto__=x'),
  ]);
  t.match(port, {
    code: 2,
    stderr:
      'disco: port is 65536: ports are 1 to 65535; leave ip and port out to be given a free one\n',
  });
  t.match(proto, { code: 2, stderr: /^disco: a metadata key is "__proto__": names are/ });
});

t.test('deregister: by service, or by id where there are several', async (t) => {
  const { run, node } = await serveApi(t);
  for (const port of [5001, 5002, 5003])
    await node.service.register({ group: 'math', name: 'add', port });
  const several = await run('deregister', 'math/add');
  t.match(several, {
    code: 2,
    stdout: '',
    stderr:
      'disco: math/add has 3 instances here (127.0.0.1:5001, 127.0.0.1:5002, 127.0.0.1:5003): give the instance_id of one (disco deregister --id)\n',
  });
  const table = await run('deregister', 'math/add', '--id', '127.0.0.1:5001');
  t.strictSame(table.stdout, 'deregistered math/add/127.0.0.1:5001\n');
  const json = await run('deregister', 'math', 'add', '--id', '127.0.0.1:5002', '-o', 'json');
  t.strictSame(JSON.parse(json.stdout), {
    group: 'math',
    name: 'add',
    instanceId: '127.0.0.1:5002',
  });
  const ndjson = await run('-o', 'ndjson', 'deregister', 'math/add');
  t.equal(ndjson.stdout, '{"group":"math","name":"add","instanceId":"127.0.0.1:5003"}\n');
  t.equal(node.registry.index.count, 0);
});

t.test('a command finds its HOST and PORT, has stdout to itself, and is registered', async (t) => {
  const { address, node } = await serveApi(t);
  const script = 'console.log(process.env.HOST, process.env.PORT); process.stdin.resume()';
  const args = ['register', 'math', 'add', '--tag', 'blue', '--', nodeJs, '-e', script, '--', '-x'];
  const run = new Run(t, args, { env: { DISCO_ADDR: address } });
  const [host, port] = (await run.line()).split(' ');
  t.match(node.registry.index.list('math', 'add'), [
    { record: { ip: host, port: Number(port), tags: ['blue'], health: 'passing' } },
  ]);
  t.equal(node.registry.index.list()[0]?.record.ttlMs, 10_000, 'with a lease that ends by itself');
  const ended = await run.ended;
  t.match(ended, { code: 0, stdout: `${host} ${port}\n` });
  t.equal(ended.stderr, `disco: registered math/add at ${host}:${port}\n`);
  t.equal(node.registry.index.count, 0, 'deregistered when it ended');
});

t.test('the exit code is that of the command, and it is deregistered', async (t) => {
  const { run, node } = await serveApi(t);
  const [seven, killed, interrupted] = await Promise.all([
    run(...here, '--', 'sh', '-c', 'exit 7'),
    run('register', 'math', 'sub', '--', 'sh', '-c', 'kill -9 $$'),
    run('register', 'math', 'mul', '--', 'sh', '-c', 'kill -INT $$'),
  ]);
  t.equal(seven.code, 7);
  t.equal(killed.code, 128 + 9);
  t.equal(interrupted.code, 128 + 2);
  t.equal(node.registry.index.count, 0);
});

t.test('a signal to the program ends the command, then the registration', async (t) => {
  const { address, node } = await serveApi(t);
  const script = 'console.log(process.pid); setInterval(() => {}, 60_000)';
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const run = new Run(t, [...here, '--', nodeJs, '-e', script], { env: { DISCO_ADDR: address } });
    const pid = Number(await run.line());
    t.equal(node.registry.index.count, 1);
    t.match(await run.stop(signal), { code, signal: null });
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the command is gone');
    t.equal(node.registry.index.count, 0);
  }
});

t.test('a command that takes its time to end is waited for', async (t) => {
  const { address, node } = await serveApi(t);
  const script =
    'process.on("SIGTERM", () => { console.log("ending"); process.stdin.on("end", () => process.exit(3)).resume(); }); console.log("up"); setInterval(() => {}, 60_000)';
  const run = new Run(t, [...here, '--', nodeJs, '-e', script], { env: { DISCO_ADDR: address } });
  await run.line();
  run.child.kill('SIGTERM');
  t.equal(await run.line(), 'ending');
  t.match(await run.ended, { code: 3 });
  t.equal(node.registry.index.count, 0);
});

t.test('a lease of one’s own choice is kept, and ends by itself all the same', async (t) => {
  const { address, node } = await serveApi(t);
  const args = [...here, '--ttl', '5s', '--', 'cat'];
  const registered = once(node.followers, 'registered');
  node.registry.feed.follow(() => node.followers.emit('registered'));
  const run = new Run(t, args, { env: { DISCO_ADDR: address } });
  await registered;
  t.match(node.registry.registration('math/add/127.0.0.1:5001'), {
    ttlMs: 5_000,
    deregisterAfterMs: 60_000,
  });
  await run.ended;
});

t.test('a command that is not there is a failure, and leaves nothing registered', async (t) => {
  const { run, node } = await serveApi(t);
  t.match(await run(...here, '--', '/no/such/program'), {
    code: 1,
    stdout: '',
    stderr: /^disco: cannot run \/no\/such\/program \(spawn .*ENOENT\): give a program after --$/m,
  });
  t.equal(node.registry.index.count, 0);
});

t.test('without a daemon the command is not run', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/s' };
  const { code, stdout } = await disco(t, [...here, '--', 'echo', 'ran'], { env });
  t.strictSame({ code, stdout }, { code: 4, stdout: '' });
});

t.test('checks are registered with it, also for the length of a command', async (t) => {
  const { run, node } = await serveApi(t);
  const flags = ['--check', 'tcp', '--check', 'http:/healthz', '--check-interval', '5s'];
  const plain = await run(...here, ...flags, '--deregister-after', '1h');
  t.equal(plain.code, 0, plain.stderr);
  t.match(node.registry.registration('math/add/127.0.0.1:5001'), {
    deregisterAfterMs: 3_600_000,
    checks: [
      { kind: 'tcp', intervalMs: 5_000, timeoutMs: 5_000 },
      { kind: 'http', path: '/healthz', intervalMs: 5_000 },
    ],
  });
  const print = 'console.log(process.env.PORT)';
  const commits = node.store.commits.length;
  const ended = await run('register', 'math', 'sub', ...flags, '--', nodeJs, '-e', print);
  t.equal(ended.code, 0, ended.stderr);
  const registrations = node.store.commits
    .slice(commits)
    .flatMap((batch) => [...(batch.registrations ?? [])]);
  t.match(registrations, [{ name: 'sub', checks: [{ kind: 'tcp' }, { kind: 'http' }] }]);
});

t.test('what the daemon refuses of a check is told with its place', async (t) => {
  const { run } = await serveApi(t);
  const timeout = ['--check-interval', '1s', '--check-timeout', '2s'];
  const { code, stderr } = await run(...here, '--check', 'tcp', ...timeout);
  t.equal(code, 2);
  t.match(stderr, /^disco: checks\[0\]\.timeout_ms is 2000 and interval_ms is 1000: /);
});

t.test('a check for an identity goes by the key that was given', async (t) => {
  const { run, node } = await serveApi(t);
  const check = ['--check', 'identity:/proof'];
  const without = await run(...here, ...check);
  t.equal(without.code, 2);
  t.match(without.stderr, /^disco: --check identity: give the public key/);
  const key = Buffer.alloc(32, 7).toString('base64url');
  const { code, stderr } = await run(...here, ...check, '--identity-key', key);
  t.equal(code, 0, stderr);
  const checks = [{ kind: 'identity', path: '/proof' }];
  t.match(node.registry.registration('math/add/127.0.0.1:5001'), { identityKey: key, checks });
});

t.test('a command is given the key and the instance that it is to answer for', async (t) => {
  const { run, node } = await serveApi(t);
  const print = 'console.log(process.env.DISCO_IDENTITY)';
  const args = [...here, '--check', 'identity', '--', nodeJs, '-e', print];
  const { code, stdout, stderr } = await run(...args);
  t.equal(code, 0, stderr);
  const [registration] = node.store.commits.flatMap((batch) => [...(batch.registrations ?? [])]);
  t.match(registration, { checks: [{ kind: 'identity', path: '' }] });
  const identity = new GrpcIdentity({ handover: stdout.trim() });
  t.equal(Buffer.from(identity.publicKey).toString('base64url'), registration?.identityKey);
  const instance = 'math/add/127.0.0.1:5001';
  const answer = await identity.answer({ nonce: new Uint8Array(32), owner: node.self, instance });
  t.equal(answer.kind, 'signed');
});

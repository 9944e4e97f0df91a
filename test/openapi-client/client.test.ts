/**
 * What /openapi.json is worth: a client is generated from it, type-checked and used, as somebody
 * does who has nothing of disco but its address.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { Http } from '../api/http-fixture.ts';

const run = promisify(execFile);
const pathIn = (name: string, path: string): string =>
  fileURLToPath(new URL(path, import.meta.resolve(`${name}/package.json`)));
const generator = pathIn('openapi-typescript', 'bin/cli.js');
const compiler = pathIn('typescript', 'bin/tsc');

/** Fails to compile when what is expected to be a mistake is none. */
const consumer = `
import createClient from 'openapi-fetch';
import type { components, paths } from './v1.d.ts';

type Health = components['schemas']['Instance']['health'];

const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' });

const registered = await client.POST('/v1/register', {
  body: { group: 'math', name: 'add', ip: '10.0.0.7', port: 5001, tags: ['blue'] },
});
const checks = [{ kind: 'tcp', intervalMs: 60_000 } as const];
await client.POST('/v1/register', {
  body: { group: 'math', name: 'add', ip: '10.0.0.7', port: 5002, checks },
});
const listed = await client.GET('/v1/services/{group}', {
  params: { path: { group: 'math' }, query: { health: ['passing', 'critical'], pageSize: 10 } },
});
const healths: Health[] = (listed.data?.instances ?? []).map(({ health }) => health);
const picked = await client.GET('/v1/services/{group}/{name}/get', {
  params: { path: { group: 'math', name: 'add' }, query: { policy: 'nearest' } },
});
const none = await client.GET('/v1/services/{group}/{name}/get', {
  params: { path: { group: 'math', name: 'none' } },
});
const status = await client.GET('/v1/status');
const ready: boolean | undefined = status.data?.ready;

export const mistakes = [
  // @ts-expect-error: a body without a name
  () => client.POST('/v1/register', { body: { group: 'math' } }),
  // @ts-expect-error: a field that there is not
  () => client.POST('/v1/leave', { body: { when: 'now' } }),
  // @ts-expect-error: a word that is no policy
  () => client.GET('/v1/services/{group}/{name}/get', { params: { path: { group: 'a', name: 'b' }, query: { policy: 'best' } } }),
  // @ts-expect-error: a path that there is not
  () => client.GET('/v1/nothing'),
];

console.log(
  JSON.stringify({
    instanceId: registered.data?.instanceId,
    healths,
    picked: picked.data?.port,
    candidates: picked.data?.candidates,
    refused: none.error?.reason,
    detail: none.error?.detail,
    ready,
  }),
);
`;

const tsconfig = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: false,
  },
  files: ['consumer.ts'],
};

t.test('a client that is generated from the document is type-checked, and works', async (t) => {
  const http = await Http.start(t);
  const { bytes } = await http.whole('/openapi.json');
  const folder = t.testdir({
    'openapi.json': bytes,
    'package.json': '{"type": "module"}',
    'tsconfig.json': JSON.stringify(tsconfig),
    'consumer.ts': consumer,
  });
  const node = (...args: string[]) => run(process.execPath, args, { cwd: folder });
  await node(generator, 'openapi.json', '--output', 'v1.d.ts');
  const { stdout: mistakes } = await node(compiler, '--project', folder).catch(
    (error: unknown) => error as { stdout: string },
  );
  t.equal(mistakes, '');
  const { stdout } = await node(join(folder, 'consumer.ts'), http.url);
  t.strictSame(JSON.parse(stdout), {
    instanceId: '10.0.0.7:5001',
    healths: ['passing', 'critical'],
    picked: 5001,
    candidates: 1,
    refused: 'UNKNOWN_SERVICE',
    detail:
      'math/none is not known: nobody registered it, or the news has not come here yet; "disco list" shows what is known',
    ready: true,
  });
});

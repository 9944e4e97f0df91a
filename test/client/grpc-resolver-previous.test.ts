/**
 * The tests of the resolver once more, on the minor version of grpc-js before the installed one: a
 * program brings its own, and what the resolver is written against is experimental there.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { test } from 'tap';

const installed = '@grpc/grpc-js';
const previous = 'grpc-js-previous';

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === installed ? previous : specifier, context),
});

function versionOf(name: string): readonly number[] {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version.split('.').map(Number);
}

test('the tests that follow run on the minor version before the installed one', async (t) => {
  const [used, wanted] = await Promise.all([import('@grpc/grpc-js'), import('grpc-js-previous')]);
  t.equal(used.Client, wanted.Client as unknown);
  const [[major, minor = 0], before] = [versionOf(installed), versionOf(previous)];
  t.strictSame(before.slice(0, 2), [major, minor - 1]);
});

await import('./discovery-stub.test.ts');
await import('./grpc-resolver.test.ts');
await import('./grpc-resolver-rolling.test.ts');

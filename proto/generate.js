/**
 * Makes src/gen/<name>.js and .d.ts from the .proto files: `npm run generate`.
 *
 * Static modules, so that nothing is compiled at run time and the hot path has no reflection. Each
 * gets a root of its own: two modules that shared one would overwrite each other's types.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const sources = {
  discovery: 'disco/v1/discovery.proto',
  gossip: 'disco/v1/gossip.proto',
  identity: 'disco/v1/identity.proto',
  math: 'math/v1/math.proto',
};

const here = dirname(fileURLToPath(import.meta.url));
const gen = join(here, '..', 'src', 'gen');
const pbjs = fileURLToPath(import.meta.resolve('protobufjs-cli/bin/pbjs'));
// What the code does not use stays out: encode and decode are all that it calls.
const without = ['create', 'verify', 'convert', 'delimited', 'typeurl', 'service'];

await mkdir(gen, { recursive: true });
await Promise.all(
  Object.entries(sources).map(([name, file]) => {
    const shape = ['-t', 'static-module', '-w', 'esm', '--dts', '-r', `disco-${name}`];
    const less = without.map((part) => `--no-${part}`);
    const args = [...shape, ...less, '-o', join(gen, `${name}.js`), join(here, file)];
    return promisify(execFile)(process.execPath, [pbjs, ...args]);
  }),
);

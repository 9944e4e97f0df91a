import { readFileSync } from 'node:fs';
import t from 'tap';
import { version } from '../../src/daemon/version.ts';

t.test('the version is that of the package', (t) => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  t.equal(version, (JSON.parse(text) as { version: string }).version);
  t.match(version, /^\d+\.\d+\.\d+/);
  t.end();
});

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { families, restOf } from '../../src/daemon/counted-metrics.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = globSync('src/{gossip,registry}/*.ts', { cwd: root })
  .map((path) => readFileSync(`${root}/${path}`, 'utf8'))
  .join('\n');

/** Whether the code counts something by this name, spelled out or by a template. */
function isCounted(name: string): boolean {
  if (sources.includes(`'${name}'`)) return true;
  const cut = name.replace(/_[^_]+$/, '_');
  return [cut, name.replace(/_(other_peer|in_sync)$/, '_')].some((prefix) =>
    sources.includes(`\`${prefix}\${`),
  );
}

t.test('every counter of a family is one that the code counts', (t) => {
  const names = families.flatMap(({ counters }) => Object.keys(counters));
  t.ok(names.length > 40);
  t.strictSame(
    names.filter((name) => !isCounted(name)),
    [],
  );
  t.equal(isCounted('no_such_counter'), false, 'and it is noticed when it is not');
  t.end();
});

t.test('no counter is in two families, and no family has two of a label', (t) => {
  const names = families.flatMap(({ counters }) => Object.keys(counters));
  t.equal(new Set(names).size, names.length);
  for (const { name, label, counters } of families) {
    const values = Object.values(counters);
    t.equal(new Set(values).size, values.length, name);
    t.equal(label === undefined, values.length === 1 && values[0] === '', name);
  }
  t.end();
});

t.test('names follow the conventions of Prometheus', (t) => {
  for (const { name, help } of families) {
    t.match(name, /^disco_[a-z_]+_total$/);
    t.match(help, /^[A-Z].*\.$/);
  }
  t.end();
});

t.test('what is in no family is what is left', (t) => {
  const counted = { rumors_published: 3, exchanges_in_sync: 2, something_new: 1 };
  t.strictSame(restOf(counted), [['something_new', 1]]);
  t.end();
});

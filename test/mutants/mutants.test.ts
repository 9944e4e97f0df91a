/** The machinery of the sensitivity campaign, which `npm run mutants` runs whole. */
import { existsSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import t from 'tap';
import { tryKiller } from './killers.ts';
import type { Killer } from './killers.ts';
import { mutantNamed, mutants, mutate, root, sourceOf } from './mutant.ts';

const mutantsMin = 20;
const limitSeconds = 60;

t.test(`each of ${mutants.length} mutants applies to its file, which can still be read`, (t) => {
  t.ok(mutants.length >= mutantsMin);
  for (const mutant of mutants) {
    const text = sourceOf(mutant);
    const mutated = mutate(mutant, text);
    t.not(mutated, text, mutant.name);
    t.doesNotThrow(() => stripTypeScriptTypes(mutated), mutant.name);
  }
  t.end();
});

t.test('each mutant has a name of its own, and its tests exist', (t) => {
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  const tests = mutants.flatMap(({ tests }) => tests);
  t.strictSame(
    tests.filter((file) => !existsSync(`${root}/${file}`)),
    [],
  );
  t.end();
});

t.test('a mutant whose text is not found exactly once is told, not left out', (t) => {
  const mutant = mutantNamed('equal-head-replaces');
  const text = sourceOf(mutant);
  t.throws(() => mutate(mutant, ''), { message: /equal-head-replaces: its text occurs 0 times/ });
  t.throws(() => mutate(mutant, text + text), { message: /occurs 2 times in src\/record/ });
  t.throws(() => mutantNamed('nobody'), { message: /there is no mutant nobody/ });
  t.end();
});

for (const name of ['equal-head-replaces', 'data-heads-revive'])
  t.test(`${name} is killed by its test, which passes without it`, async (t) => {
    const mutant = mutantNamed(name);
    const [file = ''] = mutant.tests;
    const killer: Killer = { kind: 'test', file };
    const [sound, mutated] = await Promise.all([
      tryKiller(killer, undefined, limitSeconds),
      tryKiller(killer, mutant, limitSeconds),
    ]);
    t.equal(sound.fault, undefined);
    t.match(mutated.fault, /\w/);
    t.not(mutated.fault, `no end within ${limitSeconds} s`);
  });

t.test('a killer that does not end in time is ended, and that is a fault', async (t) => {
  const killer: Killer = { kind: 'test', file: 'test/property/merge.test.ts' };
  const { fault } = await tryKiller(killer, undefined, 0.001);
  t.equal(fault, 'no end within 0 s');
});

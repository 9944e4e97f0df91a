import { test } from 'tap';
import type { Health } from '../../src/client/instance.ts';
import { candidatesAmong, healthiest, Target } from '../../src/client/target.ts';
import { instanceOf } from './fake-source.ts';

const table: readonly [given: string, chosen: string, say: string][] = [
  ['', '', 'of nothing comes nothing'],
  ['p', 'p', 'the passing are chosen'],
  ['pwcm', 'p', 'the passing alone, when there are any'],
  ['wcmw', 'ww', 'the warning, when none passes'],
  ['cm', '', 'the critical and those in maintenance never'],
];

const healthOf: Readonly<Record<string, Health>> = {
  p: 'passing',
  w: 'warning',
  c: 'critical',
  m: 'maintenance',
};

for (const [given, chosen, say] of table) {
  test(`by health: ${say}`, (t) => {
    const found = healthiest([...given], (letter) => healthOf[letter] ?? 'critical');
    t.equal(found.join(''), chosen);
    t.end();
  });
}

/** Small letters are targets in that health, capital ones are ejected. */
function targetsFor(letters: string): Target[] {
  return [...letters].map((letter, id) => {
    const health = healthOf[letter.toLowerCase()] ?? 'critical';
    const target = new Target(instanceOf(id, { health, tags: [letter] }));
    target.ejected = letter !== letter.toLowerCase();
    return target;
  });
}

const ejections: readonly [given: string, chosen: string, say: string][] = [
  ['pPp', 'pp', 'who is ejected is left out'],
  ['Pw', 'w', 'a warning one goes before an ejected one that passes'],
  ['PPc', 'PP', 'when all are ejected, they are better than nothing'],
  ['PWc', 'P', 'and then the passing before the warning again'],
  ['cC', '', 'a critical one is never chosen'],
];

for (const [given, chosen, say] of ejections) {
  test(`by ejection: ${say}`, (t) => {
    const found = candidatesAmong(targetsFor(given)).flatMap(({ instance }) => instance.tags);
    t.equal(found.join(''), chosen);
    t.end();
  });
}

import t from 'tap';
import { cursorAt } from '../../src/cli/candidates.ts';
import type { Cursor } from '../../src/cli/candidates.ts';
import { createProgram } from '../../src/cli/program.ts';

const program = await createProgram([]);

/** `disco list --gr` with the cursor behind it; a blank at the end begins a word. */
const at = (line: string): Cursor => cursorAt(program, line.split(' ').slice(1));

const wordsAt = (line: string): string[] => {
  const { wanted, typed } = at(line);
  if (wanted.kind !== 'words') throw new Error(`${line}: ${wanted.kind}`);
  return wanted.words.map(({ word }) => word).filter((word) => word.startsWith(typed));
};

t.test('a verb is wanted first, and those that are hidden are not offered', (t) => {
  t.strictSame(wordsAt('disco li'), ['list']);
  t.strictSame(wordsAt('disco --addr x:1 mai'), ['maint']);
  t.strictSame(wordsAt('disco help for'), ['force-leave']);
  t.ok(wordsAt('disco ').includes('completion'));
  t.notOk(wordsAt('disco ').includes('complete'));
  t.end();
});

t.test('options are those of the verb', (t) => {
  t.strictSame(wordsAt('disco list --gr'), ['--group']);
  t.strictSame(wordsAt('disco health --w'), ['--wait']);
  t.ok(wordsAt('disco list -').includes('--addr'));
  t.strictSame(wordsAt('disco --ad'), ['--addr']);
  t.end();
});

t.test('a value is wanted behind an option that takes one, and in one word with it', (t) => {
  t.match(at('disco list --group '), { wanted: { kind: 'groups' }, typed: '', before: '' });
  t.match(at('disco list --group ma'), { wanted: { kind: 'groups' }, typed: 'ma' });
  t.match(at('disco list --group=ma'), {
    wanted: { kind: 'groups' },
    typed: 'ma',
    before: '--group=',
  });
  t.match(at('disco list --group math --name '), { wanted: { kind: 'names', group: 'math' } });
  t.match(at('disco list --group=math --name '), { wanted: { kind: 'names', group: 'math' } });
  t.match(at('disco list --name '), { wanted: { kind: 'names', group: undefined } });
  t.match(at('disco list --zone '), { wanted: { kind: 'zones' } });
  t.match(at('disco list --tag '), { wanted: { kind: 'tags' } });
  t.match(at('disco start --config '), { wanted: { kind: 'files' } });
  t.match(at('disco list --data-dir '), { wanted: { kind: 'folders' } });
  t.match(at('disco health --timeout '), { wanted: { kind: 'nothing' } });
  t.end();
});

t.test('choices are told', (t) => {
  t.strictSame(wordsAt('disco list -o '), ['table', 'json', 'ndjson']);
  t.strictSame(wordsAt('disco list -o n'), ['ndjson']);
  t.strictSame(wordsAt('disco list --health w'), ['warning']);
  t.strictSame(wordsAt('disco get --policy n'), ['nearest']);
  t.strictSame(wordsAt('disco start --log-level d'), ['debug']);
  t.strictSame(wordsAt('disco maint o'), ['on', 'off']);
  t.strictSame(wordsAt('disco completion f'), ['fish']);
  t.end();
});

t.test('arguments are told by what they are', (t) => {
  t.match(at('disco get ma'), { wanted: { kind: 'services' }, typed: 'ma' });
  t.match(at('disco get math '), { wanted: { kind: 'names', group: 'math' } });
  t.match(at('disco maint on '), { wanted: { kind: 'services' } });
  t.match(at('disco watch '), { wanted: { kind: 'services' } });
  t.match(at('disco register '), { wanted: { kind: 'groups' } });
  t.match(at('disco register math '), { wanted: { kind: 'names', group: 'math' } });
  t.match(at('disco register math add -- ./se'), { wanted: { kind: 'files' } });
  t.match(at('disco force-leave '), { wanted: { kind: 'nodes' } });
  t.match(at('disco validate a.json '), { wanted: { kind: 'files' } });
  t.match(at('disco members x '), { wanted: { kind: 'nothing' } });
  t.end();
});

t.test('levels of the log: a level, an area, and the level of an area', (t) => {
  t.strictSame(wordsAt('disco log s'), ['show', 'set']);
  t.strictSame(wordsAt('disco log set g'), ['gossip=']);
  t.strictSame(wordsAt('disco log set de'), ['debug']);
  t.strictSame(wordsAt('disco log set api=warn gossip=d'), ['gossip=debug']);
  t.match(at('disco log reset '), { wanted: { kind: 'nothing' } });
  t.end();
});

t.test('which daemon to ask is read from the line', (t) => {
  t.match(at('disco --addr x:1 list --group '), { addr: 'x:1', dataDir: undefined });
  t.match(at('disco list --data-dir=/d --group '), { addr: undefined, dataDir: '/d' });
  t.end();
});

t.test('no words at all, and words that mean nothing, are no reason to fall', (t) => {
  t.match(cursorAt(program, []), { typed: '' });
  for (const line of ['disco x y z', 'disco list --nothing ', 'disco --', 'disco -- -- '])
    t.match(at(line).wanted, { kind: /\w/ }, line);
  t.end();
});

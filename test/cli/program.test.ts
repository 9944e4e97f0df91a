/** All verbs: each is in one place, is loaded alone, and has examples that are not refused. */
import type { Command } from 'commander';
import t from 'tap';
import { createProgram } from '../../src/cli/program.ts';

const whole = await createProgram([]);
const verbs = whole.commands.map((command) => command.name());

t.test('a verb alone is what it is among all of them', async (t) => {
  t.not(verbs.length, 0);
  for (const verb of verbs) {
    const program = await createProgram([verb]);
    const [alone, among] = [program, whole].map((each) =>
      each.commands.find((command) => command.name() === verb)?.helpInformation(),
    );
    t.equal(alone, among, verb);
    t.ok(program.commands.length < whole.commands.length, verb);
  }
});

t.test('options of the program may stand before the verb', async (t) => {
  for (const before of [['--addr', 'list'], ['-o', 'json'], ['--output=json'], ['--addr=x:1']]) {
    const program = await createProgram([...before, 'maint', 'on']);
    t.strictSame(
      program.commands.map((command) => command.name()),
      ['maint'],
    );
  }
});

t.test(
  'where the verb is not known, all are there: for help, and for what is misspelt',
  async (t) => {
    for (const argv of [['--help'], ['help', 'list'], ['lsit'], ['-V'], ['--frob', 'list']]) {
      const program = await createProgram(argv);
      t.equal(program.commands.length, verbs.length, argv.join(' '));
    }
  },
);

/** A command line as a shell reads it, up to what it hands to another program. */
function wordsOf(line: string): string[] {
  const own = line.replace(/ {2,}.*$/, '').split(/ (?:&&|\||>|&)(?: |$)/)[0] ?? '';
  return [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

/** Reads a command line without doing anything. @throws CommanderError */
async function parse(argv: readonly string[]): Promise<void> {
  const program = await createProgram(argv);
  const quiet = { writeErr: () => undefined, writeOut: () => undefined };
  const walk = (command: Command): void => {
    command.configureOutput(quiet).exitOverride();
    if (command.commands.length === 0) command.action(() => undefined);
    for (const each of command.commands) walk(each);
  };
  walk(program);
  await program.parseAsync([...argv], { from: 'user' });
}

t.test('the help of every verb has examples, each a line that disco takes', async (t) => {
  const helps = [whole, ...whole.commands].map((command) => {
    let text = '';
    command.configureOutput({ writeOut: (part) => void (text += part) }).outputHelp();
    return { verb: command === whole ? '' : command.name(), text };
  });
  let lines = 0;
  for (const { verb, text } of helps) {
    const examples =
      /^Examples?:\n((?: {2}\$ .*\n?)+)/m.exec(text)?.[1]?.trimEnd().split('\n') ?? [];
    t.not(examples.length, 0, `${verb || 'disco'} has examples`);
    for (const example of examples) {
      const [name, ...argv] = wordsOf(example.replace(/^ {2}\$ /, ''));
      t.equal(name, 'disco', example);
      if (verb !== '') t.equal(argv[0], verb, example);
      await t.resolves(parse(argv), example);
      lines += 1;
    }
  }
  t.ok(lines > verbs.length);
});

t.test('an example that disco does not take would be noticed', async (t) => {
  for (const line of ['list --frob', 'frobnicate', 'get', 'list -o yaml'])
    await t.rejects(parse(line.split(' ')), line);
  t.strictSame(wordsOf('disco maint on --reason "new disk" && ./x   a comment'), [
    'disco',
    'maint',
    'on',
    '--reason',
    'new disk',
  ]);
});

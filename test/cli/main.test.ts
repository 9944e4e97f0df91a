/** The command line as a whole: help, typos, and where options may stand. */
import t from 'tap';
import { disco } from './fixture.ts';

const verbs = [
  'start',
  'register',
  'deregister',
  'get',
  'list',
  'members',
  'force-leave',
  'maint',
  'status',
  'watch',
  'health',
  'gossip',
  'leave',
  'version',
  'demo',
  'log',
  'doctor',
  'validate',
  'sim',
  'completion',
];

t.test('help shows every verb, examples, and the exit codes', async (t) => {
  const { code, stdout, stderr } = await disco(t, ['--help']);
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
  for (const verb of verbs) t.match(stdout, new RegExp(`^  ${verb}\\b`, 'm'), verb);
  t.match(stdout, /^Examples:\n {2}\$ disco start /m);
  t.match(
    stdout,
    'Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 no daemon reached, 5 refused.',
  );
});

t.test('the help of every verb has an example that begins with it', async (t) => {
  const helps = await Promise.all(verbs.map((verb) => disco(t, [verb, '--help'])));
  for (const [index, verb] of verbs.entries()) {
    t.match(helps[index], { code: 0, stderr: '' }, verb);
    t.match(helps[index]?.stdout, new RegExp(`Examples?:\n {2}\\$ disco ${verb}\\b`), verb);
    t.match(helps[index]?.stdout, /^ {2}-o, --output <form> /m, verb);
  }
  const help = await disco(t, ['help', 'list']);
  t.equal(help.stdout, helps[verbs.indexOf('list')]?.stdout, 'disco help list is the same');
});

t.test('no line of the help is wider than a terminal is taken to be', async (t) => {
  const helps = await Promise.all(verbs.map((verb) => disco(t, [verb, '--help'])));
  const lines = helps.flatMap(({ stdout }) => stdout.split('\n'));
  t.not(lines.length, 0);
  t.strictSame(
    lines.filter((line) => line.length > 110),
    [],
  );
});

t.test('a misspelt verb or option suggests the one that was meant', async (t) => {
  const [verb, option, nothing] = await Promise.all([
    disco(t, ['lsit']),
    disco(t, ['list', '--gruop', 'math']),
    disco(t, ['frobnicate']),
  ]);
  t.match(verb, {
    code: 2,
    stdout: '',
    stderr: "error: unknown command 'lsit'\n(Did you mean list?)\n",
  });
  t.match(option, {
    code: 2,
    stdout: '',
    stderr: "error: unknown option '--gruop'\n(Did you mean --group?)\n",
  });
  t.match(nothing, { code: 2, stdout: '', stderr: "error: unknown command 'frobnicate'\n" });
});

t.test('no verb at all is wrong usage, and shows the help on stderr', async (t) => {
  t.match(await disco(t, []), { code: 2, stdout: '', stderr: /^Usage: disco / });
});

t.test('too many arguments and an unknown form are wrong usage', async (t) => {
  const [many, form] = await Promise.all([
    disco(t, ['get', 'math', 'add', 'mul']),
    disco(t, ['list', '-o', 'yaml']),
  ]);
  t.match(many, { code: 2, stdout: '', stderr: /^error: too many arguments for 'get'/ });
  t.match(form, { code: 2, stdout: '', stderr: /Allowed choices are table, json, ndjson\.\n$/ });
});

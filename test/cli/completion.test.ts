/** completion: real shells, of which the keys of a person are pressed where they have them. */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { cleanEnv, disco, newFolder, program, serveApi } from './fixture.ts';

/** A daemon with three services and another node. */
async function serveSome(t: Test) {
  const served = await serveApi(t);
  for (const [group, name, port] of [
    ['math', 'add', 5001],
    ['math', 'mul', 5002],
    ['shop', 'db', 5003],
  ] as const)
    await served.node.service.register({ group, name, ip: '127.0.0.1', port });
  served.node.hear(2, []);
  return served;
}

t.test(
  'candidates are a line each, with what they are, and a last line says what to do',
  async (t) => {
    const { run } = await serveSome(t);
    const told = async (...words: string[]): Promise<string> =>
      (await run('complete', '--', ...words)).stdout;
    t.equal(await told('list', '--gr'), '--group\tonly this group\n:done\n');
    t.equal(await told('list', '--group', ''), 'math\nshop\n:done\n');
    t.equal(await told('list', '--group=m'), '--group=math\n:done\n');
    t.equal(await told('get', 'math/'), 'math/add\nmath/mul\n:done\n');
    t.equal(await told('get', 'math', 'm'), 'mul\n:done\n');
    t.equal(await told('force-leave', ''), 'node-2\n:done\n');
    t.equal(await told('log', 'set', 'go'), 'gossip=\n:open\n');
    t.equal(await told('validate', ''), ':files\n');
    t.equal(await told('list', '--data-dir', ''), ':folders\n');
  },
);

t.test(
  'without a daemon, and with one that hangs, there are none, soon and without a word',
  async (t) => {
    const hung = createServer();
    const path = join(newFolder(t), 's');
    await new Promise<void>((done) => hung.listen(path, done));
    t.teardown(() => hung.close());
    for (const addr of ['unix:/nonexistent/s', `unix:${path}`]) {
      const env = { DISCO_ADDR: addr };
      const { code, stdout, stderr } = await disco(t, ['complete', '--', 'get', ''], { env });
      t.strictSame({ code, stdout, stderr }, { code: 0, stdout: ':done\n', stderr: '' }, addr);
    }
  },
);

t.test('a node that calls itself something for the shell to run is not offered', async (t) => {
  const { run, node } = await serveSome(t);
  node.hear(3, [], makeFacts({ name: '$(reboot)' }));
  node.hear(4, [], makeFacts({ name: 'a b' }));
  const { owner } = signerOf(3);
  node.hear(3, [makeSealed({ owner, tags: ['`reboot`', 'blue'] })], makeFacts({ name: ';x' }));
  t.equal((await run('complete', '--', 'force-leave', '')).stdout, 'node-2\n:done\n');
  t.equal((await run('complete', '--', 'list', '--tag', '')).stdout, 'blue\n:done\n');
});

t.test('a shell that is not known is wrong usage', async (t) => {
  t.match(await disco(t, ['completion', 'tcsh']), {
    code: 2,
    stdout: '',
    stderr: 'disco: "tcsh" is not known: write bash, zsh, fish\n',
  });
});

interface Asked {
  readonly shell: string;
  /** Loads completion and prints a candidate a line, for the line in $LINE. */
  readonly script: string;
}

const asBash = `
source <(disco completion bash)
COMP_LINE=$LINE COMP_POINT=\${#LINE}
# As readline splits it.
COMP_WORDS=()
rest=$LINE
while [[ $rest =~ ^([[:space:]]*)([=:]|[^[:space:]=:]+)(.*)$ ]]; do
  COMP_WORDS+=("\${BASH_REMATCH[2]}")
  rest=\${BASH_REMATCH[3]}
done
[[ $LINE == *[[:space:]] ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
compopt() { echo "option $2"; }
_disco
printf '%s\\n' "\${COMPREPLY[@]}"`;

const asFish = `
disco completion fish | source
complete -C "$LINE" | string replace -r '\\t.*' ''`;

// zpty is a terminal of zsh's own: keys are pressed there, and what is shown is read.
const asZsh = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; PROMPT_EOL_MARK=; autoload -U compinit; compinit -u -d $ZDOTDIR/dump"
zpty -w shell "source <(disco completion zsh); zstyle ':completion:*' list-colors ''; echo is''-ready"
while zpty -r shell line; do [[ $line == *is-ready* ]] && break; done
# Keys are taken in their order: what has become of the line is printed.
zpty -w -n shell "$LINE"$'\\t\\C-aprint -r -- \\C-e; echo is\\'\\'-done\\n'
while zpty -r shell line; do print -r -- $line; [[ $line == *is-done* ]] && break; done`;

/** What a shell shows for a line; undefined where there is no such shell. */
function shown(t: Test, { shell, script }: Asked, line: string, addr: string) {
  const folder = newFolder(t);
  fs.writeFileSync(
    join(folder, 'disco'),
    `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const { PATH } = process.env;
  const home = { HOME: folder, ZDOTDIR: folder, XDG_CONFIG_HOME: folder, TERM: 'dumb' };
  const env = cleanEnv({ ...home, PATH: `${folder}:${PATH}`, LINE: line, DISCO_ADDR: addr });
  return new Promise<string | undefined>((done, fail) => {
    const options = { env, cwd: folder, timeout: 60_000 };
    execFile(shell, ['-c', script], options, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') done(undefined);
      else if (stderr !== '') fail(new Error(stderr));
      else done(stdout);
    });
  });
}

const lines: readonly (readonly [line: string, bash: readonly string[], all: readonly string[]])[] =
  [
    ['disco force-', ['force-leave'], ['force-leave']],
    ['disco list --gro', ['--group'], ['--group']],
    ['disco list --group ', ['math', 'shop'], ['math', 'shop']],
    ['disco get math/', ['math/add', 'math/mul'], ['math/add', 'math/mul']],
    // Of a word with = or :, bash replaces what stands behind it.
    ['disco list --group=m', ['math'], ['--group=math']],
    ['disco log set gossip=d', ['debug'], ['gossip=debug']],
    ['disco log set goss', ['option nospace', 'gossip='], ['gossip=']],
  ];

t.test('bash completes verbs, options, and what the daemon knows', async (t) => {
  const { address } = await serveSome(t);
  for (const [line, expected] of lines) {
    const text = await shown(t, { shell: 'bash', script: asBash }, line, address);
    t.strictSame(text?.trimEnd().split('\n'), expected, line);
  }
});

t.test('fish completes the same', async (t) => {
  const { address } = await serveSome(t);
  for (const [line, , expected] of lines) {
    const text = await shown(t, { shell: 'fish', script: asFish }, line, address);
    if (text === undefined) return t.comment('not tried: there is no fish here');
    t.strictSame(text.trimEnd().split('\n'), expected, line);
  }
});

t.test('zsh completes the same', async (t) => {
  const { address } = await serveSome(t);
  for (const [line, , expected] of lines) {
    const text = await shown(t, { shell: 'zsh', script: asZsh }, line, address);
    if (text === undefined) return t.comment('not tried: there is no zsh here');
    for (const each of expected) t.ok(text.includes(each), `${line}: ${each} in ${text}`);
  }
});

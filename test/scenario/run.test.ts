/**
 * Runs test/scenario/*.txt: each file against a daemon of its own, in a shell, line by line.
 *
 *   a comment begins with #
 *   disco list | head -1          the command
 *   ----
 *   no instances                  its stdout; what came on stderr stands behind, marked; a last
 *   stderr: disco: …              line tells an exit code that is not 0. A blank line ends it.
 *   exit 3
 *
 * What differs from run to run is replaced: <port>, <peer-1>, <age>, <dir>, <pid>, <time>, <version>.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { version } from '../../src/daemon/version.ts';
import { cleanEnv, newFolder, program, startDaemon } from '../cli/fixture.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = fs.globSync(`${folder}*.txt`).toSorted();

interface Step {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
}

function stepsOf(text: string): Step[] {
  const lines = text.trimEnd().split('\n');
  const steps: Step[] = [];
  for (let index = 0; index < lines.length; index++) {
    const command = lines[index] ?? '';
    if (command === '' || command.startsWith('#')) continue;
    if (lines[index + 1] !== '----') throw new Error(`line ${index + 2}: expected ----`);
    const end = lines.indexOf('', index);
    const output = lines.slice(index + 2, end === -1 ? undefined : end);
    steps.push({ line: index + 1, command, expected: output.join('\n') });
    index += 1 + output.length;
  }
  return steps;
}

/** Takes out what no two runs have in common. */
class Mask {
  readonly #peers: string[] = [];
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  apply(text: string): string {
    return text
      .replaceAll(this.#directory, '<dir>')
      .replace(/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, (text) => shownVersion(text))
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replace(/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g, (peer) => this.#peer(peer))
      .replace(/(?<=[:/])\d{5}\b/g, '<port>')
      .replace(/\b\d+s(?: ago)?( *)(?=\S|\n)/g, (_, pad) => (pad === '' ? '<age>' : '<age>  '))
      .replace(/(?<=pid )\d+/g, '<pid>');
  }

  #peer(peer: string): string {
    const known = this.#peers.indexOf(peer);
    return `<peer-${known === -1 ? this.#peers.push(peer) : known + 1}>`;
  }
}

function shownVersion(text: string): string {
  return text === version ? '<version>' : text;
}

/** What a command wrote and how it ended, in the form of the files. */
async function outputOf(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('sh', ['-c', command], { env, cwd: '/' });
  child.stdin.end();
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, 'close'),
  ]);
  const complaints = stderr
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `stderr: ${line}\n`);
  const exit = code === 0 ? '' : `exit ${code}\n`;
  return [stdout.join(''), ...complaints, exit].join('').trimEnd();
}

/** A shell in which `disco` is this program and finds this daemon. */
async function shellOf(t: Test): Promise<{ env: NodeJS.ProcessEnv; mask: Mask }> {
  const { address, config } = await startDaemon(t);
  const bin = newFolder(t);
  const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
  fs.writeFileSync(join(bin, 'disco'), script, { mode: 0o755 });
  const env = cleanEnv({
    PATH: [bin, process.env['PATH']].join(delimiter),
    DISCO_ADDR: address,
  });
  return { env, mask: new Mask(config.dataDir) };
}

t.not(files.length, 0, `${files.length} scenarios`);

for (const file of files) {
  t.test(`${basename(file, '.txt')} goes as it is written down`, async (t) => {
    const steps = stepsOf(fs.readFileSync(file, 'utf8'));
    t.not(steps.length, 0);
    const { env, mask } = await shellOf(t);
    for (const { line, command, expected } of steps) {
      const actual = mask.apply(`${await outputOf(command, env)}\n`).trimEnd();
      t.equal(actual, expected, `${basename(file)}:${line}: ${command}`);
    }
  });
}

t.test('a step without its mark is told with its line', (t) => {
  t.throws(() => stepsOf('# a\ndisco list\nno instances\n'), { message: 'line 3: expected ----' });
  t.end();
});

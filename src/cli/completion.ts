/**
 * `disco completion SHELL` prints what the shell has to be told; `disco complete -- WORDS` is what
 * it then asks at each press of Tab. Names come from the daemon; without one there are none.
 */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { findDaemon } from '../client/daemon-address.ts';
import { instanceFromProto } from '../client/instance.ts';
import type { PlainStub } from '../client/plain-stub.ts';
import { cursorAt } from './candidates.ts';
import type { Candidate, Cursor, Wanted } from './candidates.ts';
import { completionScript, shells } from './completion-scripts.ts';
import type { Shell } from './completion-scripts.ts';
import { CliError } from './exit.ts';
import { print } from './output.ts';

/** A person has pressed Tab and waits. */
const patienceMs = 250;
const instancesMax = 1_000;
const candidatesMax = 200;
const helpCharsMax = 60;
/** Other nodes chose these names, and a shell is to read them: nothing that it would act on. */
const safeWord = /^[\w.:/@%+=[\]-]{1,256}$/;

const help = `
It completes verbs, options and their values, and the groups, services and nodes that the daemon
knows at that moment.

Examples:
  $ disco completion bash                          as source <(disco completion bash) in ~/.bashrc
  $ disco completion zsh
  $ disco completion fish`;

type ProgramFor = (words: readonly string[]) => Promise<Command>;

/** @param programFor the program as it is for such words */
export function addCompletionVerbs(program: Command, programFor: ProgramFor): void {
  const shell = new Argument('<shell>', 'for which shell');
  // For the help and for completion; what is none is refused in our own words.
  shell.argChoices = [...shells];
  program
    .command('completion')
    .addArgument(shell)
    .description('print a script that completes disco in a shell')
    .addHelpText('after', help)
    .action((name: string) => printScript(name));
  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'behind disco; the last one is at the cursor')
    .description('what may stand at the cursor: for the scripts of disco completion')
    .addHelpText('after', '\nExample:\n  $ disco complete -- list --gr')
    .action(async (words: string[]) => {
      const { candidates, directive } = await complete(words, programFor);
      for (const { word, help: text } of candidates) print(text === '' ? word : `${word}\t${text}`);
      print(`:${directive}`);
    });
}

function printScript(name: string): void {
  const shell = shells.find((each): each is Shell => each === name);
  if (shell === undefined)
    throw new CliError(2, `${JSON.stringify(name)} is not known: write ${shells.join(', ')}`);
  process.stdout.write(completionScript(shell, process.argv[1] ?? 'disco'));
}

interface Completion {
  readonly candidates: readonly Candidate[];
  readonly directive: 'done' | 'open' | 'files' | 'folders';
}

async function complete(words: readonly string[], programFor: ProgramFor): Promise<Completion> {
  const program = await programFor(words.slice(0, -1));
  const cursor = cursorAt(program, words);
  const { wanted, typed, before } = cursor;
  if (wanted.kind === 'files' || wanted.kind === 'folders')
    return { candidates: [], directive: wanted.kind };
  const found = await candidatesOf(wanted, cursor);
  const candidates = found
    .filter(({ word }) => word.startsWith(typed) && safeWord.test(word))
    .slice(0, candidatesMax)
    .map((each) => ({ word: before + each.word, help: shortened(each.help) }));
  const isOpen = candidates.length > 0 && candidates.every(({ word }) => word.endsWith('='));
  return { candidates, directive: isOpen ? 'open' : 'done' };
}

async function candidatesOf(wanted: Wanted, cursor: Cursor): Promise<readonly Candidate[]> {
  switch (wanted.kind) {
    case 'words':
      return wanted.words;
    case 'files':
    case 'folders':
    case 'nothing':
      return [];
    default: {
      const names = await askNames(wanted, cursor).catch(() => []);
      return [...new Set(names)].toSorted().map((word) => ({ word, help: '' }));
    }
  }
}

type AskedKind = 'groups' | 'services' | 'names' | 'nodes' | 'zones' | 'tags';

/** @throws whatever keeps the daemon from answering within the patience */
async function askNames(
  wanted: Extract<Wanted, { kind: AskedKind }>,
  { addr, dataDir, typed }: Cursor,
): Promise<readonly string[]> {
  const { PlainStub: Stub } = await import('../client/plain-stub.ts');
  const stub = new Stub(findDaemon({ address: addr, dataDir }), patienceMs);
  try {
    if (wanted.kind === 'nodes') {
      const { members } = await stub.unary('Members', {});
      return members.filter(({ self }) => self !== true).map(({ name }) => name ?? '');
    }
    const group = wanted.kind === 'names' ? wanted.group : undefined;
    return await askInstances(stub, wanted.kind, group ?? groupIn(wanted.kind, typed));
  } finally {
    stub.close();
  }
}

async function askInstances(
  stub: PlainStub,
  kind: Exclude<AskedKind, 'nodes'>,
  group: string,
): Promise<readonly string[]> {
  const answer = await stub.unary('List', { group, pageSize: instancesMax });
  const instances = answer.instances.map(instanceFromProto);
  switch (kind) {
    case 'groups':
      return instances.map((instance) => instance.group);
    case 'services':
      return instances.map((instance) => `${instance.group}/${instance.name}`);
    case 'names':
      return instances.map(({ name }) => name);
    case 'zones':
      return instances.map(({ zone }) => zone);
    case 'tags':
      return instances.flatMap(({ tags }) => tags);
  }
}

/** Of many services, those of the group that is typed already. */
function groupIn(kind: AskedKind, typed: string): string {
  const slash = typed.indexOf('/');
  return kind === 'services' && slash > 0 ? typed.slice(0, slash) : '';
}

/** One short line. */
function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > helpCharsMax ? `${line.slice(0, helpCharsMax - 1)}…` : line;
}

/**
 * What may stand where the cursor is, told from the commands themselves: a verb, an option or its
 * value, an argument. Names that only a daemon knows are asked for by their kind.
 */
import type { Argument, Command, Option } from 'commander';
import { logAreas, logLevels } from '../base/log.ts';
import { healths, policies } from './read.ts';

export interface Candidate {
  readonly word: string;
  /** Empty: none. */
  readonly help: string;
}

/** What is asked for at the cursor. */
export type Wanted =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  /** Names that the daemon knows; `group` narrows the names of services. */
  | { readonly kind: 'groups' | 'services' | 'nodes' | 'zones' | 'tags' }
  | { readonly kind: 'names'; readonly group: string | undefined }
  | { readonly kind: 'files' | 'folders' | 'nothing' };

export interface Cursor {
  readonly wanted: Wanted;
  /** What is typed of the word, and what each candidate begins with. */
  readonly typed: string;
  /** Stands before the candidates in the same word: `--group=`. */
  readonly before: string;
  /** Values of options that say which daemon to ask. */
  readonly addr: string | undefined;
  readonly dataDir: string | undefined;
}

const wantedOfOption: Readonly<Record<string, Wanted>> = {
  '--group': { kind: 'groups' },
  '--name': { kind: 'names', group: undefined },
  '--zone': { kind: 'zones' },
  '--tag': { kind: 'tags' },
  '--health': wordsOf(healths),
  '--policy': wordsOf(policies),
  '--config': { kind: 'files' },
  '--seeds': { kind: 'files' },
  '--db': { kind: 'files' },
  '--report': { kind: 'files' },
  '--data-dir': { kind: 'folders' },
  '--services': { kind: 'folders' },
};

const nothing: Wanted = { kind: 'nothing' };

/** Where the words lead. */
interface Walk {
  readonly command: Command;
  readonly values: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
  /** The option whose value comes next. */
  readonly open: Option | undefined;
  /** Everything behind `--` is another program's. */
  readonly isForeign: boolean;
}

/** @param words all behind `disco`; the last one is at the cursor, and may be empty */
export function cursorAt(program: Command, words: readonly string[]): Cursor {
  const typed = words.at(-1) ?? '';
  const walk = walkTo(program, words.slice(0, -1));
  const { values } = walk;
  const place = { addr: values.get('--addr'), dataDir: values.get('--data-dir') };
  const equals = typed.startsWith('--') ? typed.indexOf('=') : -1;
  const assigned = equals < 0 ? undefined : optionOf(walk.command, typed.slice(0, equals));
  if (assigned !== undefined && !walk.isForeign) {
    const before = typed.slice(0, equals + 1);
    return { ...place, wanted: ofOption(assigned, walk), typed: typed.slice(equals + 1), before };
  }
  return { ...place, wanted: wantedAt(walk, typed), typed, before: '' };
}

function walkTo(program: Command, words: readonly string[]): Walk {
  let command = program;
  const values = new Map<string, string>();
  const positional: string[] = [];
  let open: Option | undefined;
  for (const word of words) {
    if (word === '--') return { command, values, positional, open: undefined, isForeign: true };
    if (open !== undefined && !word.startsWith('-')) {
      values.set(open.long ?? '', word);
      if (!open.variadic) open = undefined;
    } else if (word.startsWith('-')) {
      const [name = '', value] = word.split(/=(.*)/s);
      const option = optionOf(command, name);
      if (value !== undefined) values.set(option?.long ?? '', value);
      open = value === undefined && option !== undefined && takesValue(option) ? option : undefined;
    } else {
      const next = command.commands.find((each) => each.name() === word);
      if (next !== undefined && positional.length === 0) command = next;
      else positional.push(word);
    }
  }
  return { command, values, positional, open, isForeign: false };
}

function wantedAt(walk: Walk, typed: string): Wanted {
  const { command, open, positional, isForeign } = walk;
  if (isForeign) return { kind: 'files' };
  if (open !== undefined && !(open.variadic && typed.startsWith('-'))) return ofOption(open, walk);
  if (typed.startsWith('-')) return { kind: 'words', words: optionsOf(command) };
  const isHelp = command.parent === null && positional[0] === 'help';
  if (command.commands.length > 0 && (positional.length === 0 || isHelp))
    return { kind: 'words', words: verbsOf(command) };
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument =
    registeredArguments[positional.length] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? nothing : ofArgument(argument, walk, typed);
}

function ofOption(option: Option, { values }: Walk): Wanted {
  if (option.argChoices !== undefined) return wordsOf(option.argChoices);
  const wanted = wantedOfOption[option.long ?? ''] ?? nothing;
  return wanted.kind === 'names' ? { kind: 'names', group: values.get('--group') } : wanted;
}

function ofArgument(argument: Argument, { positional }: Walk, typed: string): Wanted {
  if (argument.argChoices !== undefined) return wordsOf(argument.argChoices);
  switch (argument.name()) {
    case 'service':
    case 'target':
      return { kind: 'services' };
    case 'group':
      return { kind: 'groups' };
    case 'name':
      return { kind: 'names', group: positional[0] };
    case 'node':
      return { kind: 'nodes' };
    case 'level':
      return positional[0] === 'set' ? levelsAt(typed) : nothing;
    case 'path':
    case 'command':
      return { kind: 'files' };
    default:
      return nothing;
  }
}

/** `info`, `gossip=`, and then `gossip=debug`. */
function levelsAt(typed: string): Wanted {
  const [area, level] = typed.split('=');
  if (level === undefined) return wordsOf([...logLevels, ...logAreas.map((each) => `${each}=`)]);
  return wordsOf(logLevels.map((each) => `${area}=${each}`));
}

function verbsOf(command: Command): Candidate[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((each) => ({ word: each.name(), help: each.description() }));
}

function optionsOf(command: Command): Candidate[] {
  const visible = command.createHelp().visibleOptions(command);
  return visible.flatMap(({ long, description }) =>
    long == null ? [] : [{ word: long, help: description }],
  );
}

function optionOf(command: Command, name: string): Option | undefined {
  const own = command.options.find(({ long, short }) => long === name || short === name);
  return own ?? (command.parent === null ? undefined : optionOf(command.parent, name));
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function wordsOf(words: readonly string[]): Wanted {
  return { kind: 'words', words: words.map((word) => ({ word, help: '' })) };
}

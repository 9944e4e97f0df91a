/**
 * FilePlan: from what registration files say and what is registered to what has to be done.
 *
 *   good file ──▶ what it says is registered, what it said before and no longer says is not
 *   bad file  ──▶ nothing changes of what it registered
 *   no file   ──▶ what it registered is deregistered
 *
 * Each registration remembers the file that it came from, over restarts too. What came from the API,
 * or from another file that still has it, is never touched: a file that says the same is refused.
 */
import { isDeepStrictEqual } from 'node:util';
import { errorText } from '../base/error.ts';
import { recordKey } from '../record/record.ts';
import type { RecordKey } from '../record/record.ts';
import type { Mutation } from '../registry/own-state.ts';
import type { Registration } from '../store/store.ts';
import type { FileWish } from './service-file.ts';
import type { FolderFile } from './service-folder.ts';

export interface FileStep {
  readonly mutation: Mutation;
  /** For whose sake. */
  readonly file: string;
}

export interface FilePlan {
  /** Only what changes something. */
  readonly steps: readonly FileStep[];
  /** Why a file counts for nothing, by its name: a sentence each. */
  readonly bad: ReadonlyMap<string, string>;
}

type Wanted = ReadonlyMap<RecordKey, Registration>;

/** What the API registered has no file. */
const api = Symbol('api');

/**
 * @param place fills in what a wish leaves to the daemon; throws when it cannot
 */
export function planFiles(
  files: readonly FolderFile[],
  registered: ReadonlyMap<RecordKey, Registration>,
  place: (wish: Registration) => Registration,
): FilePlan {
  const bad = new Map<string, string>();
  const wanted = new Map<string, Wanted>();
  for (const { name, wishes, problems } of files) {
    const said = problems.length > 0 ? describeProblems(problems) : placeAll(name, wishes, place);
    if (typeof said === 'string') bad.set(name, said);
    else wanted.set(name, said);
  }
  refuseClaimed(wanted, bad, holdersOf(registered, wanted, bad));
  return { steps: stepsOf(registered, wanted, bad), bad };
}

function describeProblems(problems: readonly string[]): string {
  const more = problems.length - 1;
  return `${problems[0]}${more === 0 ? '' : ` (and ${more} more: see disco validate)`}`;
}

/** @returns a sentence when that cannot be done */
function placeAll(
  file: string,
  wishes: readonly FileWish[],
  place: (wish: Registration) => Registration,
): Wanted | string {
  const placed = new Map<RecordKey, Registration>();
  for (const { wish, where } of wishes) {
    try {
      const registration = { ...place(wish), source: file };
      const key = keyOf(registration);
      if (placed.has(key)) return `${where}: ${key} is in this file already`;
      placed.set(key, registration);
    } catch (error) {
      return `${where}: ${errorText(error)}`;
    }
  }
  return placed;
}

/** Whose an instance stays, whoever else says it. */
function holdersOf(
  registered: ReadonlyMap<RecordKey, Registration>,
  wanted: ReadonlyMap<string, Wanted>,
  bad: ReadonlyMap<string, string>,
): Map<RecordKey, string | typeof api> {
  const holders = new Map<RecordKey, string | typeof api>();
  for (const [key, { source }] of registered)
    if (source === undefined) holders.set(key, api);
    else if (bad.has(source) || wanted.get(source)?.has(key) === true) holders.set(key, source);
  return holders;
}

/** Takes those out of `wanted` that say what is another's; of two new ones the first by name stays. */
function refuseClaimed(
  wanted: Map<string, Wanted>,
  bad: Map<string, string>,
  holders: Map<RecordKey, string | typeof api>,
): void {
  for (const [file, said] of wanted) {
    const taken = [...said.keys()].find((key) => (holders.get(key) ?? file) !== file);
    if (taken === undefined) {
      for (const key of said.keys()) holders.set(key, file);
      continue;
    }
    const holder = holders.get(taken);
    const owner = typeof holder === 'string' ? `by the file ${holder}` : 'through the API';
    const sentence = `${taken} is registered ${owner} already: deregister it there, or give another instanceId`;
    bad.set(file, sentence);
    wanted.delete(file);
  }
}

function stepsOf(
  registered: ReadonlyMap<RecordKey, Registration>,
  wanted: ReadonlyMap<string, Wanted>,
  bad: ReadonlyMap<string, string>,
): FileStep[] {
  const steps: FileStep[] = [];
  const said = new Set<RecordKey>();
  for (const [file, registrations] of wanted)
    for (const [key, registration] of registrations) {
      said.add(key);
      if (isDeepStrictEqual(registered.get(key), registration)) continue;
      steps.push({ file, mutation: { kind: 'register', registration } });
    }
  for (const [key, { source }] of registered)
    if (source !== undefined && !bad.has(source) && !said.has(key))
      steps.push({ file: source, mutation: { kind: 'deregister', key } });
  return steps;
}

function keyOf({ group, name, instanceId }: Registration): RecordKey {
  return recordKey(group, name, instanceId);
}

/**
 * Mutant: one mistake in the protocol, as a change of the text of one source file.
 *
 * Production code knows nothing of it: the text is changed while the module is loaded (hook.ts).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gossipMutants } from './gossip-mutants.ts';
import { livenessMutants } from './liveness-mutants.ts';
import { recordMutants } from './record-mutants.ts';
import { registryMutants } from './registry-mutants.ts';

export interface Edit {
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** In kebab-case. */
  readonly name: string;
  /** What the mutant does, in the words of the protocol. */
  readonly what: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** Tests that are likely to notice, tried in this order before the simulator; may be empty. */
  readonly tests: readonly string[];
}

/** Names the mutant that a process is to run. */
export const mutantVariable = 'DISCO_MUTANT';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export const mutants: readonly Mutant[] = [
  ...recordMutants,
  ...registryMutants,
  ...gossipMutants,
  ...livenessMutants,
];

/** @throws when there is none of that name */
export function mutantNamed(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  return mutant;
}

/** The text of a source file with the mistake in it. @throws when the mutant does not apply */
export function mutate({ name, file, edits }: Mutant, text: string): string {
  let mutated = text;
  for (const { find, replace } of edits) {
    const places = mutated.split(find).length - 1;
    if (places !== 1)
      throw new Error(`mutant ${name}: its text occurs ${places} times in ${file}: ${find}`);
    mutated = mutated.replace(find, () => replace);
  }
  return mutated;
}

export function sourceOf({ file }: Mutant): string {
  return readFileSync(`${root}/${file}`, 'utf8');
}

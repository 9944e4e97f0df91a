/** The options of `disco start` on a command, and what they come to on this host. */
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { options } from '../daemon/config-options.ts';
import { loadConfig } from '../daemon/config-sources.ts';
import { loadSeeds } from '../daemon/seeds.ts';
import type { LoadedSeeds } from '../daemon/seeds.ts';

/** @param isShown whether the help tells of those that are not for few */
export function addStartOptions(command: Command, isShown: boolean): void {
  for (const { flag, placeholder, shape, help, advanced } of options) {
    const value = shape.kind === 'list' ? `<${placeholder}...>` : `<${placeholder}>`;
    const usage = shape.kind === 'boolean' ? flag : `${flag} ${value}`;
    const option = command.createOption(usage, help);
    // For the help and for completion; a value is checked where all of them are.
    if (shape.kind === 'enum') option.argChoices = [...shape.values];
    command.addOption(option.hideHelp(advanced || !isShown));
  }
}

/**
 * Flag, environment, file, default: what a daemon that is started here would go by.
 *
 * @throws DiscoError INVALID_ARGUMENT/CONFIG
 */
export function loadHere(flags: Readonly<Record<string, unknown>>): LoadedSeeds {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const loaded = loadConfig({
    flags,
    env: process.env,
    readFile,
    cwd: process.cwd(),
    hostname: hostname(),
    homedir: homedir(),
  });
  return loadSeeds(loaded, readFile);
}

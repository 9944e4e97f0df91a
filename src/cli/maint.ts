/** `disco maint`: takes own instances, or the whole node, out of use and gives them back. */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { CliError } from './exit.ts';
import { note, printOne, visible } from './output.ts';
import { globalOptions, withDisco } from './session.ts';

const help = `
Nobody is sent to what is in maintenance: get does not pick it, and lists show it as such, with the
reason. It holds over restarts of the daemon and of the service, until it is ended. Only the daemon
that registered an instance can do it.

Examples:
  $ disco maint on --reason "kernel update"        the whole node, also what is registered later
  $ disco maint on math/add                        all of a service at this daemon
  $ disco maint on math/add/10.0.0.5:5001          one instance
  $ disco maint off                                the node; what was named stays as it is`;

const states = ['on', 'off'] as const;

export function addMaintVerb(program: Command): void {
  const state = new Argument('<state>', 'whether it is in maintenance');
  // For the help and for completion; what is neither is refused in our own words.
  state.argChoices = [...states];
  program
    .command('maint')
    .addArgument(state)
    .argument('[target]', 'GROUP/NAME or GROUP/NAME/ID; default: the whole node')
    .description('take instances of this daemon out of use, or give them back')
    .option('--reason <text>', 'why, for those who look')
    .addHelpText('after', help)
    .action(maint);
}

/** @throws CliError usage */
export function readTarget(text: string | undefined): {
  group: string;
  name: string;
  instanceId: string;
} {
  const [group = '', name = '', instanceId = '', ...rest] = text?.split('/') ?? [];
  const isNamed = group !== '' && name !== '' && rest.length === 0 && !text?.endsWith('/');
  if (text !== undefined && !isNamed)
    throw new CliError(
      2,
      `${JSON.stringify(text)} names nothing: write GROUP/NAME or GROUP/NAME/ID`,
    );
  return { group, name, instanceId };
}

async function maint(
  state: string,
  text: string | undefined,
  { reason }: { reason?: string },
  verb: Command,
): Promise<void> {
  if (!states.some((each) => each === state)) {
    const wrong = `${JSON.stringify(state)} is no state of maintenance`;
    throw new CliError(2, `${wrong}: write "disco maint on" or "disco maint off"`);
  }
  const options = globalOptions(verb);
  const target = readTarget(text);
  const on = state === 'on';
  if (!on && reason !== undefined) throw new CliError(2, '--reason is for maint on: leave it out');
  const outcome = await withDisco(options, (disco) =>
    disco.setMaintenance({ ...target, on, reason }),
  );
  const { instances, inMaintenance, elsewhere } = outcome;
  const what = text ?? 'this node';
  printOne(options.output, { ...target, on, ...outcome }, () => {
    const counts = `${inMaintenance} of ${instances} instances`;
    return visible(`maintenance of ${what} is ${state}: ${counts} in maintenance`);
  });
  if (!on && inMaintenance > 0)
    note('disco: what is still in maintenance is so by another word: "disco status" shows it');
  if (elsewhere.length > 0)
    note(
      visible(`disco: others have ${what} too, which this leaves alone: ${elsewhere.join(', ')}`),
    );
}

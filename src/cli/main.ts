/**
 * `disco`: the command line. Verbs register themselves here; each is loaded when it runs, so that
 * `disco list` does not pay for the daemon.
 */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../daemon/version.ts';
import { addControlVerbs } from './control.ts';
import { exitOf } from './exit.ts';
import { addMaintVerb } from './maint.ts';
import { addMemberVerbs } from './members.ts';
import { note, outputForms } from './output.ts';
import { addReadVerbs } from './read.ts';
import { addRegisterVerbs } from './register.ts';
import { addSimVerb } from './sim.ts';
import { addStartVerb } from './start.ts';
import { addValidateVerb } from './validate.ts';
import { addWatchVerbs } from './watch.ts';

const examples = `
Examples:
  $ disco start                                    a daemon on this host
  $ disco register math add --port 5001            a service beside it
  $ disco register math add -- ./add-service       the same for as long as the command runs
  $ disco list --group math                        who is there
  $ disco get math/add --output json               one of them, for a program
  $ disco demo                                     five daemons, four services, one failure

The daemon is found by --addr or DISCO_ADDR, else DATA-DIR/daemon.json, else 127.0.0.1:7948.
Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 no daemon reached, 5 refused.`;

export function createProgram(): Command {
  const program = new Command('disco')
    .description('Decentralized service discovery: daemons that find each other, services too.')
    .addHelpText('after', examples)
    .version(version, '-V, --version', 'the release of this program')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride();
  addStartVerb(program);
  addRegisterVerbs(program);
  addReadVerbs(program);
  addMemberVerbs(program);
  addMaintVerb(program);
  addWatchVerbs(program);
  addControlVerbs(program);
  addValidateVerb(program);
  addSimVerb(program);
  for (const command of [program, ...program.commands]) addGlobalOptions(command);
  return program;
}

/** On the program and on each verb, so that they may stand before the verb or behind it. */
function addGlobalOptions(command: Command): void {
  const has = (flag: string): boolean => command.options.some(({ long }) => long === flag);
  const needsDaemon = !['sim', 'validate'].includes(command.name());
  if (needsDaemon && command.name() !== 'start') {
    command.option('--addr <address>', 'the daemon: host:port or unix:/path');
  }
  if (needsDaemon && !has('--data-dir'))
    command.option('--data-dir <dir>', 'where its daemon.json is');
  const output = new Option('-o, --output <form>', 'how to print; default: table');
  command.addOption(output.choices(outputForms));
}

/** Runs one command line; answers the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { exitCode, sentence } = exitOf(error);
    note(`disco: ${sentence}`);
    return exitCode;
  }
}

// A reader that has had enough (`disco list | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// Nobody is left to be told; the exit code still says it.
process.stderr.on('error', () => undefined);
process.exitCode = await run(process.argv.slice(2));

/**
 * The verbs, and where each is: a verb's file is loaded when the verb is on the command line, so
 * that `disco list` does not pay for the daemon nor for the simulator.
 */
import { Command, Option } from 'commander';
import { version } from '../daemon/version.ts';
import { outputForms } from './output.ts';

const examples = `
Examples:
  $ disco start                                    a daemon on this host
  $ disco register math add --port 5001            a service beside it
  $ disco register math add -- ./add-service       the same for as long as the command runs
  $ disco list --group math                        who is there
  $ disco get math/add --output json               one of them, for a program
  $ disco doctor                                   what is wrong here, and how to mend it
  $ disco demo                                     five daemons, four services, one failure

The daemon is found by --addr or DISCO_ADDR, else DATA-DIR/daemon.json, else 127.0.0.1:7948.
Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 no daemon reached, 5 refused.`;

/** Verbs of one file. */
interface Family {
  readonly verbs: readonly string[];
  readonly load: () => Promise<(program: Command) => unknown>;
}

/** In the order of the help. */
const families: readonly Family[] = [
  { verbs: ['start'], load: async () => (await import('./start.ts')).addStartVerb },
  {
    verbs: ['register', 'deregister'],
    load: async () => (await import('./register.ts')).addRegisterVerbs,
  },
  {
    verbs: ['get', 'list', 'status'],
    load: async () => (await import('./read.ts')).addReadVerbs,
  },
  {
    verbs: ['members', 'force-leave'],
    load: async () => (await import('./members.ts')).addMemberVerbs,
  },
  { verbs: ['maint'], load: async () => (await import('./maint.ts')).addMaintVerb },
  { verbs: ['watch'], load: async () => (await import('./watch.ts')).addWatchVerbs },
  {
    verbs: ['health', 'gossip', 'leave', 'version', 'demo'],
    load: async () => (await import('./control.ts')).addControlVerbs,
  },
  { verbs: ['log'], load: async () => (await import('./log.ts')).addLogVerb },
  { verbs: ['doctor'], load: async () => (await import('./doctor.ts')).addDoctorVerb },
  { verbs: ['validate'], load: async () => (await import('./validate.ts')).addValidateVerb },
  { verbs: ['sim'], load: async () => (await import('./sim.ts')).addSimVerb },
  {
    verbs: ['completion', 'complete'],
    load: async () => {
      const { addCompletionVerbs } = await import('./completion.ts');
      return (program) => addCompletionVerbs(program, createProgram);
    },
  },
];

/** Verbs that ask no daemon. */
const withoutDaemon = ['sim', 'validate', 'completion', 'complete'];
/** Options of the program that are followed by a value. */
const valued = ['--addr', '--data-dir', '-o', '--output'];

/**
 * The program, with the verb that is on the command line, and with all verbs when that does not
 * say which: for the help, and for what is misspelt.
 */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('disco')
    .description('Decentralized service discovery: daemons that find each other, services too.')
    .addHelpText('after', examples)
    .version(version, '-V, --version', 'the release of this program')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride();
  const verb = verbOf(argv);
  const family = families.find(({ verbs }) => verb !== undefined && verbs.includes(verb));
  const wanted = family === undefined ? families : [family];
  for (const add of await Promise.all(wanted.map(({ load }) => load()))) add(program);
  for (const command of [program, ...program.commands]) addGlobalOptions(command);
  return program;
}

/** The verb, when options of the program alone stand before it. */
function verbOf(argv: readonly string[]): string | undefined {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) return word;
    if (valued.includes(word)) index++;
    else if (!valued.some((option) => word.startsWith(option))) return undefined;
  }
  return undefined;
}

/** On the program and on each verb, so that they may stand before the verb or behind it. */
function addGlobalOptions(command: Command): void {
  const has = (flag: string): boolean => command.options.some(({ long }) => long === flag);
  if (command.name() === 'complete') return;
  const needsDaemon = !withoutDaemon.includes(command.name());
  if (needsDaemon && command.name() !== 'start') {
    command.option('--addr <address>', 'the daemon: host:port or unix:/path');
  }
  if (needsDaemon && !has('--data-dir'))
    command.option('--data-dir <dir>', 'where its daemon.json is');
  const output = new Option('-o, --output <form>', 'how to print; default: table');
  command.addOption(output.choices(outputForms));
}

/** `disco log`: what the daemon logs, shown and changed while it runs. */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { CliError } from './exit.ts';
import { parsePairs, printOne, table } from './output.ts';
import { globalOptions, withDisco } from './session.ts';

const actions = ['show', 'set', 'reset'] as const;
type Action = (typeof actions)[number];

/** Stands for every area. */
const everyArea = 'all';

const help = `
Areas are daemon, registry, gossip, api and health; levels debug, info, warn, error and silent. A
level alone is for all areas. It holds until the daemon ends, which then goes back to --log-level.

Examples:
  $ disco log
  $ disco log set gossip=debug api=debug
  $ disco log set warn
  $ disco log reset`;

export function addLogVerb(program: Command): void {
  const action = new Argument('[action]', 'default: show');
  // For the help and for completion; what is none is refused in our own words.
  action.argChoices = [...actions];
  program
    .command('log')
    .addArgument(action)
    .argument('[level...]', 'AREA=LEVEL, or LEVEL for all areas')
    .description('show what the daemon logs, or change it while it runs')
    .addHelpText('after', help)
    .action(log);
}

/** `gossip=debug` and `info`, by area. @throws CliError usage */
export function readLevels(texts: readonly string[]): Record<string, string> {
  return parsePairs(
    'log set',
    texts.map((text) => (text.includes('=') ? text : `${everyArea}=${text}`)),
  );
}

async function log(
  action: string | undefined,
  texts: readonly string[],
  _: object,
  verb: Command,
): Promise<void> {
  const options = globalOptions(verb);
  const wanted = readAction(action);
  if (wanted === 'set' && texts.length === 0)
    throw new CliError(2, 'log set changes nothing: write AREA=LEVEL, or LEVEL for all areas');
  if (wanted !== 'set' && texts.length > 0)
    throw new CliError(
      2,
      `log ${wanted} takes no levels: write "disco log set ${texts.join(' ')}"`,
    );
  const change = readLevels(texts);
  const levels = await withDisco(options, async (disco) =>
    wanted === 'show'
      ? (await disco.status()).logLevels
      : disco.setLogLevels(change, wanted === 'reset'),
  );
  printOne(options.output, { levels }, () => table(['AREA', 'LEVEL'], Object.entries(levels)));
}

function readAction(text: string | undefined): Action {
  const found = actions.find((action) => action === (text ?? 'show'));
  if (found !== undefined) return found;
  const wrong = `${JSON.stringify(text)} is nothing to do with the log`;
  throw new CliError(2, `${wrong}: write "disco log", "disco log set …" or "disco log reset"`);
}

/** `disco doctor`: finds the commonest mistakes on this host, and says how each is mended. */
import type { Command } from 'commander';
import { DiscoError, errorText } from '../base/error.ts';
import { version } from '../daemon/version.ts';
import type { DaemonFacts, Facts, SettingsFacts } from './doctor-facts.ts';
import * as look from './doctor-look.ts';
import { judge } from './doctor-rules.ts';
import type { Finding, Verdict } from './finding.ts';
import { paint, print, printList, visible } from './output.ts';
import { globalOptions, withDisco } from './session.ts';
import type { GlobalOptions } from './session.ts';
import { addStartOptions, loadHere } from './start-options.ts';

const help = `
Asks the daemon when there is one, and looks at this host: clock, ports, seed nodes, names, data dir,
disk, limits, versions. Give it the flags of "disco start" that the daemon is started with; it reads
the same environment variables and files. Nothing is changed. 0 when nothing is wrong, else 1.

Examples:
  $ disco doctor
  $ disco doctor --config /etc/disco/disco.json
  $ disco doctor --listen 10.0.0.5:7947 --insecure-open --seeds 10.0.0.4:7947
  $ disco doctor -o json | jq -r '.findings[] | select(.verdict == "wrong").mend'`;

const marks: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  warning: 'warning',
  wrong: 'WRONG',
  unknown: '-',
};

const styles = { ok: 'green', warning: 'yellow', wrong: 'red', unknown: 'dim' } as const;

export function addDoctorVerb(program: Command): void {
  const command = program
    .command('doctor')
    .description('find the commonest mistakes on this host, and say how each is mended')
    .addHelpText('after', help)
    .action(doctor);
  addStartOptions(command, false);
}

async function doctor(flags: Record<string, unknown>, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const findings = judge(await gather(options, flags));
  const ok = findings.every(({ verdict }) => verdict !== 'wrong');
  if (options.output === 'table') for (const finding of findings) tell(finding);
  else printList(options.output, { ok, findings }, findings, () => '', '');
  if (!ok) process.exitCode = 1;
}

async function gather(options: GlobalOptions, flags: Record<string, unknown>): Promise<Facts> {
  const [settings, daemon] = [readSettings({ ...options, ...flags }), await askDaemon(options)];
  const config = settings.kind === 'read' ? settings.config : undefined;
  const status = daemon.kind === 'running' ? daemon.status : undefined;
  const dataDir = status?.dataDir ?? config?.dataDir;
  const [ports, seeds, isClockKept] = await Promise.all([
    status !== undefined
      ? look.dialPorts(status)
      : config === undefined
        ? []
        : look.tryPorts(config),
    settings.kind === 'read' ? look.lookAtSeeds(settings.seeds) : [],
    look.lookAtClock(),
  ]);
  return {
    nodeVersion: process.versions.node,
    version,
    settings,
    daemon,
    dataDir: dataDir === undefined ? undefined : look.lookAtDataDir(dataDir),
    disk: dataDir === undefined ? undefined : look.lookAtDisk(dataDir),
    openFiles: look.lookAtOpenFiles(status?.pid ?? process.pid),
    ports,
    seeds,
    isClockKept,
  };
}

function readSettings(flags: Record<string, unknown>): SettingsFacts {
  try {
    const { config, seeds } = loadHere(flags);
    return { kind: 'read', config, seeds };
  } catch (error) {
    return { kind: 'bad', problem: errorText(error) };
  }
}

/** @throws DiscoError INVALID_ARGUMENT: a wrong --addr is usage, and no finding */
async function askDaemon(options: GlobalOptions): Promise<DaemonFacts> {
  try {
    return await withDisco(options, async (disco) => {
      const [status, members] = await Promise.all([disco.status(), disco.members()]);
      return { kind: 'running', status, members };
    });
  } catch (error) {
    if (error instanceof DiscoError && error.code === 'INVALID_ARGUMENT') throw error;
    return { kind: 'away', problem: errorText(error) };
  }
}

/** A line what, and one how it is mended. */
function tell({ check, verdict, what, mend }: Finding): void {
  const mark = paint(styles[verdict], marks[verdict].padEnd(7));
  print(`${mark}  ${check.padEnd(10)}  ${visible(what)}`);
  if (mend !== '') print(`${' '.repeat(21)}${paint('bold', 'mend:')} ${visible(mend)}`);
}

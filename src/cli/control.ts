/** The verbs about the daemon itself: health, gossip, leave, version, demo. */
import type { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { DiscoError, errorText } from '../base/error.ts';
import { statusFromProto } from '../client/daemon-status.ts';
import type { DaemonStatus } from '../client/daemon-status.ts';
import { version } from '../daemon/version.ts';
import { CliError } from './exit.ts';
import { note, parseDuration, printList, printOne, table } from './output.ts';
import { globalOptions, withDisco, withStub } from './session.ts';
import type { GlobalOptions } from './session.ts';

const pollMs = 100;
const noticeAfterMs = 1_000;

export function addControlVerbs(program: Command): void {
  program
    .command('health')
    .description('0 when the daemon is ready, 1 when it is not, 4 when there is none')
    .option('--wait', 'wait until it is')
    .option('--timeout <duration>', 'how long to wait', '30s')
    .addHelpText('after', '\nExample:\n  $ disco health --wait --timeout 10s && ./my-service')
    .action(health);
  program
    .command('gossip')
    .description('one round of gossip now: with whom, and what changed')
    .addHelpText('after', '\nExample:\n  $ disco gossip')
    .action(gossip);
  program
    .command('leave')
    .description('make the daemon leave its cluster and stop')
    .addHelpText('after', '\nExample:\n  $ disco leave')
    .action(leave);
  program
    .command('version')
    .description('the release of this program')
    .addHelpText('after', '\nExample:\n  $ disco version -o json')
    .action((_: object, verb: Command) => {
      const { output } = globalOptions(verb);
      printOne(output, { version, node: process.version }, () => `disco ${version}`);
    });
  program
    .command('demo')
    .description('five daemons, four services and an entrypoint on this machine, and one failure')
    .option('--stay', 'keep it up until interrupted')
    .addHelpText('after', '\nExample:\n  $ disco demo --stay')
    .action(async (flags: { stay?: boolean }) => {
      const { runDemo } = await import('./demo.ts');
      await runDemo({ isStaying: flags.stay === true });
    });
}

async function health(flags: { wait?: boolean; timeout: string }, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const timeoutMs = parseDuration(flags.timeout);
  const found = flags.wait === true ? await waitReady(options, timeoutMs) : await ask(options);
  const { ready, readiness } = found;
  printOne(
    options.output,
    { ready, readiness },
    () => `${ready ? 'ready' : 'not ready'}: ${readiness}`,
  );
  if (!ready) process.exitCode = 1;
}

function ask(options: GlobalOptions): Promise<DaemonStatus> {
  return withStub(options, (stub) => stub.unary('Status', {}).then(statusFromProto));
}

/** Asks again until the daemon is there and ready. @throws CliError 4, or 1 when it is there */
async function waitReady(options: GlobalOptions, timeoutMs: number): Promise<DaemonStatus> {
  const endMs = performance.now() + timeoutMs;
  const noticeMs = performance.now() + noticeAfterMs;
  let isNoticed = false;
  for (;;) {
    const found = await ask(options).catch((error: unknown) => error);
    if (found instanceof DiscoError && found.code !== 'UNAVAILABLE') throw found;
    const status = found instanceof Error ? undefined : (found as DaemonStatus);
    if (status?.ready === true) return status;
    const state = status === undefined ? errorText(found) : `not ready: ${status.readiness}`;
    if (performance.now() >= endMs)
      throw new CliError(status === undefined ? 4 : 1, `after ${timeoutMs} ms: ${state}`);
    if (!isNoticed && performance.now() >= noticeMs) {
      note(`disco: waiting: ${state}`);
      isNoticed = true;
    }
    await pause(pollMs);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const keepAlive = setInterval(() => undefined, delayMs);
    systemClock.schedule(delayMs, () => {
      clearInterval(keepAlive);
      resolve();
    });
  });
}

async function gossip(_: object, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const exchanges = await withDisco(options, (disco) => disco.gossip());
  const asTable = (): string =>
    table(
      ['NODE', 'OUTCOME', 'CHANGED', 'PEER ID'],
      exchanges.map(({ name, outcome, ownersChanged, peerId }) => [
        name,
        outcome,
        String(ownersChanged.length),
        peerId,
      ]),
    );
  const ifEmpty = 'disco: no neighbor to gossip with';
  printList(options.output, { exchanges }, exchanges, asTable, ifEmpty);
}

async function leave(_: object, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  await withDisco(options, (disco) => disco.leave());
  printOne(options.output, { leaving: true }, () => 'the daemon leaves its cluster and stops');
}

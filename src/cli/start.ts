/** `disco start`: runs the daemon in the foreground. */
import type { Command } from 'commander';
import { DiscoError, errorText } from '../base/error.ts';
import { startTracing } from '../base/tracing-sdk.ts';
import { renderConfig } from '../daemon/config-print.ts';
import { warnings } from '../daemon/config.ts';
import type { LoadedSeeds } from '../daemon/seeds.ts';
import { exitOf } from './exit.ts';
import { globalOptions } from './session.ts';
import { addStartOptions, loadHere } from './start-options.ts';

const examples = `
Every option is also an environment variable (--grpc is DISCO_GRPC) and a key of the config file
(--data-dir is "dataDir"). Precedence: flag, environment, file, default.

Examples:
  $ disco start
  $ disco start --listen 10.0.0.5:7947 --insecure-open --seeds 10.0.0.4:7947,10.0.0.6:7947
  $ disco start --data-dir /tmp/b --listen 127.0.0.1:0 --grpc 127.0.0.1:0 --http off
  $ disco start --config disco.json --print-config`;

export function addStartVerb(program: Command): void {
  const command = program
    .command('start')
    .description('run a daemon on this host')
    .option('--print-config', 'show what would hold, and where each value came from; then end')
    .addHelpText('after', examples)
    .action(async (flags: Record<string, unknown>, verb: Command) => start(flags, verb));
  addStartOptions(command, true);
}

async function start(flags: Record<string, unknown>, verb: Command): Promise<void> {
  const withSeeds = loadHere({ ...globalOptions(verb), ...flags });
  if (flags['printConfig'] === true) {
    const { output } = globalOptions(verb);
    const text = renderConfig(withSeeds, output === 'table' ? 'table' : 'json');
    process.stdout.write(output === 'ndjson' ? `${JSON.stringify(JSON.parse(text))}\n` : text);
    return;
  }
  await runDaemon(withSeeds);
}

async function runDaemon({ config, seeds }: LoadedSeeds): Promise<void> {
  // Loaded here, so that the other verbs do not pay for libp2p.
  const [{ Daemon }, { createLog }] = await Promise.all([
    import('../daemon/daemon.ts'),
    import('../daemon/logger.ts'),
  ]);
  const log = createLog(config, process.stderr.isTTY);
  for (const warning of warnings(config)) log.warn({ warning }, 'configuration');
  const warn = (warning: string): void => log.warn({ warning }, 'tracing');
  const stopTracing = await startTracing({ serviceName: 'disco', warn });
  const daemon = new Daemon(config, seeds, log);
  // libp2p drops a promise now and then when a peer goes; that must not take this node along.
  process.on('unhandledRejection', (error) => {
    log.error({ error: errorText(error) }, 'unhandled rejection');
  });
  let isStopping = false;
  const signalled = new Promise<string>((resolve) => {
    // Never taken off: between two handlers a second signal would find none.
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        if (isStopping) process.exit(1);
        isStopping = true;
        resolve(signal);
      });
  });
  await daemon.start();
  process.on('SIGHUP', () => daemon.reloadServices());
  const cause = await Promise.race([signalled, daemon.leaveAsked, daemon.failed]);
  isStopping = true;
  if (cause instanceof DiscoError) {
    log.error({ reason: cause.reason, error: cause.message }, 'cannot go on');
    // Without a goodbye: what this one signs now, the other has to undo.
    await daemon.stop({ isGraceful: false });
    await stopTracing();
    process.exit(exitOf(cause).exitCode);
  }
  log.info({ cause: cause ?? 'asked to leave' }, 'stopping');
  await daemon.stop();
  await stopTracing();
  // Whatever a library still holds open must not keep a stopped daemon.
  process.exit(0);
}

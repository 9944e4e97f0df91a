/**
 * bin/math-service.js: one operation, registered as math/<operation>.
 */
import { Argument, Command } from 'commander';
import { withTracing } from '../base/tracing-sdk.ts';
import { addressFlag, lingerMs, parseFlags, portFlag } from './service-process.ts';
import { report, runUntilSignal } from './service-process.ts';
import { MathService } from './math-service.ts';
import { operations, type Operation } from './operation.ts';

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly addr?: string;
}

async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('math-service')
    .description('serves one operation over gRPC and registers it with the disco daemon')
    .addArgument(new Argument('<operation>', 'what to compute').choices([...operations]))
    .option('--port <port>', 'where to listen; 0: the system chooses', portFlag, 0)
    .option('--host <host>', 'on which address', hostFlag, '127.0.0.1')
    .option('--addr <address>', 'the daemon: unix:/path or host:port (default: it is looked for)');
  const done = parseFlags(command, argv);
  if (done !== undefined) return done;
  const operation = command.args[0] as Operation;
  const { port, host, addr } = command.opts<Flags>();
  return runUntilSignal(async (signal) => {
    const connect = { address: addr };
    const listen = { host, port };
    const told = { report, signal };
    const service = await MathService.start({ operation, listen, connect, lingerMs, ...told });
    process.stdout.write(
      `${operation} serves on ${service.address}, registered as math/${operation}\n`,
    );
    return service;
  });
}

/** A literal IP, with or without the brackets of IPv6, or a host name. */
function hostFlag(text: string): string {
  const bracketed = text.includes(':') && !text.startsWith('[') ? `[${text}]` : text;
  return addressFlag(`${bracketed}:0`).host;
}

const tracing = { serviceName: `math-${process.argv[2] ?? 'service'}`, warn: report };
process.exitCode = await withTracing(tracing, () => main(process.argv.slice(2)));
// Nothing that is still open may keep a stopped service up.
process.exit();

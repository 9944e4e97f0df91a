/**
 * bin/entrypoint.js: evaluates expressions, as a server or once.
 */
import { Command } from 'commander';
import type { Address } from '../base/address.ts';
import { errorText } from '../base/error.ts';
import { withTracing } from '../base/tracing-sdk.ts';
import { Entrypoint, evaluateOnce } from './entrypoint.ts';
import { SyntaxProblem } from './evaluation-error.ts';
import { addressFlag, lingerMs, parseFlags, report, runUntilSignal } from './service-process.ts';

interface Flags {
  readonly grpc: Address;
  readonly http: Address;
  readonly addr?: string;
  readonly eval?: string;
  readonly trace?: true;
}

const anyPort: Address = { host: '127.0.0.1', port: 0 };

async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('entrypoint')
    .description('evaluates expressions with the math services that disco finds')
    .option('--grpc <address>', 'HOST:PORT for gRPC (default: 127.0.0.1:0)', addressFlag)
    .option('--http <address>', 'HOST:PORT for HTTP (default: 127.0.0.1:0)', addressFlag)
    .option('--addr <address>', 'the daemon: unix:/path or host:port (default: it is looked for)')
    .option('--eval <expression>', 'evaluate this, print the result and end')
    .option('--trace', 'with --eval: print which instance computed each step')
    .allowExcessArguments(false);
  const done = parseFlags(command, argv);
  if (done !== undefined) return done;
  const flags = command.opts<Partial<Flags>>();
  const connect = { address: flags.addr };
  if (flags.eval !== undefined)
    return printOnce(flags.eval, { trace: flags.trace === true, connect });
  return runUntilSignal(async (signal) => {
    const { grpc = anyPort, http = anyPort } = flags;
    const entrypoint = await Entrypoint.start({ grpc, http, connect, lingerMs, report, signal });
    process.stdout.write(
      `entrypoint serves gRPC on ${entrypoint.grpcAddress} and HTTP on ` +
        `${entrypoint.httpAddress}, registered as math/entrypoint\n`,
    );
    return entrypoint;
  });
}

async function printOnce(
  text: string,
  options: Parameters<typeof evaluateOnce>[1],
): Promise<number> {
  try {
    for (const line of await evaluateOnce(text, options)) process.stdout.write(`${line}\n`);
    return 0;
  } catch (error) {
    report(errorText(error));
    return error instanceof SyntaxProblem ? 2 : 1;
  }
}

const tracing = { serviceName: 'entrypoint', warn: report };
process.exitCode = await withTracing(tracing, () => main(process.argv.slice(2)));
// Nothing that is still open may keep a stopped service up.
process.exit();

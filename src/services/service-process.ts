/**
 * A service as a process: flags in, exit code out, signals in between.
 *
 * 0: done, or stopped by SIGTERM or SIGINT; 1: failed; 2: not understood. A second signal ends the
 * process at once.
 */
import * as grpc from '@grpc/grpc-js';
import { type Command, CommanderError, InvalidArgumentError } from 'commander';
import { parseAddress, type Address } from '../base/address.ts';
import { errorText } from '../base/error.ts';

/**
 * How long a service serves on after it was deregistered, ms: that everybody hears of it takes a
 * tenth of a second.
 */
export const lingerMs = 250;

/** What is running, and how to end it. */
export interface Running {
  stop(): Promise<void>;
}

/** Parses flags; an exit code instead when there is nothing more to do: help, or a mistake. */
export function parseFlags(command: Command, argv: readonly string[]): number | undefined {
  try {
    command.exitOverride().parse(argv, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}

/** For flags that take HOST:PORT; port 0 lets the system choose. */
export function addressFlag(text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new InvalidArgumentError(errorText(error));
  }
}

/** For flags that take a port; 0 lets the system choose. */
export function portFlag(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('expected a port, 0 to 65535');
}

/** One line for people, on standard error: standard output is for what was asked. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Starts, runs until the first SIGTERM or SIGINT, stops.
 *
 * @returns the exit code
 */
export async function runUntilSignal(
  start: (signal: AbortSignal) => Promise<Running>,
): Promise<number> {
  const asked = new AbortController();
  const onSignal = (): void => {
    if (asked.signal.aborted) process.exit(1);
    asked.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  // What grpc-js would print by itself is in the errors, too.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  try {
    const running = await start(asked.signal);
    await aborted(asked.signal);
    await running.stop();
    return 0;
  } catch (error) {
    if (asked.signal.aborted) return 0;
    report(errorText(error));
    return 1;
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

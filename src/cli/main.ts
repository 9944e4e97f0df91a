/** `disco`: runs one command line. */
import { CommanderError } from 'commander';
import { exitOf } from './exit.ts';
import { note } from './output.ts';
import { createProgram } from './program.ts';

/** Runs one command line; answers the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(argv);
    await program.parseAsync([...argv], { from: 'user' });
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

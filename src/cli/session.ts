/** One connection to the daemon for the length of one verb. */
import type { Command } from 'commander';
import { findDaemon } from '../client/daemon-address.ts';
import type { Disco } from '../client/disco.ts';
import type { PlainStub } from '../client/plain-stub.ts';
import type { OutputForm } from './output.ts';

/** Options that every verb has. */
export interface GlobalOptions {
  readonly addr?: string;
  readonly dataDir?: string;
  readonly output: OutputForm;
}

const deadlineMs = 10_000;

export function globalOptions(command: Command): GlobalOptions {
  const { addr, dataDir, output } = command.optsWithGlobals<Partial<GlobalOptions>>();
  return {
    ...(addr === undefined ? {} : { addr }),
    ...(dataDir === undefined ? {} : { dataDir }),
    output: output ?? 'table',
  };
}

/** Runs `use` with a client, and closes it however that ends. */
export async function withDisco<T>(
  options: GlobalOptions,
  use: (disco: Disco) => Promise<T>,
): Promise<T> {
  const [{ Disco: Client }, stub] = await Promise.all([
    import('../client/disco.ts'),
    openStub(options),
  ]);
  const disco = Client.over(stub, deadlineMs);
  try {
    return await use(disco);
  } finally {
    await disco.close();
  }
}

/** The same with the bare calls, for what outlives this process. */
export async function withStub<T>(
  options: GlobalOptions,
  use: (stub: PlainStub) => Promise<T>,
): Promise<T> {
  const stub = await openStub(options);
  try {
    return await use(stub);
  } finally {
    stub.close();
  }
}

/** Loaded when it is needed: help, usage errors and completion go without. */
async function openStub({ addr, dataDir }: GlobalOptions): Promise<PlainStub> {
  const { PlainStub: Stub } = await import('../client/plain-stub.ts');
  return new Stub(findDaemon({ address: addr, dataDir }), deadlineMs);
}

/** One connection to the daemon for the length of one verb. */
import type { Command } from 'commander';
import { findDaemon } from '../client/daemon-address.ts';
import { Disco } from '../client/disco.ts';
import { DiscoveryStub } from '../client/discovery-stub.ts';
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
  { addr, dataDir }: GlobalOptions,
  use: (disco: Disco) => Promise<T>,
): Promise<T> {
  const disco = await Disco.connect({ address: addr, dataDir, timeoutMs: deadlineMs });
  try {
    return await use(disco);
  } finally {
    await disco.close();
  }
}

/** The same with the bare calls, for what outlives this process. */
export async function withStub<T>(
  { addr, dataDir }: GlobalOptions,
  use: (stub: DiscoveryStub) => Promise<T>,
): Promise<T> {
  const stub = new DiscoveryStub(findDaemon({ address: addr, dataDir }), deadlineMs);
  try {
    return await use(stub);
  } finally {
    stub.close();
  }
}

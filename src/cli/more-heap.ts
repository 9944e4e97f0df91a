/**
 * More heap: V8 sets the bound of its heap when a process starts, at some 4 GiB whatever the host
 * has. Who needs more runs the same command once again, in a process with a higher bound.
 */
import { spawn } from 'node:child_process';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

const mib = 1024 ** 2;
/** Of the memory that this process may use; the rest is for buffers, code and others. */
const heapShare = 0.75;
/**
 * Of the heap, for what was made just now, MiB. Where ten thousand nodes take turns, a timer or a
 * frame outlives many megabytes of other objects: in V8's usual 64 MiB it is moved twice, and then
 * taken for something that stays.
 */
const youngShare = 1 / 32;
const youngMibMax = 256;

/** What decides it, in bytes. */
export interface HeapFacts {
  readonly neededBytes: number;
  /** The present bound. */
  readonly limitBytes: number;
  /** What the host, or the container, has. */
  readonly memoryBytes: number;
}

/** The bound to run again with, MiB; undefined when the present one is enough, or all there is. */
export function heapToRerunWith(facts: HeapFacts): number | undefined {
  const { neededBytes, limitBytes, memoryBytes } = facts;
  const possible = heapShare * memoryBytes;
  if (neededBytes <= limitBytes || possible <= limitBytes) return undefined;
  return Math.floor(Math.min(neededBytes, possible) / mib);
}

/** What V8 has to be told for a heap of so many MiB. */
export function flagsForHeap(heapMib: number): string[] {
  const youngMib = Math.min(youngMibMax, Math.ceil(heapMib * youngShare));
  return [`--max-old-space-size=${heapMib}`, `--max-semi-space-size=${youngMib}`];
}

/**
 * Runs this very command again when its heap is too small, and ends as that run does.
 *
 * @returns whether that happened: then there is nothing left to do
 */
export async function ranWithMoreHeap(neededBytes: number): Promise<boolean> {
  const limitBytes = getHeapStatistics().heap_size_limit;
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  const heapMib = heapToRerunWith({ neededBytes, limitBytes, memoryBytes });
  if (heapMib === undefined) return false;
  const flags = [...process.execArgv, ...flagsForHeap(heapMib)];
  const child = spawn(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; this one only waits for the other.
  const wait = (): void => {};
  const end = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', wait).on('SIGTERM', end);
  const exitCode = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
  process.off('SIGINT', wait).off('SIGTERM', end);
  process.exitCode = exitCode;
  return true;
}

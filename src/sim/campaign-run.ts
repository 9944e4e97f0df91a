/** Runs a campaign's seeds on worker threads, one simulation each at a time. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SimResult } from './run.ts';

/** What the options of all runs have in common. */
export interface CampaignTask {
  readonly durationMs: number;
}

/**
 * @param seeds are taken one by one, as workers become idle; may be endless
 * @param take is called for each result, in the order in which they end; false: no more are begun
 * @throws what a simulation throws
 */
export async function runSeeds(
  seeds: Iterable<number>,
  workers: number,
  take: (result: SimResult) => boolean,
  task: CampaignTask = { durationMs: 300_000 },
): Promise<void> {
  const iterator = seeds[Symbol.iterator]();
  let isWanted = true;
  const work = async (): Promise<void> => {
    const worker = new Worker(workerUrl(), { workerData: task });
    try {
      for (let next = iterator.next(); isWanted && next.done !== true; next = iterator.next()) {
        const result = await resultOf(worker, next.value);
        isWanted = take(result) && isWanted;
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

/** Beside this file, in TypeScript or built. */
function workerUrl(): URL {
  return new URL(`./campaign-worker${extname(import.meta.url)}`, import.meta.url);
}

function resultOf(worker: Worker, randomSeed: number): Promise<SimResult> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onResult);
      worker.off('error', onError);
    };
    const onResult = (result: SimResult): void => {
      settle();
      resolve(result);
    };
    const onError = (error: unknown): void => {
      settle();
      const cause = error instanceof Error ? error : new Error(String(error));
      reject(new Error(`random seed ${randomSeed} ended its worker`, { cause }));
    };
    worker.on('message', onResult);
    worker.on('error', onError);
    worker.postMessage(randomSeed);
  });
}

/** A worker thread of a campaign: takes random seeds, answers with results, one at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CampaignTask } from './campaign-run.ts';
import { campaignOptions } from './campaign.ts';
import { simulate } from './simulate.ts';

const { durationMs } = workerData as CampaignTask;

parentPort?.on('message', (randomSeed: number) => {
  // What throws ends the worker, and so the campaign.
  void simulate(campaignOptions(randomSeed, durationMs)).then((result) =>
    parentPort?.postMessage(result),
  );
});

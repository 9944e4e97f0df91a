/** A worker thread of a campaign: takes random seeds, answers with results, one at a time. */
import { parentPort } from 'node:worker_threads';
import { campaignOptions } from './campaign.ts';
import { simulate } from './simulate.ts';

parentPort?.on('message', (randomSeed: number) => {
  // What throws ends the worker, and so the campaign.
  void simulate(campaignOptions(randomSeed)).then((result) => parentPort?.postMessage(result));
});

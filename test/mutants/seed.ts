/** One run of the simulator's campaign: `seed.ts RANDOM_SEED` prints what came of it as JSON. */
import { campaignOptions } from '../../src/sim/campaign.ts';
import { simulate } from '../../src/sim/simulate.ts';

const { violations, isConverged, sometimes } = await simulate(
  campaignOptions(Number(process.argv[2])),
);
process.stdout.write(`${JSON.stringify({ violations, isConverged, sometimes })}\n`);

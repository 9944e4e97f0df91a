/**
 * A short campaign: 60 random seeds, each 16 to 32 nodes over five virtual minutes, with faults of
 * all kinds and the long times divided by 720. Run it alone with `npm run sim:quick`.
 */
import { availableParallelism } from 'node:os';
import t from 'tap';
import { Tally } from '../../src/sim/campaign.ts';
import { runSeeds } from '../../src/sim/campaign-run.ts';
import { commandOf } from '../../src/sim/command.ts';

const count = Number(process.env['DISCO_SIM_SEEDS'] ?? 60);
const seeds = Array.from({ length: count }, (_, index) => index + 1);

t.setTimeout(600_000);

t.test(`${count} random seeds: nothing that must hold is violated, and all is tried`, async (t) => {
  const tally = new Tally();
  await runSeeds(seeds, availableParallelism(), (result) => {
    tally.add(result);
    return true;
  });
  t.equal(tally.runs, count);
  t.strictSame(
    tally.failed.map(({ options, violations }) => {
      const [first] = violations;
      return `${commandOf(options)}: ${first?.checker}: ${first?.sentence}`;
    }),
    [],
  );
  t.strictSame(tally.missed, [], 'each state was reached at least once');
  t.comment(`${tally.events} steps of ${tally.nodes} nodes`);
});

import { test } from 'tap';
import { campaignOptions, Tally } from '../../src/sim/campaign.ts';
import { faultKinds } from '../../src/sim/faults.ts';
import { simulate } from '../../src/sim/simulate.ts';
import { calmOptions } from './options.ts';

const seeds = Array.from({ length: 200 }, (_, index) => index + 1);

test('a random seed stands for its options, and all kinds of faults are among them', (t) => {
  t.strictSame(campaignOptions(7), campaignOptions(7));
  const all = seeds.map((seed) => campaignOptions(seed));
  const kinds = new Set(all.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  t.strictSame([...kinds].toSorted(), Object.keys(faultKinds).toSorted());
  t.ok(all.every(({ nodes }) => nodes >= 16 && nodes <= 32));
  const late = all.flatMap(({ faults, durationMs }) =>
    faults.filter(({ untilMs }) => untilMs > 0.7 * durationMs),
  );
  t.strictSame(late, [], 'the end of each run is quiet');
  t.end();
});

test('a state that no run reached, and a run that failed, are told', async (t) => {
  const tally = new Tally();
  const result = await simulate({ ...calmOptions, durationMs: 2_000 });
  tally.add({ ...result, sometimes: { 'a dream came true': 0, 'rain fell': 2 } });
  t.ok(tally.missed.includes('a dream came true'));
  t.ok(tally.missed.includes('fault: crash'));
  t.ok(tally.missed.includes('fault: partition one-way'), 'of each kind every shape');
  t.notOk(tally.missed.includes('rain fell'));
  tally.add({ ...result, sometimes: { 'a dream came true': 1 } });
  t.notOk(tally.missed.includes('a dream came true'));
  t.strictSame(tally.failed, []);
  const violation = { checker: 'converged', atMs: 1, node: undefined, sentence: 'never' };
  tally.add({ ...result, violations: [violation] });
  t.equal(tally.failed.length, 1);
  t.equal(tally.runs, 3);
});

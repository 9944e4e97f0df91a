/**
 * Most of a cluster dies at once, in the simulator with the real engine.
 *
 *   node bench/mass-death.ts [--nodes 500,2000] [--shares 0.5,0.8,0.9] [--endings killed,vanished]
 *                            [--changes 100] [--gap 100] [--delay 25] [--jitter 0.2] [--from 1]
 *
 * From the moment of the deaths on there are registrations at random survivors. Exits 1 when those
 * that are killed keep one of them from any survivor for more than 5 s; and, also where nodes vanish
 * without a word, when the survivors do not all find each other again or hold one for dead.
 */
import { parseArgs } from 'node:util';
import { loadAverage, machineFacts } from './propagation-cluster.ts';
import { quantileText } from './quantiles.ts';
import { lateMs } from './sim-broadcast.ts';
import { endings, simulateMassDeath } from './sim-mass-death.ts';
import type { Ending } from './sim-mass-death.ts';

const patienceMs = 120_000;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '500,2000' },
    shares: { type: 'string', default: '0.5,0.8,0.9' },
    endings: { type: 'string', default: endings.join() },
    changes: { type: 'string', default: '100' },
    gap: { type: 'string', default: '100' },
    delay: { type: 'string', default: '25' },
    jitter: { type: 'string', default: '0.2' },
    from: { type: 'string', default: '1' },
  },
});

console.log(machineFacts());
for (const nodes of values.nodes.split(',').map(Number))
  for (const share of values.shares.split(',').map(Number))
    for (const ending of endings)
      if (values.endings.split(',').includes(ending)) judge(nodes, share, ending);

function judge(nodes: number, share: number, ending: Ending): void {
  const cpuBefore = process.cpuUsage();
  const result = simulateMassDeath({
    nodes,
    share,
    ending,
    changes: Number(values.changes),
    gapMs: Number(values.gap),
    delayMs: Number(values.delay),
    jitter: Number(values.jitter),
    randomSeed: Number(values.from),
    patienceMs,
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const { survivors, pairs, unseen, times, last, linkedMs, hiddenMs, falseDeaths } = result;
  console.log(`\n${nodes} nodes, of which ${nodes - survivors} are ${ending} at once`);
  console.log(`changes to each survivor: ${quantileText(times)}`);
  console.log(`  to the last one:        ${quantileText(last)}`);
  console.log(`${pairs - unseen} of ${pairs} pairs of change and survivor`);
  console.log(`all links are made anew after ${secondsText(linkedMs)}`);
  console.log(`all of the dead are off the lists after ${secondsText(hiddenMs)}`);
  console.log(`${falseDeaths} times a survivor was held for dead`);
  const cpuSeconds = ((user + system) / 1e6).toFixed(0);
  const isInTime = unseen === 0 && last.max <= lateMs;
  const isRepaired = linkedMs !== undefined && falseDeaths === 0;
  const isGood = isRepaired && (isInTime || ending === 'vanished');
  if (!isGood) process.exitCode = 1;
  const bound = ending === 'killed' ? `, bound ${lateMs} ms` : '';
  const verdict = `${isGood ? 'PASS' : 'FAIL'}: the last after ${last.max.toFixed(0)} ms${bound}`;
  console.log(`${verdict}; ${result.events} steps, ${cpuSeconds} s of CPU, ${loadAverage()}`);
}

function secondsText(ms: number | undefined): string {
  return ms === undefined ? `more than ${patienceMs / 1_000} s` : `${(ms / 1_000).toFixed(1)} s`;
}

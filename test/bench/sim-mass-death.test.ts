/** Most of a small cluster goes in one moment; `npm run bench:mass-death` does it to large ones. */
import t from 'tap';
import { simulateMassDeath } from '../../bench/sim-mass-death.ts';
import type { MassDeathOptions, MassDeathResult } from '../../bench/sim-mass-death.ts';

/** What the rest has for each change. */
const boundMs = 5_000;
const links = { gapMs: 100, delayMs: 25, jitter: 0.2 };

function simulated(
  options: Pick<MassDeathOptions, 'nodes' | 'share' | 'ending' | 'changes' | 'patienceMs'>,
  randomSeed = 1,
): MassDeathResult {
  return simulateMassDeath({ ...options, ...links, randomSeed });
}

for (const share of [0.5, 0.8, 0.9])
  t.test(`when ${share * 100} % are killed the rest is told of every change in 5 s`, (t) => {
    const nodes = 60;
    const result = simulated({ nodes, share, ending: 'killed', changes: 10, patienceMs: 60_000 });
    const survivors = nodes - Math.round(share * nodes);
    t.equal(result.survivors, survivors);
    t.equal(result.pairs, 10 * (survivors - 1));
    t.equal(result.unseen, 0);
    t.ok(result.last.max <= boundMs, `${result.last.max} ms`);
    t.type(result.linkedMs, 'number', 'all links are made anew');
    t.equal(result.falseDeaths, 0);
    t.end();
  });

t.test('when half of them vanish the rest is told of every change in 5 s', (t) => {
  const rest = { share: 0.5, ending: 'vanished', changes: 10, patienceMs: 60_000 } as const;
  const result = simulated({ nodes: 60, ...rest });
  t.equal(result.unseen, 0);
  t.ok(result.last.max <= boundMs, `${result.last.max} ms`);
  t.type(result.linkedMs, 'number');
  t.type(result.hiddenMs, 'number', 'and shows none of those that are gone');
  t.equal(result.falseDeaths, 0);
  t.end();
});

t.test('two that are left where all others vanished find each other', (t) => {
  const rest = { share: 58 / 60, ending: 'vanished', changes: 1, patienceMs: 60_000 } as const;
  for (const randomSeed of [1, 2]) {
    const { survivors, linkedMs, falseDeaths } = simulated({ nodes: 60, ...rest }, randomSeed);
    t.equal(survivors, 2);
    t.ok(linkedMs !== undefined && linkedMs <= 40_000, `${linkedMs} ms`);
    t.equal(falseDeaths, 0);
  }
  t.end();
});

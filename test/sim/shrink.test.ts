/** Cutting a failing run down, with made-up reasons to fail of which the least is known. */
import fc from 'fast-check';
import t from 'tap';
import { optionsOf } from '../../src/sim/command.ts';
import type { GivenFlag } from '../../src/sim/command.ts';
import type { Fault, SimOptions } from '../../src/sim/run.ts';
import { failsLike, shrink } from '../../src/sim/shrink.ts';
import { anyOptions, makeResult } from './result-fixtures.ts';

const stormy = optionsOf([
  ['--nodes', '64'],
  ['--duration', '5m'],
  ['--loss', '0.3'],
  ['--duplicate', '0.1'],
  ['--reorder', '0.1'],
  ['--cold', ''],
  ['--real-signatures', ''],
  ['--partition', 'halves@10s-40s'],
  ['--crash', '8@50s-60s'],
  ['--crash', 'n5,n9-n20@80s-90s'],
  ['--pause', '5@20s-50s'],
  ['--clock-jump', '2@30s:+10y'],
] satisfies GivenFlag[]);

const kinds = ({ faults }: SimOptions): string[] => faults.map(({ kind }) => kind);

async function shrunk(fails: (options: SimOptions) => boolean, from = stormy, runsMax = 1_000) {
  const seen: SimOptions[] = [];
  const answer = await shrink(from, {
    runsMax,
    fails: (options) => {
      seen.push(options);
      return Promise.resolve(fails(options));
    },
  });
  return { ...answer, seen };
}

t.test('what fails whatever is asked is cut down to nothing', async (t) => {
  const { options, isComplete } = await shrunk(() => true);
  const { randomSeed } = stormy;
  t.match(options, { nodes: 2, durationMs: 1_000, faults: [], loss: 0, isWarm: true, randomSeed });
  t.match(options, { duplicate: 0, reorder: 0, latencyJitter: 0, changesPerMinute: 0 });
  t.match(options, { realSignatures: false });
  t.ok(isComplete);
});

t.test('what fails only as it is comes back as it was', async (t) => {
  const { options, isComplete, seen } = await shrunk(() => false);
  t.equal(options, stormy);
  t.ok(isComplete);
  t.notOk(
    seen.some((each) => JSON.stringify(each) === JSON.stringify(stormy)),
    'it is not run',
  );
  t.equal(new Set(seen.map((each) => JSON.stringify(each))).size, seen.length, 'nothing twice');
});

t.test('of five faults the two are left that it takes', async (t) => {
  const { options } = await shrunk((tried) => {
    return kinds(tried).includes('pause') && kinds(tried).includes('clock-jump');
  });
  t.strictSame(kinds(options), ['pause', 'clock-jump']);
  t.match(options, { nodes: 2, loss: 0, durationMs: 10_000 });
  t.match(
    options.faults[0],
    { count: 1, atMs: 0, untilMs: 100 },
    'and they strike briefly, at once',
  );
});

t.test('nodes go down to the number that it takes, and faults with them', async (t) => {
  const least = 11;
  const { options } = await shrunk(
    (tried) => tried.nodes >= least && kinds(tried).includes('crash'),
  );
  t.equal(options.nodes, least);
  for (const { count, nodes } of options.faults)
    t.ok(count <= least && nodes.every((node) => node <= least));
});

t.test('of the nodes that a fault names those are left that it takes', async (t) => {
  const { options } = await shrunk(({ faults }) =>
    faults.some(({ nodes }) => nodes.includes(9) && nodes.includes(13)),
  );
  t.match(options, { nodes: 13, faults: [{ nodes: [9, 13] }] });
  t.equal(options.faults.length, 1);
});

t.test('of as many nodes as usual one is left when that is enough', async (t) => {
  const usual = optionsOf([['--crash', 'some@1s-2s']]);
  const { options } = await shrunk(({ faults }) => faults.length === 1, usual);
  t.match(options.faults, [{ count: 1, nodes: [] }]);
});

t.test('time goes down to the second that it takes', async (t) => {
  const { options } = await shrunk(({ durationMs }) => durationMs >= 73_400);
  t.equal(options.durationMs, 74_000);
});

t.test('loss goes down by halves to about what it takes', async (t) => {
  const { options } = await shrunk(({ loss }) => loss >= 0.04);
  t.ok(options.loss >= 0.04 && options.loss < 0.08, `${options.loss}`);
});

t.test('it stops when the runs are used up, with the smallest until then', async (t) => {
  const runsMax = 7;
  const { options, runs, isComplete, seen } = await shrunk(
    ({ nodes }) => nodes >= 9,
    stormy,
    runsMax,
  );
  t.strictSame({ runs, isComplete, calls: seen.length }, { runs: 7, isComplete: false, calls: 7 });
  t.ok(options.nodes >= 9);
});

t.test('equal options shrink by the very same runs', async (t) => {
  const fails = ({ nodes, loss }: SimOptions): boolean => (nodes * 7) % 5 !== 1 && loss > 0.01;
  const [once, again] = [await shrunk(fails), await shrunk(fails)];
  t.strictSame(once, again);
});

t.test('whoever is told of each cut sees the last one as the answer', async (t) => {
  const told: [SimOptions, number][] = [];
  const { options } = await shrink(stormy, {
    runsMax: 1_000,
    fails: ({ nodes }) => Promise.resolve(nodes >= 5),
    onSmaller: (smaller, runs) => told.push([smaller, runs]),
  });
  t.equal(told.at(-1)?.[0], options);
  t.strictSame(
    told.map(([, runs]) => runs),
    told.map(([, runs]) => runs).toSorted((a, b) => a - b),
  );
});

/** What no cut may make of a fault. */
const isSound = ({ nodes, durationMs }: SimOptions, fault: Fault): boolean =>
  fault.atMs <= durationMs &&
  fault.untilMs >= fault.atMs &&
  fault.count <= nodes &&
  fault.nodes.every((node) => node <= nodes);

t.test('every run that is tried could be asked for, and the answer fails', async (t) => {
  const property = fc.asyncProperty(anyOptions(), fc.nat(), async (options, chance) => {
    const fails = (tried: SimOptions): boolean => (JSON.stringify(tried).length * chance) % 3 !== 0;
    const { options: smallest, seen } = await shrunk(fails, options, 100);
    for (const tried of seen) t.ok(tried.faults.every((fault) => isSound(tried, fault)));
    t.ok(smallest === options || fails(smallest));
  });
  await fc.assert(property, { seed: 20_260_104, numRuns: 50 });
});

t.test('it fails alike when a checker that was violated is violated again', (t) => {
  const of = (...checkers: string[]) =>
    makeResult({
      violations: checkers.map((checker) => ({ checker, atMs: 1, node: 1, sentence: '' })),
      isConverged: false,
    });
  const isAlike = failsLike(of('no zombie', 'bounds'));
  t.strictSame([of('bounds'), of('invariant'), of()].map(isAlike), [true, false, false]);
  const isApart = failsLike(of());
  t.strictSame([of(), makeResult()].map(isApart), [true, false]);
  t.end();
});

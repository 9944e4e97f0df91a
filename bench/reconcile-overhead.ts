/**
 * What it costs to find the difference of two sets: symbols, time, and how good the estimate is.
 *
 *   node bench/reconcile-overhead.ts [--trials 1]
 *
 * No daemons, no network: sketches alone, from fixed random seeds, so the symbols are the same on
 * every run and only times vary. `--trials 10` tries ten times as often. Exits 1 when one difference
 * takes more than one symbol, several on average more than 1.8 each, or an insert into a sketch of
 * 8,192 symbols more than 1 µs.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/base/random.ts';
import { elementKey, elementOf } from '../src/gossip/element.ts';
import type { Element } from '../src/gossip/element.ts';
import { decodeDifference } from '../src/gossip/sketch-decoder.ts';
import { Sketch, symbolBytes } from '../src/gossip/sketch.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

/** Differences, how often they are tried, and what a model of the paper's scheme needs of symbols. */
const rows = [
  { differences: 1, trials: 2_000, expected: 1.0 },
  { differences: 2, trials: 20_000, expected: 1.66 },
  { differences: 4, trials: 10_000, expected: 1.79 },
  { differences: 10, trials: 5_000, expected: 1.7 },
  { differences: 30, trials: 2_000, expected: 1.62 },
  { differences: 100, trials: 1_000, expected: 1.45 },
  { differences: 1_000, trials: 200, expected: 1.39 },
];
const overheadBound = 1.8;
const insertNsBound = 1_000;
const digestSymbols = 4;
const symbolsMax = 8_192;

const { values } = parseArgs({ options: { trials: { type: 'string', default: '1' } } });
const factor = Number(values.trials);
if (!Number.isInteger(factor) || factor < 1) throw new Error(`--trials ${values.trials}`);

const random = seededRandom(1);
const key = elementKey(randomBytes(16));
const broken: string[] = [];

console.log(machineFacts());
console.log(`load average ${loadAverage()}`);
reportSymbols();
reportEstimates();
reportTimes();
for (const promise of broken) console.log(`BROKEN: ${promise}`);
process.exitCode = broken.length === 0 ? 0 : 1;

function randomBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.int(256));
}

function makeElements(count: number): Element[] {
  return Array.from({ length: count }, () => elementOf(randomBytes(32), key));
}

/** Two sets that differ by so many elements, half on each side; what both hold cancels out. */
function makePair(differences: number, symbols: number): { mine: Sketch; theirs: Sketch } {
  const [mine, theirs] = [new Sketch(symbols), new Sketch(symbols)];
  for (const [index, element] of makeElements(differences).entries())
    (index % 2 === 0 ? mine : theirs).add(element);
  return { mine, theirs };
}

/** The fewest symbols that decode: what decodes from some does from more. */
function symbolsNeeded(mine: Sketch, theirs: Sketch): number {
  const isEnough = (count: number) =>
    decodeDifference(mine, theirs.symbols(0, count)).kind === 'decoded';
  let enough = 1;
  while (!isEnough(enough)) enough *= 2;
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (isEnough(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

function reportSymbols(): void {
  console.log(`\nsymbols of ${symbolBytes} bytes a difference (the paper: 1.35 to 1.8)`);
  print('differences', 'trials', 'mean', 'p95', 'max', 'model', `from ${digestSymbols}`);
  for (const { differences, trials, expected } of rows) {
    const needed = Array.from({ length: trials * factor }, () => {
      const { mine, theirs } = makePair(differences, symbolsMax);
      return symbolsNeeded(mine, theirs);
    }).toSorted((a, b) => a - b);
    const each = (symbols: number) => (symbols / differences).toFixed(2);
    const mean = meanOf(needed);
    const fromDigest = needed.filter((symbols) => symbols <= digestSymbols).length / needed.length;
    print(
      differences,
      needed.length,
      each(mean),
      each(needed[Math.floor(needed.length * 0.95)] as number),
      each(needed.at(-1) as number),
      expected.toFixed(2),
      `${(fromDigest * 100).toFixed(1)} %`,
    );
    const bound = differences === 1 ? 1 : overheadBound * differences;
    if (mean > bound) broken.push(`${differences} differences took ${each(mean)} symbols each`);
  }
}

function reportEstimates(): void {
  console.log('\nestimate of the difference, as a share of the truth');
  print('differences', 'trials', 'mean', 'deviation', 'lowest', 'highest');
  for (const differences of [2, 10, 100, 1_000]) {
    const shares = Array.from({ length: 200 * factor }, () => {
      const { mine, theirs } = makePair(differences, 1);
      return mine.estimate(theirs.estimator()) / differences;
    });
    const deviation = Math.sqrt(meanOf(shares.map((share) => (share - 1) ** 2)));
    print(
      differences,
      shares.length,
      ...[meanOf(shares), deviation, Math.min(...shares), Math.max(...shares)].map((share) =>
        share.toFixed(2),
      ),
    );
  }
}

function reportTimes(): void {
  const hashes = Array.from({ length: 100_000 }, () => randomBytes(32));
  const elements = hashes.map((hash) => elementOf(hash, key));
  const ofHash = bestNs(hashes.length, () => hashes.forEach((hash) => elementOf(hash, key)));
  console.log('\ntimes, best of 7');
  console.log(`an element of a hash    ${ofHash.toFixed(0)} ns`);
  for (const symbols of [1_024, symbolsMax]) {
    const sketch = new Sketch(symbols);
    const ns = bestNs(elements.length, () => elements.forEach((element) => sketch.add(element)));
    const forkNs = bestNs(1, () => sketch.fork());
    console.log(
      `a sketch of ${symbols} symbols: ${ns.toFixed(0)} ns an insert, ` +
        `${(forkNs / 1_000).toFixed(0)} µs a fork`,
    );
    if (symbols === symbolsMax && ns > insertNsBound)
      broken.push(`an insert took ${ns.toFixed(0)} ns`);
  }
  for (const { differences } of rows) {
    const { mine, theirs } = makePair(differences, symbolsMax);
    const symbols = theirs.symbols(0, symbolsNeeded(mine, theirs));
    const times = Math.ceil(2_000 / differences);
    const ns = bestNs(times * differences, () => {
      for (let time = 0; time < times; time++) decodeDifference(mine, symbols);
    });
    console.log(`decoding ${differences}: ${(ns / 1_000).toFixed(2)} µs a difference`);
  }
}

/** Nanoseconds for each of `count`, the best of seven runs: others on the machine only add. */
function bestNs(count: number, run: () => void): number {
  const runs = Array.from({ length: 7 }, () => {
    const startedMs = performance.now();
    run();
    return ((performance.now() - startedMs) * 1e6) / count;
  });
  return Math.min(...runs);
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function print(...cells: (string | number)[]): void {
  console.log(cells.map((cell) => String(cell).padStart(11)).join(' '));
}

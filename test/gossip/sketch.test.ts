import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { checksum } from '../../src/gossip/element.ts';
import type { Element } from '../../src/gossip/element.ts';
import {
  estimatorBytes,
  setHashBytes,
  Sketch,
  symbolBytes,
  SymbolIndexes,
} from '../../src/gossip/sketch.ts';
import { makeElements, sketchOf, textOf } from './elements.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function indexesOf(lo: number, hi: number, below: number): number[] {
  const walk = new SymbolIndexes();
  walk.start(lo, hi);
  const indexes = [];
  for (let index = 0; index < below; index = walk.next()) indexes.push(index);
  return indexes;
}

t.test('an id lies in the same symbols on every machine and in every build', (t) => {
  t.strictSame(
    indexesOf(-1232071799, -1175858367, 20_000),
    [
      0, 2, 3, 33, 36, 44, 116, 144, 207, 887, 1015, 1340, 1541, 2696, 3007, 3291, 5306, 10393,
      15778,
    ],
  );
  t.strictSame(indexesOf(1, 0, 1_000), [0, 1, 2, 4, 11, 13, 26, 49, 85, 105, 114, 294, 313, 470]);
  t.strictSame(indexesOf(-1, -1, 1_000), [0, 1, 3, 5, 10, 14, 116, 120]);
  t.end();
});

t.test('a walk over symbols rises and ends, at both ends of chance too', (t) => {
  // The word that the generator turns into 2^32 - 1: the smallest gap that there is.
  let inverse = 1;
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(inverse, 0x9e37_79bb));
  t.strictSame(indexesOf(-inverse, 0, 2), [0, 1]);
  t.strictSame(indexesOf(0, 0, 0x2000_0000), [0, 139_022]);
  for (const { lo, hi } of makeElements(500, 1)) {
    const indexes = indexesOf(lo, hi, 0x4000_0000);
    t.ok(indexes.every((index, at) => at === 0 || index > (indexes[at - 1] as number)));
  }
  t.end();
});

t.test(
  'symbol i holds about one element in 1 + i/2, whether or not it is in the one before',
  (t) => {
    const elements = makeElements(20_000, 2);
    const symbolsMax = 24;
    const held = Array.from({ length: symbolsMax }, () => 0);
    const heldTwice = Array.from({ length: symbolsMax }, () => 0);
    for (const { lo, hi } of elements) {
      const indexes = new Set(indexesOf(lo, hi, symbolsMax));
      for (const index of indexes) {
        held[index] = (held[index] as number) + 1;
        heldTwice[index] = (heldTwice[index] as number) + Number(indexes.has(index - 1));
      }
    }
    const shareOf = (index: number) => (held[index] as number) / elements.length;
    t.equal(shareOf(0), 1);
    for (let index = 1; index < symbolsMax; index++) {
      const share = shareOf(index) * (1 + index / 2);
      t.ok(isNear(share, 1, 0.08), `${share} of what symbol ${index} should hold`);
      const both = (heldTwice[index] as number) / elements.length;
      const together = both / (shareOf(index) * shareOf(index - 1));
      t.ok(isNear(together, 1, 0.25), `${together} of that with the one before`);
    }
    t.end();
  },
);

function isNear(found: number, value: number, share: number): boolean {
  return Math.abs(found - value) <= share * value;
}

t.test('a symbol is the XOR of ids, the XOR of checksums and the count, little-endian', (t) => {
  const [one, other] = makeElements(2, 3) as [Element, Element];
  const words = (...elements: Element[]) => {
    const sum = [0, 0, 0, elements.length];
    for (const { lo, hi } of elements)
      for (const [at, word] of [lo, hi, checksum(lo, hi)].entries())
        sum[at] = (sum[at] as number) ^ word;
    const bytes = Buffer.alloc(symbolBytes);
    for (const [at, word] of sum.entries()) bytes.writeInt32LE(word, at * 4);
    return hex(bytes);
  };
  t.equal(hex(sketchOf([]).symbols(0, 2)), '00'.repeat(2 * symbolBytes));
  t.equal(hex(sketchOf([one]).symbols(0, 1)), words(one));
  t.equal(hex(sketchOf([one, other]).symbols(0, 1)), words(one, other));
  t.equal(sketchOf([one, other]).count, 2);
  t.end();
});

t.test('any part of the row of symbols can be read, up to symbolsMax', (t) => {
  const sketch = sketchOf(makeElements(100, 4), 64);
  const row = sketch.symbols(0, 64);
  t.equal(row.length, 64 * symbolBytes);
  for (const [first, count] of [
    [0, 1],
    [3, 8],
    [63, 1],
    [64, 0],
  ] as const)
    t.equal(
      hex(sketch.symbols(first, count)),
      hex(row.subarray(first * symbolBytes, (first + count) * symbolBytes)),
    );
  t.throws(() => sketch.symbols(0, 65), { message: 'symbols 0 to 65 of 64' });
  t.throws(() => sketch.symbols(64, 1), { message: 'symbols 64 to 65 of 64' });
  t.throws(() => sketch.symbols(-1, 1), { message: 'symbols -1 to 0 of 64' });
  t.end();
});

t.test('a shorter sketch of a set is the beginning of a longer one', (t) => {
  const elements = makeElements(300, 5);
  const short = sketchOf(elements, 10);
  t.equal(hex(short.symbols(0, 10)), hex(sketchOf(elements, 1_000).symbols(0, 10)));
  t.end();
});

t.test('a sketch has at least one symbol and at most 2^20', (t) => {
  for (const symbolsMax of [0, -1, 1.5, NaN, 2 ** 20 + 1])
    t.throws(() => new Sketch(symbolsMax), { message: `a sketch of ${symbolsMax} symbols` });
  t.equal(sketchOf(makeElements(3, 6), 1).count, 3);
  t.equal(new Sketch(2 ** 20).symbols(2 ** 20 - 1, 1).length, symbolBytes);
  t.end();
});

t.test('a sketch tells of the set alone, not of the order or of what came and went', (t) => {
  const elements = makeElements(400, 7);
  const passing = makeElements(100, 8);
  const sketch = new Sketch(256);
  for (const element of passing) sketch.add(element);
  for (const element of elements.toReversed()) sketch.add(element);
  for (const element of passing) sketch.remove(element);
  for (const element of elements.slice(50, 99)) sketch.remove(element);
  for (const element of elements.slice(50, 99)) sketch.add(element);
  t.equal(textOf(sketch), textOf(sketchOf(elements)));
  for (const element of elements) sketch.remove(element);
  t.equal(textOf(sketch), textOf(new Sketch(256)));
  t.end();
});

t.test('the set hash is the XOR of the parts, little-endian', (t) => {
  const [one, other] = makeElements(2, 18) as [Element, Element];
  const sum = Buffer.alloc(setHashBytes);
  for (const [at, part] of (['s0', 's1', 's2', 's3'] as const).entries())
    sum.writeInt32LE(one[part] ^ other[part], at * 4);
  t.equal(hex(sketchOf([]).setHash()), '00'.repeat(setHashBytes));
  t.equal(hex(sketchOf([one, other]).setHash()), hex(sum));
  t.end();
});

t.test('the set hash changes with any one element', (t) => {
  const elements = makeElements(1_000, 9);
  const sketch = sketchOf(elements, 1);
  const hashes = new Set([hex(sketch.setHash())]);
  for (const element of elements) {
    sketch.remove(element);
    hashes.add(hex(sketch.setHash()));
    sketch.add(element);
  }
  t.equal(hashes.size, elements.length + 1);
  t.end();
});

t.test('what is read from a sketch stays as it was', (t) => {
  const [first, second] = makeElements(2, 10) as [Element, Element];
  const sketch = sketchOf([first]);
  const read = () => [sketch.setHash(), sketch.symbols(0, 8), sketch.estimator()];
  const before = read();
  const copies = before.map((bytes) => hex(bytes));
  sketch.copyCells(8).fill(0);
  t.strictSame(read().map(hex), copies);
  sketch.add(second);
  t.strictSame(before.map(hex), copies);
  t.end();
});

t.test('a fork and its origin go their own ways', (t) => {
  const elements = makeElements(30, 11);
  const [more, other] = makeElements(2, 12) as [Element, Element];
  const origin = sketchOf(elements);
  const fork = origin.fork();
  t.equal(textOf(fork), textOf(origin));
  fork.add(more);
  t.equal(textOf(origin), textOf(sketchOf(elements)));
  origin.add(other);
  t.equal(textOf(fork), textOf(sketchOf([...elements, more])));
  t.equal(textOf(origin), textOf(sketchOf([...elements, other])));
  t.end();
});

const factor = 3;
for (const size of [2, 10, 100, 1_000])
  t.test(`${size} differences are estimated within a factor of ${factor}`, (t) => {
    let sum = 0;
    const trials = 40;
    for (let randomSeed = 100; randomSeed < 100 + trials; randomSeed++) {
      const elements = makeElements(size, randomSeed);
      const half = sketchOf(elements.slice(0, size / 2), 1);
      const rest = sketchOf(elements.slice(size / 2), 1);
      const estimate = half.estimate(rest.estimator());
      t.equal(rest.estimate(half.estimator()), estimate);
      t.ok(estimate >= size / factor && estimate <= size * factor, `${estimate}`);
      sum += estimate;
    }
    t.ok(isNear(sum / trials, size, 0.15), `${sum / trials} on average`);
    t.end();
  });

t.test('elements that both sides have do not blur the estimate', (t) => {
  const common = makeElements(3_000, 13);
  const own = makeElements(10, 14);
  const alone = sketchOf(own).estimate(sketchOf([]).estimator());
  t.equal(sketchOf([...common, ...own]).estimate(sketchOf(common).estimator()), alone);
  t.equal(sketchOf(common).estimate(sketchOf(common).estimator()), 0);
  t.end();
});

t.test('counters beyond int16 are clamped on both sides, so equal sets still agree', (t) => {
  const sketch = new Sketch(1);
  const [element] = makeElements(1, 15) as [Element];
  for (let i = 0; i < 40_000; i++) sketch.add({ ...element, s0: 0x0000_ffff });
  const estimator = Buffer.from(sketch.estimator());
  t.equal(estimator.length, estimatorBytes);
  t.equal(estimator.readInt16LE(0), 32_767);
  t.equal(estimator.readInt16LE(estimatorBytes - 2), -32_767);
  t.equal(sketch.estimate(estimator), 0);
  t.end();
});

t.test(
  'what is no estimator is estimated as infinitely far; one may lie anywhere in memory',
  (t) => {
    const sketch = sketchOf(makeElements(5, 16));
    t.equal(sketch.estimate(new Uint8Array(0)), Infinity);
    t.equal(sketch.estimate(new Uint8Array(estimatorBytes + 1)), Infinity);
    const bytes = new Uint8Array(estimatorBytes + 1);
    bytes.set(sketch.estimator(), 1);
    t.equal(sketch.estimate(bytes.subarray(1)), 0);
    const random = seededRandom(17);
    const garbage = Uint8Array.from({ length: estimatorBytes }, () => random.int(256));
    t.ok(Number.isFinite(sketch.estimate(garbage)));
    t.end();
  },
);

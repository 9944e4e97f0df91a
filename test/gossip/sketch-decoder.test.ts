import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { idKey } from '../../src/gossip/element.ts';
import type { Element, Id } from '../../src/gossip/element.ts';
import { decodeDifference } from '../../src/gossip/sketch-decoder.ts';
import type { SketchDifference } from '../../src/gossip/sketch-decoder.ts';
import { Sketch, symbolBytes, SymbolIndexes } from '../../src/gossip/sketch.ts';
import { makeElements, randomBytes, sketchOf, textOf } from './elements.ts';

const undecided = { kind: 'undecided' };
const malformed = { kind: 'malformed' };
const nothing = { kind: 'decoded', mine: [], theirs: [] };
const idOf = ({ lo, hi }: Id): Id => ({ lo, hi });

/** The first symbols with single words replaced: `[symbol, word, value]`. */
function forged(symbols: Uint8Array, ...words: (readonly [number, number, number])[]): Uint8Array {
  const bytes = Buffer.from(symbols);
  for (const [symbol, word, value] of words)
    bytes.writeInt32LE(value, symbol * symbolBytes + word * 4);
  return bytes;
}

function wordOf(symbols: Uint8Array, symbol: number, word: number): number {
  return Buffer.from(symbols).readInt32LE(symbol * symbolBytes + word * 4);
}

function symbolsNeeded(mine: Sketch, theirs: Sketch): number {
  let count = 1;
  while (decodeDifference(mine, theirs.symbols(0, count)).kind === 'undecided') count += 1;
  return count;
}

const keysOf = (ids: readonly Id[]) =>
  ids.map(({ lo, hi }) => idKey(lo, hi)).toSorted((a, b) => a - b);

t.test('equal sets show it in their first symbol', (t) => {
  const elements = makeElements(200, 1);
  for (const set of [[], elements])
    for (const count of [1, 2, 4, 100])
      t.strictSame(decodeDifference(sketchOf(set), sketchOf(set).symbols(0, count)), nothing);
  t.end();
});

t.test('one difference, on either side, decodes from exactly one symbol', (t) => {
  const common = makeElements(300, 2);
  for (const more of makeElements(50, 3)) {
    const [large, small] = [sketchOf([...common, more]), sketchOf(common)];
    t.strictSame(decodeDifference(large, small.symbols(0, 1)), {
      kind: 'decoded',
      mine: [idOf(more)],
      theirs: [],
    });
    t.strictSame(decodeDifference(small, large.symbols(0, 1)), {
      kind: 'decoded',
      mine: [],
      theirs: [idOf(more)],
    });
  }
  t.end();
});

t.test('a replaced element decodes from four symbols five times in six', (t) => {
  const elements = makeElements(2_000, 4);
  let decoded = 0;
  for (let i = 0; i < elements.length; i += 2) {
    const [before, after] = elements.slice(i, i + 2) as [Element, Element];
    const difference = decodeDifference(sketchOf([after], 4), sketchOf([before], 4).symbols(0, 4));
    const found = { kind: 'decoded', mine: [idOf(after)], theirs: [idOf(before)] };
    t.match(difference, difference.kind === 'decoded' ? found : undecided);
    decoded += Number(difference.kind === 'decoded');
  }
  const share = decoded / (elements.length / 2);
  t.ok(share > 0.83 && share < 0.89, `${share}`);
  t.end();
});

t.test('what decodes from some symbols decodes to the same from more', (t) => {
  const elements = makeElements(120, 5);
  const mine = sketchOf(elements.slice(0, 80));
  const theirs = sketchOf(elements.slice(40));
  const needed = symbolsNeeded(mine, theirs);
  t.ok(needed >= 80 && needed < 160, `${needed} symbols`);
  for (let count = 1; count < needed; count++)
    t.strictSame(decodeDifference(mine, theirs.symbols(0, count)), undecided);
  const keys = [keysOf(elements.slice(0, 40)), keysOf(elements.slice(80))];
  for (let count = needed; count <= mine.symbolsMax; count++) {
    const difference = decodeDifference(mine, theirs.symbols(0, count));
    const found = difference.kind === 'decoded' ? [difference.mine, difference.theirs] : [];
    t.strictSame(found.map(keysOf), keys);
  }
  t.end();
});

t.test('no symbols at all decide nothing', (t) => {
  t.strictSame(decodeDifference(sketchOf([]), new Uint8Array(0)), undecided);
  t.end();
});

t.test('half symbols and more symbols than this side keeps are malformed', (t) => {
  const mine = sketchOf(makeElements(9, 6), 8);
  const theirs = sketchOf(makeElements(9, 6), 9);
  for (const length of [1, 15, 17, 31])
    t.strictSame(decodeDifference(mine, theirs.symbols(0, 2).subarray(0, length)), malformed);
  t.strictSame(decodeDifference(mine, theirs.symbols(0, 9)), malformed);
  t.strictSame(decodeDifference(mine, theirs.symbols(0, 8)), nothing);
  t.end();
});

t.test('decoding changes neither side, and symbols may lie anywhere in memory', (t) => {
  const elements = makeElements(20, 7);
  const mine = sketchOf(elements.slice(0, 15));
  const theirs = sketchOf(elements.slice(5));
  const [before, symbols] = [textOf(mine), theirs.symbols(0, 40)];
  const shifted = new Uint8Array(symbols.length + 1);
  shifted.set(symbols, 1);
  const difference = decodeDifference(mine, shifted.subarray(1));
  t.equal(difference.kind, 'decoded');
  t.strictSame(difference, decodeDifference(mine, symbols));
  t.strictSame(symbols, theirs.symbols(0, 40));
  t.equal(textOf(mine), before);
  t.end();
});

t.test('a word that does not fit leaves it undecided, whichever of the four it is', (t) => {
  const mine = sketchOf(makeElements(50, 8));
  const symbols = mine.symbols(0, 6);
  for (let symbol = 0; symbol < 6; symbol++)
    for (let word = 0; word < 4; word++)
      for (const change of [1, -1, 2, 0x4000_0000]) {
        const value = (wordOf(symbols, symbol, word) + change) | 0;
        t.strictSame(decodeDifference(mine, forged(symbols, [symbol, word, value])), undecided);
      }
  t.end();
});

t.test('an id in a symbol that it does not belong to is not believed', (t) => {
  const [element] = makeElements(1, 9) as [Element];
  const own = new Set<number>();
  const walk = new SymbolIndexes();
  walk.start(element.lo, element.hi);
  for (let index = 0; index < 32; index = walk.next()) own.add(index);
  const pure = sketchOf([element]).symbols(0, 1);
  const strays = Array.from({ length: 32 }, (_, index) => index).filter((index) => !own.has(index));
  t.ok(strays.length > 15);
  for (const stray of strays) {
    const bytes = new Uint8Array(32 * symbolBytes);
    bytes.set(pure, stray * symbolBytes);
    t.strictSame(decodeDifference(new Sketch(32), bytes), undecided);
  }
  t.end();
});

t.test('made-up symbols that hand an id to and fro end as malformed', (t) => {
  const [element] = makeElements(1, 10) as [Element];
  const mine = new Sketch(64);
  const walk = new SymbolIndexes();
  walk.start(element.lo, element.hi);
  const second = walk.next();
  // Taking the id out of one symbol leaves it in the other, and the other way round.
  const bytes = new Uint8Array(64 * symbolBytes);
  bytes.set(sketchOf([element]).symbols(0, 1));
  const toAndFro = forged(bytes, [second, 3, 2]);
  t.strictSame(decodeDifference(mine, toAndFro), malformed);
  const wrong = forged(toAndFro, [0, 2, wordOf(toAndFro, 0, 2) ^ 1]);
  t.strictSame(decodeDifference(mine, wrong), undecided, 'never begun: its checksum is wrong');
  t.end();
});

t.test('noise of any length neither throws nor hangs nor decodes', (t) => {
  const random = seededRandom(11);
  const mine = sketchOf(makeElements(100, 12), 512);
  const found = new Set<string>();
  for (let trial = 0; trial < 400; trial++)
    found.add(decodeDifference(mine, randomBytes(random, 1 + random.int(9_000))).kind);
  for (let trial = 0; trial < 100; trial++)
    found.add(decodeDifference(mine, randomBytes(random, 16 * (1 + random.int(512)))).kind);
  t.strictSame([...found].toSorted(), ['malformed', 'undecided']);
  t.end();
});

/** Symbols of no set: elements in some of their symbols, or in them several times, on any side. */
function scrambled(elements: readonly Element[], count: number, randomSeed: number): Uint8Array {
  const random = seededRandom(randomSeed);
  const bytes = Buffer.alloc(count * symbolBytes);
  const sheets = elements.map((element) => sketchOf([element], count).symbols(0, count));
  for (const sheet of sheets)
    for (let symbol = 0; symbol < count; symbol++) {
      const at = symbol * symbolBytes;
      const times = random.int(4) === 0 ? random.int(5) - 2 : 1;
      const held = Buffer.from(sheet).readInt32LE(at + 12);
      bytes.writeInt32LE(bytes.readInt32LE(at + 12) + held * times, at + 12);
      for (let byte = at; byte < at + 12 * Number(times % 2 !== 0); byte++)
        bytes[byte] = (bytes[byte] as number) ^ (sheet[byte] as number);
    }
  return bytes;
}

t.test('made-up symbols of real ids never hang, and never name one id twice', (t) => {
  const kinds: Record<SketchDifference['kind'], number> = {
    decoded: 0,
    undecided: 0,
    malformed: 0,
  };
  let repeats = 0;
  for (let trial = 0; trial < 3_000; trial++) {
    const elements = makeElements(1 + (trial % 6), 1_000 + trial);
    const count = 1 + (trial % 13);
    const difference = decodeDifference(new Sketch(16), scrambled(elements, count, trial));
    kinds[difference.kind] += 1;
    const ids = difference.kind === 'decoded' ? [...difference.mine, ...difference.theirs] : [];
    repeats += ids.length - new Set(keysOf(ids)).size;
  }
  t.equal(repeats, 0);
  for (const [kind, seen] of Object.entries(kinds)) t.ok(seen > 50, `${kind}: ${seen}`);
  t.end();
});

t.test('an element that a side counts twice is no difference of sets', (t) => {
  const elements = makeElements(5, 13);
  const twice = sketchOf([...elements, elements[0] as Element, elements[0] as Element]);
  for (let count = 1; count < 32; count++)
    t.strictSame(decodeDifference(sketchOf(elements), twice.symbols(0, count)), undecided);
  t.end();
});

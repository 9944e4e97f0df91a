import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import {
  checksum,
  elementKey,
  elementOf,
  idBytes,
  idKey,
  readId,
  writeId,
} from '../../src/gossip/element.ts';
import type { Element } from '../../src/gossip/element.ts';
import { makeElements, randomBytes, testKey } from './elements.ts';

const partOf = ({ s0, s1, s2, s3 }: Element) => [s0, s1, s2, s3];
const wordsOf = (element: Element) => [element.lo, element.hi, ...partOf(element)];
const checksumOf = ({ lo, hi }: { lo: number; hi: number }) => [checksum(lo, hi)];
const bitOf = (words: readonly number[], bit: number) =>
  ((words[bit >>> 5] as number) >>> (bit & 31)) & 1;
const bitsOf = (words: readonly number[]) =>
  Array.from({ length: words.length * 32 }, (_, bit) => bitOf(words, bit));
const xorOf = (many: readonly (readonly number[])[]) =>
  many.reduce((sum, words) => sum.map((word, at) => word ^ (words[at] as number)));
const flipped = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, at) => (at === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte));

/** How far the worst of `sums` is from half of `trials` coin tosses, in standard deviations. */
function worstSigma(sums: readonly number[], trials: number): number {
  return Math.max(...sums.map((sum) => Math.abs(sum - trials / 2))) / Math.sqrt(trials / 4);
}

t.test('the part of an element is the published Chaskey tag of its hash', (t) => {
  const key = Buffer.alloc(16);
  for (const [index, word] of [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39].entries())
    key.writeUInt32LE(word, index * 4);
  const hash = Uint8Array.from({ length: 32 }, (_, index) => index);
  const part = partOf(elementOf(hash, elementKey(key)));
  t.strictSame(
    part.map((word) => word >>> 0),
    [0x60b3f7af, 0x37eee7c8, 0x836cfd98, 0x782ca060],
  );
  t.end();
});

t.test('a hash has the same element and checksum on every machine and in every build', (t) => {
  const element = elementOf(Buffer.from('00'.repeat(31) + 'ff', 'hex'), testKey);
  t.strictSame(
    wordsOf(element),
    [-1232071799, -1175858367, 195579054, 331997374, -1226495690, -90885105],
  );
  t.strictSame(checksumOf(element), [-718063719]);
  t.end();
});

t.test('where the bytes of a hash lie in memory does not matter', (t) => {
  const bytes = randomBytes(seededRandom(1), 40);
  for (const offset of [0, 1, 2, 3, 8])
    t.strictSame(
      elementOf(bytes.subarray(offset, offset + 32), testKey),
      elementOf(bytes.slice(offset, offset + 32), testKey),
    );
  t.end();
});

t.test('all words of an element and of its checksum are int32', (t) => {
  const words = makeElements(100, 2).flatMap((element) => [
    ...wordsOf(element),
    ...checksumOf(element),
  ]);
  t.strictSame(
    words.filter((word) => word !== (word | 0)),
    [],
  );
  t.end();
});

t.test('each bit of elements and checksums is set half the time', (t) => {
  const elements = makeElements(10_000, 3);
  const sums = Array.from({ length: 224 }, () => 0);
  for (const element of elements)
    for (const [bit, value] of bitsOf([...wordsOf(element), ...checksumOf(element)]).entries())
      sums[bit] = (sums[bit] as number) + value;
  t.ok(worstSigma(sums, elements.length) < 4.5, `${worstSigma(sums, elements.length)} sigma`);
  t.end();
});

t.test('each bit of hash and key turns each bit of the element half the time', (t) => {
  const random = seededRandom(4);
  const trials = 24;
  const inputBits = 256 + 128;
  const turnedBy = Array.from({ length: inputBits }, () => 0);
  const turnsOf = Array.from({ length: 192 }, () => 0);
  for (let trial = 0; trial < trials; trial++) {
    const input = randomBytes(random, 48);
    const outputOf = (bytes: Uint8Array) =>
      wordsOf(elementOf(bytes.subarray(0, 32), elementKey(bytes.subarray(32))));
    const before = outputOf(input);
    for (let bit = 0; bit < inputBits; bit++)
      for (const [at, turned] of bitsOf(xorOf([before, outputOf(flipped(input, bit))])).entries()) {
        turnedBy[bit] = (turnedBy[bit] as number) + turned;
        turnsOf[at] = (turnsOf[at] as number) + turned;
      }
  }
  t.ok(worstSigma(turnedBy, trials * 192) < 4.5, `${worstSigma(turnedBy, trials * 192)} sigma`);
  t.ok(worstSigma(turnsOf, trials * inputBits) < 4.5);
  t.end();
});

t.test('each bit of an id turns each bit of its checksum about half the time', (t) => {
  const elements = makeElements(2_000, 5);
  const turns = Array.from({ length: 64 * 32 }, () => 0);
  for (const { lo, hi } of elements) {
    const before = checksumOf({ lo, hi });
    for (let bit = 0; bit < 64; bit++) {
      const near = bit < 32 ? { lo: lo ^ (1 << bit), hi } : { lo, hi: hi ^ (1 << (bit - 32)) };
      for (const [at, turned] of bitsOf(xorOf([before, checksumOf(near)])).entries())
        turns[bit * 32 + at] = (turns[bit * 32 + at] as number) + turned;
    }
  }
  t.ok(Math.min(...turns) > 0.45 * elements.length, `${Math.min(...turns)}`);
  t.ok(Math.max(...turns) < 0.55 * elements.length, `${Math.max(...turns)}`);
  t.end();
});

t.test('no bit of an id tells of a bit of the part', (t) => {
  const elements = makeElements(4_000, 6);
  const agreed = Array.from({ length: 64 * 128 }, () => 0);
  for (const element of elements) {
    const part = bitsOf(partOf(element));
    for (const [bit, value] of bitsOf([element.lo, element.hi]).entries())
      for (let at = 0; at < 128; at++)
        agreed[bit * 128 + at] = (agreed[bit * 128 + at] as number) + Number(part[at] === value);
  }
  t.ok(worstSigma(agreed, elements.length) < 5.5, `${worstSigma(agreed, elements.length)} sigma`);
  t.end();
});

t.test('neither elements nor checksums are linear: sums of inputs are not sums of outputs', (t) => {
  const random = seededRandom(7);
  let alike = 0;
  for (let trial = 0; trial < 500; trial++) {
    const hashes = [1, 2, 3].map(() => randomBytes(random, 32));
    hashes.push(Uint8Array.from(xorOf(hashes.map((hash) => [...hash]))));
    const elements = hashes.map((hash) => elementOf(hash, testKey));
    alike += xorOf(elements.map(wordsOf)).filter((word) => word === 0).length;
    const [lo, hi] = xorOf(elements.slice(0, 3).map((element) => [element.lo, element.hi]));
    const ofSum = checksumOf({ lo: lo as number, hi: hi as number });
    const sum = xorOf(elements.slice(0, 3).map(checksumOf));
    alike += ofSum.filter((word, at) => word === sum[at]).length;
  }
  t.equal(alike, 0);
  t.end();
});

/** Some of `elements` whose parts XOR to zero, by Gaussian elimination over GF(2). */
function cancelling(elements: readonly Element[]): Element[] {
  const rows: { bits: number[]; members: Set<number>; pivot: number }[] = [];
  for (const [index, element] of elements.entries()) {
    let bits = bitsOf(partOf(element));
    const members = new Set([index]);
    for (const row of rows) {
      if (bits[row.pivot] === 0) continue;
      bits = bits.map((bit, at) => bit ^ (row.bits[at] as number));
      for (const member of row.members) if (!members.delete(member)) members.add(member);
    }
    const pivot = bits.indexOf(1);
    if (pivot === -1) return [...members].map((member) => elements[member] as Element);
    rows.push({ bits, members, pivot });
  }
  return [];
}

t.test('elements crafted to cancel out under the known key do not under a fresh one', (t) => {
  const random = seededRandom(8);
  const hashes = Array.from({ length: 129 }, () => randomBytes(random, 32));
  const elements = hashes.map((hash) => elementOf(hash, testKey));
  const crafted = cancelling(elements);
  t.ok(crafted.length > 30, `${crafted.length} elements`);
  t.strictSame(xorOf(crafted.map(partOf)), [0, 0, 0, 0]);
  const fresh = elementKey(randomBytes(random, 16));
  const again = crafted.map((element) =>
    elementOf(hashes[elements.indexOf(element)] as Uint8Array, fresh),
  );
  t.notOk(xorOf(again.map(partOf)).includes(0));
  t.end();
});

t.test('an id is a whole number of 53 bits as a key, signed or unsigned', (t) => {
  t.equal(idKey(0, 0), 0);
  t.equal(idKey(1, 0), 1);
  t.equal(idKey(0, 1), 2 ** 32);
  t.equal(idKey(-1, -1), Number.MAX_SAFE_INTEGER);
  t.equal(idKey(0xffff_ffff, 0xffff_ffff), Number.MAX_SAFE_INTEGER);
  const elements = makeElements(10_000, 9);
  t.equal(new Set(elements.map(({ lo, hi }) => idKey(lo, hi))).size, elements.length);
  t.end();
});

t.test('an id is written as 8 little-endian bytes and read back, at any offset', (t) => {
  const bytes = new Uint8Array(2 * idBytes + 3);
  writeId({ lo: 0x0403_0201, hi: -2 }, bytes, 1);
  t.strictSame([...bytes.subarray(0, 10)], [0, 1, 2, 3, 4, 254, 255, 255, 255, 0]);
  const within = bytes.subarray(3);
  for (const { lo, hi } of makeElements(50, 10)) {
    writeId({ lo, hi }, within, idBytes);
    t.strictSame(readId(within, idBytes), { lo, hi });
  }
  t.end();
});

t.test('keys and hashes of another length are a programmer’s error', (t) => {
  t.throws(() => elementKey(new Uint8Array(15)), { message: 'an element key of 15 bytes' });
  t.throws(() => elementOf(new Uint8Array(33), testKey), { message: 'a hash of 33 bytes' });
  t.end();
});

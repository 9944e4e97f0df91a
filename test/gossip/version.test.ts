import fc from 'fast-check';
import t from 'tap';
import { keyOfOwner, ownerFromKey } from '../../src/record/owner.ts';
import {
  comparePrefixes,
  packVersions,
  prefixKey,
  prefixOf,
  readVersions,
  versionBytes,
} from '../../src/gossip/version.ts';
import { holds } from '../property/histories.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const version = fc.record({
  prefix: fc.record({ hi: word, lo: word }),
  lastUpdate: fc.maxSafeNat(),
});

t.test('versions come back as they were packed, 16 bytes each', (t) => {
  holds(
    t,
    300,
    fc.property(fc.array(version, { maxLength: 20 }), (versions) => {
      const bytes = packVersions(versions);
      if (bytes.length !== versions.length * versionBytes) throw new Error(`${bytes.length}`);
      const read = readVersions(bytes);
      if (JSON.stringify(read) !== JSON.stringify(versions)) throw new Error(JSON.stringify(read));
    }),
  );
  t.equal(versionBytes, 16);
  t.end();
});

t.test('a version is the first half of the key and lastUpdate, big-endian', (t) => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => 0xf0 + index);
  const bytes = packVersions([{ prefix: prefixOf(ownerFromKey(key)), lastUpdate: 2 ** 40 + 7 }]);
  t.equal(Buffer.from(bytes).toString('hex'), 'f0f1f2f3f4f5f6f7' + '0000010000000007');
  t.end();
});

t.test('half a version, and a lastUpdate that no double holds, are no versions', (t) => {
  for (const length of [1, 8, 15, 17])
    t.equal(readVersions(new Uint8Array(length)), undefined, `${length} bytes`);
  t.equal(readVersions(Buffer.alloc(16, 0xff)), undefined);
  const most = packVersions([{ prefix: { hi: 1, lo: 2 }, lastUpdate: Number.MAX_SAFE_INTEGER }]);
  t.equal(readVersions(most)?.[0]?.lastUpdate, Number.MAX_SAFE_INTEGER);
  most[9] = 0x20;
  t.equal(readVersions(most), undefined, 'one more bit');
  t.strictSame(readVersions(new Uint8Array(0)), []);
  t.end();
});

t.test('owners, as text, are in the order of their prefixes', (t) => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  holds(
    t,
    300,
    fc.property(key, key, (a, b) => {
      const [one, other] = [ownerFromKey(a), ownerFromKey(b)];
      const order = comparePrefixes(prefixOf(one), prefixOf(other));
      const text = one < other ? -1 : one > other ? 1 : 0;
      if (order !== 0 && Math.sign(order) !== text) throw new Error(`${one} ${other}`);
      if (one.length !== other.length) throw new Error('owners of two lengths');
    }),
  );
  const [low, high] = [Buffer.alloc(32, 0), Buffer.alloc(32, 0xff)];
  t.equal(ownerFromKey(low).length, ownerFromKey(high).length, 'all are equally long');
  t.end();
});

t.test('prefixes of different keys are different keys of a Map', (t) => {
  const prefixes = [
    { hi: 0, lo: 1 },
    { hi: 1, lo: 0 },
    { hi: 0x1f_ffff, lo: 0xffff_ffff },
    { hi: 0x1f_fffe, lo: 0xffff_ffff },
  ];
  const keys = prefixes.map(prefixKey);
  t.equal(new Set(keys).size, prefixes.length);
  t.ok(keys.every(Number.isSafeInteger));
  t.equal(prefixKey({ hi: 0xffe0_0000, lo: 5 }), prefixKey({ hi: 0, lo: 5 }), 'but for 11 bits');
  t.equal(keyOfOwner('no owner'), undefined);
  t.end();
});

import t from 'tap';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { openStoredOwner } from '../../src/registry/stored-owner.ts';
import { at, contentOf, flipBit, rulesAtStart, valueOf, wideBounds } from '../record/fixtures.ts';
import { Owner, register } from './fixtures.ts';

const rules = { ...wideBounds, recordBytesMax: 2_048 };
const owner = new Owner(2);
owner.move([register('a'), register('b')], at(0));
const { head, set } = owner.state;
const records = [...set.records()].map(({ bytes }) => bytes);
const stored = { owner: owner.id, head: { body: head.body, signature: head.signature }, records };
const open = (change: Partial<typeof stored> = {}, bounds = rules) =>
  openStoredOwner({ ...stored, ...change }, rulesAtStart, bounds, ed25519Verifier);

t.test('what was stored opens to the very state', (t) => {
  const state = valueOf(open());
  t.strictSame(state.head.hash, head.hash);
  t.strictSame(contentOf(state.set), contentOf(set));
  t.equal(open({ records: records.toReversed() }).kind, 'opened', 'in any order');
  t.end();
});

t.test('a head that was changed on disk is refused, whichever bit', (t) => {
  for (let bit = 0; bit < head.body.length * 8; bit += 5) {
    const changed = { body: flipBit(head.body, bit), signature: head.signature };
    t.equal(open({ head: changed }).kind, 'refused');
  }
  const signature = flipBit(head.signature, 9);
  const refused = { kind: 'refused', reason: 'BAD_SIGNATURE' };
  t.strictSame(open({ head: { body: head.body, signature } }), refused);
  t.end();
});

t.test('records that do not add up to the root are refused', (t) => {
  const mismatch = { kind: 'refused', reason: 'ROOT_MISMATCH' };
  t.strictSame(open({ records: records.slice(1) }), mismatch);
  t.strictSame(open({ records: [] }), mismatch);
  const [first, second] = records as [Uint8Array, Uint8Array];
  t.strictSame(open({ records: [first, flipBit(second, second.length * 8 - 1)] }), mismatch);
  t.strictSame(open({ records: [first, Buffer.from('ff', 'hex')] }), mismatch);
  t.end();
});

t.test('an owner over a bound that was lowered is refused under that name', (t) => {
  const tooMany = { kind: 'refused', reason: 'TOO_MANY_RECORDS' };
  t.strictSame(open({}, { ...rules, recordsPerOwnerMax: 1 }), tooMany);
  t.strictSame(open({}, { ...rules, bytesPerOwnerMax: 10 }), tooMany);
  t.end();
});

t.test('the rules for heads hold for stored ones too', (t) => {
  const aged = { ...rulesAtStart, earliest: head.head.lastUpdate + 1 };
  const expired = { kind: 'refused', reason: 'EXPIRED' };
  t.strictSame(openStoredOwner(stored, aged, rules, ed25519Verifier), expired);
  const elsewhere = { ...rulesAtStart, cluster: 'prod' };
  const wrong = { kind: 'refused', reason: 'WRONG_CLUSTER' };
  t.strictSame(openStoredOwner(stored, elsewhere, rules, ed25519Verifier), wrong);
  t.end();
});

import { Writer } from 'protobufjs/minimal.js';
import t from 'tap';
import { hasMoreFields } from '../../src/gossip/field-count.ts';
import type { Nesting } from '../../src/gossip/field-count.ts';

const flat: Nesting = {};

/** A field that holds bytes, or a message. */
function holding(number: number, content: Uint8Array): Uint8Array {
  return Writer.create()
    .uint32(number * 8 + 2)
    .bytes(content)
    .finish();
}

/** The smallest number that is not exceeded. */
function count(bytes: Uint8Array, nesting: Nesting = flat): number {
  let max = 0;
  while (hasMoreFields(bytes, nesting, max)) max += 1;
  return max;
}

t.test('fields of every wire type are counted, whatever they hold', (t) => {
  const writer = Writer.create();
  writer.uint32(8).uint64(Number.MAX_SAFE_INTEGER);
  writer.uint32(2 * 8 + 1).double(1.5);
  writer.uint32(3 * 8 + 5).fixed32(0xffff_ffff);
  writer.uint32(400 * 8 + 2).bytes(Buffer.alloc(300, 0x0a));
  t.equal(count(writer.finish()), 4);
  t.equal(count(new Uint8Array()), 0);
  t.end();
});

t.test('only what is said to hold a message is looked into', (t) => {
  const inner = Buffer.concat([holding(1, new Uint8Array()), holding(1, new Uint8Array())]);
  const bytes = Buffer.concat([holding(1, inner), holding(2, inner)]);
  t.equal(count(bytes), 2);
  t.equal(count(bytes, { 2: flat }), 4);
  t.equal(count(bytes, { 1: { 1: flat }, 2: flat }), 6);
  t.end();
});

t.test('the ends of groups are fields, and so is all between them', (t) => {
  const [open, close] = [15 * 8 + 3, 15 * 8 + 4];
  t.equal(count(Buffer.from([open, open, 0x08, 0x01, close, close])), 5);
  t.end();
});

t.test('a million fields take no longer than the bound', (t) => {
  const bytes = Buffer.alloc(2_000_000, Buffer.from([0x0a, 0x00]));
  t.equal(hasMoreFields(bytes, flat, 999_999), true);
  t.equal(hasMoreFields(bytes, flat, 1_000_000), false);
  t.end();
});

t.test('what cannot be read ends the count without an exception', (t) => {
  t.equal(count(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0a, 0x00])), 1, 'a long length');
  t.equal(count(Buffer.alloc(100, 0xff)), 1, 'a number without end');
  t.equal(count(Buffer.from([0x0a])), 1, 'no length');
  t.equal(count(Buffer.from([0x0a, 0x04, 0x0a, 0x08]), { 1: flat }), 1, 'longer than its parent');
  t.end();
});

import t from 'tap';
import {
  compound,
  encode,
  encodeStates,
  lzwBytes,
  sentBytes,
} from '../../../bench/models/swim-wire.ts';

t.test('a message is its type and a map with the names of its fields', (t) => {
  const nack = encode({ kind: 'nack', seq: 7 });
  t.equal(nack.subarray(1).toString('latin1'), '\x81\xa5SeqNo\x07');
  t.equal(encode({ kind: 'ack', seq: 300 }).length, 1 + 1 + 6 + 3 + 8 + 1);
  const suspect = { kind: 'suspect', node: 12, incarnation: 1, from: 3 } as const;
  t.equal(encode(suspect).length, 1 + 1 + (12 + 1) + (5 + 8) + (5 + 7));
  t.end();
});

t.test('numbers are as long as they have to be', (t) => {
  const lengths = [127, 128, 255, 256, 65_535, 65_536].map(
    (seq) => encode({ kind: 'nack', seq }).length - 8,
  );
  t.strictSame(lengths, [1, 2, 2, 3, 3, 5]);
  t.end();
});

t.test('several messages share a packet behind a header of their lengths', (t) => {
  const packet = compound([Buffer.from('abc'), Buffer.from('de')]);
  t.equal(packet.toString('latin1'), '\x07\x02\x00\x03\x00\x02abcde');
  t.end();
});

t.test('LZW counts a code for each longest string that came before', (t) => {
  // Begin, a, aa, aaa, end: five codes of nine bits.
  t.equal(lzwBytes(Buffer.from('aaaaaa')), Math.ceil((5 * 9) / 8));
  t.equal(lzwBytes(Buffer.from('abcdef')), 9, 'nothing repeats: begin, six codes and end');
  t.end();
});

t.test('codes grow to twelve bits, and begin anew when they are used up', (t) => {
  const unlike = Buffer.alloc(70_000);
  // A de Bruijn sequence of pairs: no string of two comes twice.
  let length = 0;
  for (let a = 0; a < 256; a++)
    for (let b = a + 1; b < 256; b++) {
      unlike[length++] = a;
      unlike[length++] = b;
    }
  const bytes = lzwBytes(unlike.subarray(0, length));
  t.ok(bytes > (length * 9) / 8);
  t.ok(bytes < (length * 12) / 8 + 100);
  t.end();
});

t.test('a ping is sent as it is, and a full exchange of 128 nodes is squeezed to a third', (t) => {
  const ping = encode({ kind: 'ping', seq: 1_000, node: 100, from: 101 });
  t.equal(sentBytes(ping), ping.length);
  const lines = Array.from({ length: 128 }, (_, index) => {
    return { node: index + 1, incarnation: 1, state: 'alive' } as const;
  });
  const states = encodeStates(lines);
  t.ok(states.length > 128 * 60);
  t.ok(sentBytes(states) < states.length / 3);
  t.end();
});

import * as packet from 'dns-packet';
import t from 'tap';
import { readQuery } from '../../src/api/dns-query.ts';
import { question, read } from './dns-fixture.ts';

const bad = (bytes: Buffer): unknown => {
  const query = readQuery(bytes);
  return query?.kind === 'bad' ? query.rcode : query;
};
const changed = (change: (bytes: Buffer) => void, edns = true): Buffer => {
  const bytes = Buffer.from(question('add.math.disco', 'A', edns ? { edns: {} } : {}));
  change(bytes);
  return bytes;
};

t.test('a question is read with its name in lower case, its type and its flags', (t) => {
  const query = read(question('Add.MATH.disco', 'SRV', { id: 4_711 }));
  t.strictSame(query.labels, ['add', 'math', 'disco']);
  t.match(query, { id: 4_711, flags: packet.RECURSION_DESIRED, type: 33, class: 1 });
  t.equal(query.questionEnd, query.bytes.length);
  t.equal(query.edns, undefined);
  t.end();
});

t.test('EDNS is read from among other records', (t) => {
  const edns = { udpBytes: 4_096, version: 1, isDnssecOk: true };
  const query = read(question('add.math.disco', 'A', { edns }));
  t.strictSame(query.edns, edns);
  const bytes = packet.encode({
    type: 'query',
    questions: [{ name: 'a.disco', type: 'A' }],
    answers: [{ name: 'b.disco', type: 'A', data: '10.0.0.7' }],
    additionals: [
      { name: 'c.disco', type: 'TXT', data: 'x' },
      {
        name: '.',
        type: 'OPT',
        udpPayloadSize: 700,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  t.strictSame(read(bytes).edns, { udpBytes: 700, version: 0, isDnssecOk: false });
  t.end();
});

t.test('answers, and what is less than a header, are not answered', (t) => {
  const answer = packet.encode({ type: 'response', questions: [{ name: 'a.disco', type: 'A' }] });
  t.equal(readQuery(answer), undefined);
  t.equal(readQuery(Buffer.alloc(0)), undefined);
  t.equal(readQuery(Buffer.alloc(11)), undefined);
  t.end();
});

t.test('other opcodes are not implemented, and keep their id and flags', (t) => {
  const bytes = changed((each) => each.writeUInt16BE(0x2900, 2));
  t.strictSame(readQuery(bytes), { kind: 'bad', id: 7, flags: 0x2900, rcode: 4 });
  t.end();
});

t.test('a message without one whole question is a format error', (t) => {
  const whole = question('add.math.disco', 'A');
  t.equal(bad(Buffer.alloc(12)), 1, 'no question');
  t.equal(bad(changed((each) => each.writeUInt16BE(2, 4))), 1, 'two questions');
  for (let length = 12; length < whole.length; length++)
    t.equal(bad(whole.subarray(0, length)), 1, `cut to ${length} bytes`);
  t.equal(bad(Buffer.concat([whole, Buffer.alloc(1)])), 1, 'with a byte behind it');
  t.equal(bad(changed((each) => void (each[12] = 0xc0))), 1, 'with a pointer for a name');
  t.equal(bad(changed((each) => void (each[12] = 0x40))), 1, 'with a label of no known kind');
  t.end();
});

t.test('a name of 255 bytes is read, and one of 256 is a format error', (t) => {
  const label = 'a'.repeat(61);
  const longest = [label, label, label, label, 'bbbbbb'].join('.');
  t.equal(readQuery(question(longest.slice(0, 253), 'A'))?.kind, 'query');
  t.equal(bad(question(`${longest.slice(0, 253)}b`, 'A')), 1);
  t.end();
});

t.test('two OPT records, one with a name and one that is cut are format errors', (t) => {
  const whole = question('a.disco', 'A', { edns: {} });
  const opt = whole.subarray(-11);
  const twice = Buffer.concat([whole, opt]);
  twice.writeUInt16BE(2, 10);
  t.equal(bad(twice), 1);
  const named = Buffer.concat([whole.subarray(0, -11), Buffer.from('\x01a', 'latin1'), opt]);
  t.equal(bad(named), 1);
  t.equal(bad(changed((each) => each.writeUInt16BE(1, each.length - 2))), 1);
  t.equal(bad(changed((each) => each.writeUInt16BE(65_535, 10))), 1, 'fewer than were counted');
  t.end();
});

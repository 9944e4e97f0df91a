import t from 'tap';
import { wireName } from '../../src/api/dns-labels.ts';
import { recordType } from '../../src/api/dns-query.ts';
import {
  AnswerWriter,
  cutAnswer,
  headerAnswer,
  questionName,
  section,
} from '../../src/api/dns-writer.ts';
import { question, read, told } from './dns-fixture.ts';

const address = Buffer.from([10, 0, 0, 7]);
const writer = new AnswerWriter();

t.test('an answer repeats id, question, RD and CD to the letter, and says what it is', (t) => {
  const query = read(question('Add.mAth.disco', 'A', { id: 9, flags: 0x0110 }));
  writer.begin(query, 512);
  t.ok(writer.add(section.answer, questionName, recordType.A, 3, address) > 0);
  const bytes = writer.finish({ rcode: 0, isAuthoritative: true });
  t.equal(bytes.readUInt16BE(2), 0x8510);
  t.match(told(bytes), {
    id: 9,
    rcode: 'NOERROR',
    isAuthoritative: true,
    isTruncated: false,
    question: 'Add.mAth.disco A',
    answers: ['A 10.0.0.7'],
    ttls: [3],
  });
  t.equal(bytes.length, query.bytes.length + 16, 'an address takes sixteen bytes');
  t.end();
});

t.test('a record that does not fit is left out whole', (t) => {
  const query = read(question('add.math.disco', 'A'));
  writer.begin(query, query.questionEnd + 31);
  t.ok(writer.add(section.answer, questionName, recordType.A, 0, address) > 0);
  t.equal(writer.add(section.answer, questionName, recordType.A, 0, address), 0);
  const bytes = writer.finish({ rcode: 0, isTruncated: true });
  t.match(told(bytes), { answers: ['A 10.0.0.7'], isTruncated: true });
  t.end();
});

t.test('room for EDNS and its note is kept, and nothing of them is said to who has none', (t) => {
  const note = { code: 3, text: 'old' };
  const query = read(question('add.math.disco', 'A', { edns: { isDnssecOk: true } }));
  writer.begin(query, query.questionEnd + 11 + 9 + 16, note);
  t.ok(writer.add(section.answer, questionName, recordType.A, 0, address) > 0);
  t.equal(writer.add(section.answer, questionName, recordType.A, 0, address), 0);
  const bytes = writer.finish({ rcode: 16 });
  t.match(told(bytes), { edns: { udpBytes: 1232, rcodeHigh: 1 }, note: '3 old' });
  t.equal(bytes.readUInt16BE(bytes.length - 9 - 4), 0x8000, 'DO is told back');
  const plain = read(question('add.math.disco', 'A'));
  writer.begin(plain, 512, note);
  t.equal(told(writer.finish({ rcode: 0 })).edns, undefined);
  t.end();
});

t.test('a long note is cut between characters', (t) => {
  const query = read(question('a.disco', 'A', { edns: {} }));
  writer.begin(query, 1232, { code: 0, text: `x${'é'.repeat(200)}` });
  t.equal(told(writer.finish({ rcode: 0 })).note, `0 x${'é'.repeat(99)}`);
  t.end();
});

t.test('an owner may stand in the data of an earlier record', (t) => {
  const query = read(question('_add._tcp.math.disco', 'SRV'));
  writer.begin(query, 512);
  const target = wireName(['a', 'disco']);
  const data = Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 80]), target]);
  const at = writer.add(section.answer, questionName, recordType.SRV, 0, data);
  t.ok(writer.add(section.additional, at + 6, recordType.A, 0, address) > 0);
  t.match(told(writer.finish({ rcode: 0 })), {
    answers: ['SRV 0 1 80 a.disco'],
    additionals: ['a.disco A 10.0.0.7'],
  });
  t.equal(writer.add(section.additional, 0x4000, recordType.A, 0, address), 0, 'too far away');
  t.end();
});

t.test('an answer stays what it is when the next one is written', (t) => {
  writer.begin(read(question('a.disco', 'A')), 512);
  const first = writer.finish({ rcode: 3 });
  const copy = Buffer.from(first);
  writer.begin(read(question('bcdefg.disco', 'AAAA')), 512);
  writer.finish({ rcode: 0 });
  t.ok(first.equals(copy));
  t.end();
});

t.test('what cannot be read is answered with a header', (t) => {
  const bytes = headerAnswer({ kind: 'bad', id: 258, flags: 0x2900, rcode: 4 });
  t.equal(bytes.toString('hex'), '0102a9040000000000000000');
  t.end();
});

t.test('of an answer that does not fit the question is left, and that it was cut', (t) => {
  const query = read(question('add.math.disco', 'A', { edns: {} }));
  writer.begin(query, 512);
  writer.add(section.answer, questionName, recordType.A, 0, address);
  const cut = cutAnswer(writer.finish({ rcode: 0 }), query);
  t.match(told(cut), { isTruncated: true, answers: [], question: 'add.math.disco A' });
  t.equal(cut.length, query.questionEnd);
  t.end();
});

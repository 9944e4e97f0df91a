import * as packet from 'dns-packet';
import type { Answer } from 'dns-packet';
import fc from 'fast-check';
import t from 'tap';
import { aliasOf, questionAbout, readAnswers } from '../../src/api/dns-alias.ts';
import { wireName } from '../../src/api/dns-labels.ts';
import { DnsNode, question, read } from './dns-fixture.ts';

const asked = (type: string) => read(question('Add.math.disco', type));
const answerOf = (of: DnsNode, type: string): Buffer => of.bytes('Add.math.disco', type) as Buffer;
const others = (answers: Answer[]): Buffer =>
  packet.encode({ type: 'response', questions: [{ name: 'db.internal', type: 'A' }], answers });

t.test('an alias is found in an answer about addresses, and nowhere else', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', ip: 'db.internal' });
  const name = wireName(['db', 'internal']);
  for (const type of ['A', 'AAAA'])
    t.strictSame(aliasOf(answerOf(of, type), asked(type)), name, type);
  for (const type of ['CNAME', 'SRV', 'TXT', 'MX'])
    t.equal(aliasOf(answerOf(of, type), asked(type)), undefined, type);
  of.add({ instanceId: 'b', ip: '10.0.0.1' });
  for (const type of ['A', 'AAAA'])
    t.equal(aliasOf(answerOf(of, type), asked(type)), undefined, type);
  t.end();
});

t.test('the question about the other name is of the same type, and asks for recursion', (t) => {
  const about = questionAbout(wireName(['db', 'internal']), asked('AAAA'));
  t.match(about, { labels: ['db', 'internal'], type: 28, class: 1, flags: 0x0100 });
  t.equal(about?.edns, undefined);
  t.equal(questionAbout(Buffer.from('\x40'), asked('A')), undefined);
  t.end();
});

t.test('of what comes back the records of that type are read, behind whatever aliases', (t) => {
  const about = read(question('db.internal', 'A'));
  const bytes = others([
    { type: 'CNAME', name: 'db.internal', ttl: 9, data: 'db-1.internal' },
    { type: 'A', name: 'db-1.internal', ttl: 5, data: '10.0.0.1' },
    { type: 'A', name: 'db-1.internal', ttl: 6, data: '10.0.0.2' },
  ]);
  t.strictSame(readAnswers(bytes, about), [
    { ttl: 5, data: Buffer.from([10, 0, 0, 1]) },
    { ttl: 6, data: Buffer.from([10, 0, 0, 2]) },
  ]);
  t.strictSame(readAnswers(others([]), about), []);
  t.end();
});

t.test('an answer that is cut anywhere, or changed, is read as far as it goes', (t) => {
  const about = read(question('db.internal', 'A'));
  const bytes = others([
    { type: 'A', name: 'db.internal', ttl: 5, data: '10.0.0.1' },
    { type: 'A', name: 'db.internal', ttl: 5, data: '10.0.0.2' },
  ]);
  const place = fc.integer({ min: about.questionEnd, max: bytes.length });
  fc.assert(
    fc.property(place, fc.nat(bytes.length - 1), fc.nat(255), (end, at, value) => {
      const mutant = Buffer.from(bytes.subarray(0, end));
      if (at < end && at >= 6) mutant[at] = value;
      return readAnswers(mutant, about).length <= 2;
    }),
  );
  t.end();
});

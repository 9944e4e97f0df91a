/**
 * DNS against what nobody meant to send: changed bits, noise, and pieces. There is never an
 * exception, an answer is never longer than it may be, and dns-packet reads each one.
 */
import fc from 'fast-check';
import * as packet from 'dns-packet';
import t from 'tap';
import { readQuery, recordType } from '../../src/api/dns-query.ts';
import { headerAnswer } from '../../src/api/dns-writer.ts';
import { makeRecord } from '../record/fixtures.ts';
import { DnsNode, question, told } from '../api/dns-fixture.ts';

const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const known = ['add.math', 'a.add.math', '_add._tcp.math', 'math', 'v2.math', '_tcp.add.math'];
const name = fc.oneof(
  fc.constantFrom(...known).map((text) => `${text}.disco`),
  fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => `${labels.join('.')}.disco`),
  fc.constantFrom('disco', 'ns.disco', '.', 'example.com', '1.0.0.10.in-addr.arpa'),
);
const type = fc.constantFrom('A', 'AAAA', 'SRV', 'TXT', 'ANY', 'SOA', 'NS', 'PTR', 'CNAME', 'MX');
const edns = fc.option(
  fc.record({
    udpBytes: fc.integer({ min: 0, max: 65_535 }),
    version: fc.integer({ min: 0, max: 2 }),
  }),
  { nil: undefined },
);
const asked = fc
  .tuple(name, type, edns)
  .map(([of, kind, offered]) => question(of, kind, offered === undefined ? {} : { edns: offered }));
const limit = fc.oneof(fc.constantFrom(0, 512, 1232, 65_535), fc.integer({ min: 0, max: 2_000 }));

function busyNode(): DnsNode {
  const of = new DnsNode();
  const endpoints = [{ name: 'metrics', port: 9_100, ip: '10.0.0.9' }];
  of.add({ instanceId: 'a', ip: '10.0.0.1', endpoints });
  of.add({ instanceId: '10.0.0.2:80', ip: '2001:db8::1', tags: ['x'.repeat(200)] });
  of.add({ instanceId: 'h', ip: 'db.internal', name: 'add.v2' });
  of.add({ instanceId: 'c', name: 'sub', health: 'critical' });
  return of;
}

/** Whatever comes: undefined when nothing is said to it. */
function answerOf(of: DnsNode, bytes: Buffer, most: number): Buffer | undefined {
  const query = readQuery(bytes);
  if (query === undefined) return undefined;
  if (query.kind === 'bad') return headerAnswer(query);
  return of.answerer.answer(query, most) ?? of.answerer.refuse(query, most);
}

t.test('each question is answered within its bound, in a way that others can read', (t) => {
  const of = busyNode();
  fc.assert(
    fc.property(asked, limit, (bytes, most) => {
      const answer = answerOf(of, bytes, most);
      if (answer === undefined) return false;
      const isWithin = answer.length <= Math.max(most, bytes.length);
      const { id, question: repeated } = told(answer);
      return isWithin && id === 7 && repeated !== '';
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

t.test('questions with bytes changed, cut off and added never hurt', (t) => {
  const of = busyNode();
  const change = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 6 });
  let answered = 0;
  fc.assert(
    fc.property(
      asked,
      change,
      fc.nat(300),
      fc.uint8Array({ maxLength: 20 }),
      (bytes, edits, cut, more) => {
        const mutant = Buffer.concat([bytes.subarray(0, Math.max(cut, 12)), more]);
        for (const [at, value] of edits) if (at < mutant.length) mutant[at] = value;
        const answer = answerOf(of, mutant, 512);
        if (answer === undefined) return (mutant[2] ?? 0) >= 0x80;
        answered += 1;
        packet.decode(answer);
        return answer.length <= Math.max(512, mutant.length) && (answer[2] ?? 0) >= 0x80;
      },
    ),
    { numRuns: 3_000 },
  );
  t.ok(answered > 1_000, `${answered} were answered`);
  t.end();
});

t.test('noise is at most answered with a header', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
      const query = readQuery(Buffer.from(noise));
      if (query === undefined) return noise.length < 12 || (noise[2] ?? 0) >= 0x80;
      return query.kind === 'query' || headerAnswer(query).length === 12;
    }),
    { numRuns: 3_000 },
  );
  t.end();
});

t.test('a question is read as dns-packet reads it', (t) => {
  fc.assert(
    fc.property(name, type, (of, kind) => {
      const bytes = question(of, kind);
      const query = readQuery(bytes);
      const [decoded] = packet.decode(bytes).questions ?? [];
      if (query?.kind !== 'query' || decoded === undefined) return false;
      const types: Readonly<Record<string, number>> = { ...recordType, MX: 15 };
      const isSame = (query.labels.join('.') || '.') === decoded.name.toLowerCase();
      return isSame && query.type === types[decoded.type];
    }),
  );
  t.end();
});

t.test('whatever a service is called and registered with, its names lead to it', (t) => {
  const anyName = fc
    .stringMatching(/^[A-Za-z0-9._-]{1,128}$/)
    .filter((text) => text !== '__proto__');
  const anyId = fc.stringMatching(/^[A-Za-z0-9._:[\]-]{1,160}$/);
  fc.assert(
    fc.property(anyName, anyName, anyId, (group, service, instanceId) => {
      const of = new DnsNode();
      const { port } = makeRecord();
      of.add({ group, name: service, instanceId, ip: '10.0.0.1', port });
      const reverse = of.ask('1.0.0.10.in-addr.arpa', 'PTR').answers[0] ?? '';
      const own = reverse.slice('PTR '.length);
      const [srv] = of.ask(own, 'SRV', { edns: {} }).answers;
      const [address] = of.ask(own, 'A').answers;
      const parent = own.slice(own.indexOf('.') + 1);
      const [whole] = of.ask(parent, 'A').answers;
      const isHost =
        own.length <= 253 && own.split('.').every((part) => /^[a-z0-9-]{1,63}$/.test(part));
      return (
        isHost &&
        srv === `SRV 0 100 ${port} ${own}` &&
        address === 'A 10.0.0.1' &&
        whole === address
      );
    }),
    { numRuns: 100 },
  );
  t.end();
});

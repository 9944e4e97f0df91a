import t from 'tap';
import { namesOfAddressMax } from '../../src/api/dns-answerer.ts';
import { safeLabel } from '../../src/api/dns-labels.ts';
import { DnsNode, question, read, told } from './dns-fixture.ts';

const soa = 'disco SOA ns.disco hostmaster.disco minimum 1';
const edns = {};

t.test('a service is answered with its healthy addresses, with authority and the TTL', (t) => {
  const of = new DnsNode({ ttlSeconds: 3 });
  of.add({ instanceId: 'a', ip: '10.0.0.1' });
  of.add({ instanceId: 'b', ip: '10.0.0.2', health: 'critical' });
  of.add({ instanceId: 'c', ip: '2001:db8::1' });
  t.match(of.ask('add.math.disco', 'A'), {
    rcode: 'NOERROR',
    isAuthoritative: true,
    isRecursive: false,
    answers: ['A 10.0.0.1'],
    ttls: [3],
  });
  t.strictSame(of.ask('add.math.disco', 'AAAA').answers, ['AAAA 2001:db8::1']);
  t.equal(of.ask('aDD.Math.dIsco', 'A').question, 'aDD.Math.dIsco A', 'case is kept');
  t.strictSame(of.ask('aDD.Math.dIsco', 'A').answers, ['A 10.0.0.1'], 'and means nothing');
  t.end();
});

t.test('SRV tells port, weight and a name that resolves, with its address beside it', (t) => {
  const of = new DnsNode();
  const id = '10.0.0.5:5001';
  const endpoints = [{ name: 'metrics', port: 9_100, ip: '10.0.0.6' }];
  of.add({ instanceId: id, ip: '10.0.0.5', port: 5_001, weight: 10, endpoints });
  const name = `${safeLabel(id)}.add.math.disco`;
  const answer = {
    answers: [`SRV 0 10 5001 ${name}`],
    additionals: [`${name} A 10.0.0.5`],
  };
  for (const asked of ['add.math.disco', '_add._tcp.math.disco', '_tcp.add.math.disco', name])
    t.match(of.ask(asked, 'SRV'), asked === name ? { answers: answer.answers } : answer, asked);
  t.strictSame(of.ask(name, 'A').answers, ['A 10.0.0.5']);
  for (const asked of ['_add._metrics.math.disco', '_metrics._tcp.add.math.disco'])
    t.match(of.ask(asked, 'SRV'), {
      answers: [`SRV 0 10 9100 metrics.${name}`],
      additionals: [`metrics.${name} A 10.0.0.6`],
    });
  t.strictSame(of.ask(`metrics.${name}`, 'A').answers, ['A 10.0.0.6']);
  t.end();
});

t.test('a name of SRV records has no addresses, and says so without denying them', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a' });
  t.match(of.ask('_add._tcp.math.disco', 'A'), {
    rcode: 'NOERROR',
    answers: [],
    authorities: [soa],
  });
  t.end();
});

t.test('TXT tells what an instance says of itself', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', tags: ['blue'], metadata: { owner: 'me' } });
  const line = 'TXT id=a node=node-2 health=passing weight=100 tag=blue meta.owner=me';
  t.strictSame(of.ask('add.math.disco', 'TXT').answers, [line]);
  t.strictSame(of.ask('a.add.math.disco', 'TXT').answers, [line]);
  t.end();
});

t.test('an unknown name is NXDOMAIN, one above others is not, both with the SOA', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a' });
  const denial = { isAuthoritative: true, answers: [], authorities: [soa] };
  t.match(of.ask('sub.math.disco', 'A'), { ...denial, rcode: 'NXDOMAIN' });
  t.match(of.ask('x.add.math.disco', 'A'), { ...denial, rcode: 'NXDOMAIN' });
  t.match(of.ask('math.disco', 'A'), { ...denial, rcode: 'NOERROR' });
  t.match(of.ask('_tcp.math.disco', 'SRV'), { ...denial, rcode: 'NOERROR' });
  t.match(of.ask('add.math.disco', 'MX'), { ...denial, rcode: 'NOERROR' });
  t.match(of.ask('add.math.disco', 'AAAA'), { ...denial, rcode: 'NOERROR' });
  t.end();
});

t.test('a service whose instances are all unhealthy is there, has none, and says why', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', health: 'critical', ip: '10.0.0.1' });
  const answer = of.ask('add.math.disco', 'A', { edns });
  t.match(answer, { rcode: 'NOERROR', answers: [], authorities: [soa] });
  t.match(answer.note, /^0 math\/add has no healthy instance: 1 critical, 0 in maintenance/);
  t.strictSame(
    of.ask('a.add.math.disco', 'A').answers,
    ['A 10.0.0.1'],
    'by its own name it is told',
  );
  of.add({ instanceId: 'b', health: 'warning', ip: '10.0.0.2' });
  t.strictSame(of.ask('add.math.disco', 'A').answers, ['A 10.0.0.2']);
  t.end();
});

t.test('a node that has heard from nobody yet does not deny what others may know', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', health: 'critical' });
  of.add({ instanceId: 'b', name: 'sub', ip: '10.0.0.2' });
  of.node.control.partial = true;
  for (const name of ['mul.math.disco', 'add.math.disco']) {
    const answer = of.ask(name, 'A', { edns });
    t.match(answer, { rcode: 'SERVFAIL', authorities: [] }, name);
    t.match(answer.note, /^14 this node has not yet heard from any other/);
  }
  t.strictSame(of.ask('sub.math.disco', 'A').answers, ['A 10.0.0.2']);
  t.end();
});

t.test('what is held is answered and marked, and so is all that an isolated node says', (t) => {
  const of = new DnsNode();
  of.node.holdService('math', 'add');
  const held = of.ask('add.math.disco', 'SRV', { edns });
  t.equal(held.answers.length, 4);
  t.match(held.note, /^3 holding: 3 of 4 instances fell silent at once/);
  t.equal(of.ask('add.math.disco', 'SRV').edns, undefined);
  of.add({ instanceId: 'a', name: 'sub' }, 6);
  t.equal(of.ask('sub.math.disco', 'A', { edns }).note, undefined);
  of.node.control.isolated = true;
  t.equal(of.ask('sub.math.disco', 'A', { edns }).note, '3 isolated: this node reaches no other');
  t.end();
});

t.test('what does not fit is left out and said to be, and chance says which', (t) => {
  const of = new DnsNode();
  of.addMany(100);
  const first = new Set<string>();
  const seen = new Set<string>();
  for (let round = 0; round < 50; round++) {
    const { answers, isTruncated, bytes, additionals } = of.ask('add.math.disco', 'A');
    t.ok(isTruncated && bytes <= 512 && bytes > 496, 'as many as fit');
    t.strictSame(additionals, []);
    first.add(answers[0] ?? '');
    for (const answer of answers) seen.add(answer);
  }
  t.ok(first.size > 20, `${first.size} of 100 were the first`);
  t.equal(seen.size, 100);
  const wide = of.ask('add.math.disco', 'A', { edns });
  t.match(wide, { isTruncated: true, edns: { udpBytes: 1232 } });
  t.ok(wide.bytes <= 1232 && wide.bytes > 1216);
  t.match(of.ask('add.math.disco', 'A', { limit: 65_535 }), { isTruncated: false });
  t.equal(of.ask('add.math.disco', 'A', { limit: 65_535 }).answers.length, 100);
  t.end();
});

t.test('SRV records come before their addresses, which alone are left out in silence', (t) => {
  const of = new DnsNode();
  of.addMany(9);
  const answer = of.ask('add.math.disco', 'SRV');
  t.equal(answer.answers.length, 9);
  t.notOk(answer.isTruncated);
  t.ok(answer.additionals.length > 0 && answer.additionals.length < 9);
  t.end();
});

t.test('no answer is empty and whole while there are healthy instances, whatever the size', (t) => {
  const of = new DnsNode();
  of.add({
    instanceId: 'a',
    ip: '10.0.0.1',
    metadata: { long: 'x'.repeat(240), more: 'y'.repeat(240) },
  });
  for (const type of ['A', 'SRV', 'TXT'])
    for (let limit = 0; limit < 700; limit++) {
      const { answers, isTruncated, rcode } = of.ask('add.math.disco', type, { limit });
      if ((answers.length === 0) !== isTruncated || rcode !== 'NOERROR')
        t.fail(`${type} within ${limit} bytes`);
    }
  t.end();
});

t.test('within no bytes only the question comes back, no longer than it was', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a' });
  of.node.control.isolated = true;
  for (const [name, type] of [
    ['add.math.disco', 'A'],
    ['nope.math.disco', 'A'],
    ['disco', 'ANY'],
  ] as const) {
    const asked = question(name, type, { edns });
    const answer = of.ask(name, type, { edns, limit: 0 });
    t.ok(answer.bytes <= asked.length, `${name} ${answer.bytes}`);
    t.strictSame([answer.answers, answer.authorities], [[], []]);
  }
  t.end();
});

t.test('instances of this zone come first, each rank in an order of chance', (t) => {
  const of = new DnsNode({ zone: 'eu' });
  for (let host = 1; host <= 4; host++)
    of.add({ instanceId: `i-${host}`, ip: `10.0.0.${host}`, zone: host <= 2 ? 'eu' : 'us' });
  const orders = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const { answers } = of.ask('add.math.disco', 'A');
    t.strictSame(answers.slice(0, 2).toSorted(), ['A 10.0.0.1', 'A 10.0.0.2']);
    orders.add(answers.join());
  }
  t.equal(orders.size, 4);
  const priorities = of.ask('add.math.disco', 'SRV').answers.map((line) => line.split(' ')[1]);
  t.strictSame(priorities, ['0', '0', '1', '1']);
  t.end();
});

t.test('a service at host names is an alias of one of them, and SRV names them all', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', ip: 'db-1.internal', port: 1 });
  of.add({ instanceId: 'b', ip: 'db-2.internal', port: 1 });
  const seen = new Set<string>();
  for (let round = 0; round < 30; round++) {
    const { answers } = of.ask('add.math.disco', round % 2 === 0 ? 'A' : 'AAAA');
    t.equal(answers.length, 1);
    seen.add(answers[0] ?? '');
  }
  t.strictSame([...seen].toSorted(), ['CNAME db-1.internal', 'CNAME db-2.internal']);
  t.strictSame(of.ask('a.add.math.disco', 'A').answers, ['CNAME db-1.internal']);
  const { answers, additionals } = of.ask('add.math.disco', 'SRV');
  t.strictSame(answers.toSorted(), ['SRV 0 100 1 db-1.internal', 'SRV 0 100 1 db-2.internal']);
  t.strictSame(additionals, []);
  of.add({ instanceId: 'c', ip: '10.0.0.1' });
  t.strictSame(of.ask('add.math.disco', 'A').answers, ['A 10.0.0.1'], 'an alias stands alone');
  t.match(of.ask('add.math.disco', 'AAAA'), { rcode: 'NOERROR', answers: [] });
  t.end();
});

t.test('the zone has a SOA, a name server that resolves, and little to say to ANY', (t) => {
  const of = new DnsNode({ address: () => '10.0.0.9' });
  of.add({ instanceId: 'a' });
  t.strictSame(of.ask('disco', 'SOA').answers, ['SOA ns.disco hostmaster.disco minimum 1']);
  t.strictSame(of.ask('disco', 'NS').answers, ['NS ns.disco']);
  t.strictSame(of.ask('ns.disco', 'A').answers, ['A 10.0.0.9']);
  t.match(of.ask('ns.disco', 'AAAA'), { rcode: 'NOERROR', answers: [], authorities: [soa] });
  t.match(of.ask('disco', 'A'), { rcode: 'NOERROR', answers: [], authorities: [soa] });
  for (const name of ['disco', 'add.math.disco', 'math.disco'])
    t.strictSame(of.ask(name, 'ANY').answers, ['HINFO RFC8482'], name);
  t.end();
});

t.test('the address of an instance leads back to its name, and other addresses to nobody', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', ip: '10.0.0.1' });
  t.match(of.ask('1.0.0.10.in-addr.arpa', 'PTR'), {
    isAuthoritative: true,
    answers: ['PTR a.add.math.disco'],
  });
  t.equal(of.bytes('2.0.0.10.in-addr.arpa', 'PTR'), undefined);
  t.equal(of.bytes('1.0.0.10.in-addr.arpa', 'A'), undefined);
  t.equal(of.bytes('0.0.10.in-addr.arpa', 'PTR'), undefined);
  for (let port = 1; port <= namesOfAddressMax + 1; port++)
    of.add({ instanceId: `b-${port}`, ip: '10.0.0.2', port });
  t.equal(of.ask('2.0.0.10.in-addr.arpa', 'PTR', { edns }).answers.length, namesOfAddressMax);
  t.end();
});

t.test('names of others are not answered, transfers and other classes are refused', (t) => {
  const of = new DnsNode();
  for (const name of ['example.com', 'disco.example', 'xdisco', '.'])
    t.equal(of.bytes(name, 'A'), undefined, name);
  for (const type of ['AXFR', 'IXFR']) t.match(of.ask('disco', type), { rcode: 'REFUSED' }, type);
  const chaos = question('version.bind', 'TXT');
  chaos.writeUInt16BE(3, chaos.length - 2);
  t.match(told(of.answerer.answer(read(chaos), 512) as Buffer), { rcode: 'REFUSED' });
  const refusal = told(of.answerer.refuse(read(question('example.com', 'A', { edns })), 512));
  t.match(refusal, { rcode: 'REFUSED', isAuthoritative: false });
  t.equal(refusal.note, '20 only names below disco. are answered here');
  t.end();
});

t.test('a later version of EDNS is answered with BADVERS', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a' });
  const answer = of.ask('add.math.disco', 'A', { edns: { version: 1 } });
  t.match(answer, { rcode: 'NOERROR', edns: { rcodeHigh: 1 }, answers: [] });
  t.end();
});

t.test('a failure says so, and what follows a resolver is told that this one recurses', (t) => {
  const of = new DnsNode({ isRecursive: true });
  const query = read(question('example.com', 'A', { edns }));
  t.match(told(of.answerer.fail(query, 512, 'why')), { rcode: 'SERVFAIL', note: '0 why' });
  t.equal(of.ask('disco', 'SOA').isRecursive, true);
  t.end();
});

import { createSocket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import * as packet from 'dns-packet';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { framed } from '../../src/api/dns-exchange.ts';
import { safeLabel } from '../../src/api/dns-labels.ts';
import { connectionsMax, DnsServer } from '../../src/api/dns-server.ts';
import type { DnsOptions, DnsTools } from '../../src/api/dns-server.ts';
import { tryMs } from '../../src/api/dns-upstream.ts';
import { parseAddress } from '../../src/base/address.ts';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DnsNode, question, told } from './dns-fixture.ts';
import type { Asked, Told } from './dns-fixture.ts';

class Served extends DnsNode {
  readonly warnings: string[] = [];
  server: DnsServer;
  port = 0;

  constructor(options: Partial<DnsOptions>, more: Partial<DnsTools> = {}) {
    super();
    const warn = (_: object, message: string): void => void this.warnings.push(message);
    const plain = { address: '127.0.0.1:0', ttlSeconds: 1, upstream: [], zone: '' };
    const whole = { ...plain, ...options };
    const { clock } = this.node;
    const tools = { clock, random: seededRandom(1), randomId: () => 1, ...more };
    this.server = new DnsServer(this.node.service, whole, {
      ...tools,
      log: { ...silentLog, warn },
    });
  }

  static async start(
    t: Test,
    options: Partial<DnsOptions> = {},
    more: Partial<DnsTools> = {},
  ): Promise<Served> {
    const served = new Served(options, more);
    served.port = parseAddress(await served.server.start()).port;
    t.teardown(() => served.server.stop());
    return served;
  }

  get resolver(): dns.Resolver {
    const resolver = new dns.Resolver({ timeout: 5_000, tries: 1 });
    resolver.setServers([`127.0.0.1:${this.port}`]);
    return resolver;
  }

  /** What comes back for these bytes, by UDP. */
  async datagram(bytes: Buffer): Promise<Buffer> {
    const socket = createSocket('udp4');
    socket.send(bytes, this.port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    socket.close();
    return answer;
  }

  async byUdp(name: string, type: string, asked?: Asked): Promise<Told> {
    return told(await this.datagram(question(name, type, asked)));
  }

  async byTcp(name: string, type: string): Promise<Told> {
    const socket = connect(this.port, '127.0.0.1');
    socket.end(framed(question(name, type)));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return told(Buffer.concat(chunks).subarray(2));
  }
}

t.test("Node's own resolver finds services, instances, texts and names of addresses", async (t) => {
  const served = await Served.start(t);
  served.add({ instanceId: 'a', ip: '10.0.0.1', port: 80, weight: 3 });
  served.add({ instanceId: 'b', ip: '::1', port: 81, weight: 4, version: '2' });
  const { resolver } = served;
  t.strictSame(await resolver.resolve4('add.math.disco', { ttl: true }), [
    { address: '10.0.0.1', ttl: 1 },
  ]);
  t.strictSame(await resolver.resolve6('add.math.disco'), ['::1']);
  const srv = await resolver.resolveSrv('_add._tcp.math.disco');
  t.match(
    srv.toSorted((one, other) => one.port - other.port),
    [
      { name: 'a.add.math.disco', port: 80, priority: 0, weight: 3 },
      { name: 'b.add.math.disco', port: 81, priority: 0, weight: 4 },
    ],
  );
  t.strictSame(await resolver.resolve4('a.add.math.disco'), ['10.0.0.1']);
  const [text] = await resolver.resolveTxt('b.add.math.disco');
  t.strictSame(text, ['id=b', 'node=node-2', 'health=passing', 'weight=4', 'version=2']);
  t.strictSame(await resolver.reverse('10.0.0.1'), ['a.add.math.disco']);
  t.match(await resolver.resolveSoa('disco'), { nsname: 'ns.disco', minttl: 1 });
  t.strictSame(await resolver.resolveNs('disco'), ['ns.disco']);
  t.strictSame(await resolver.resolve4('ns.disco'), ['127.0.0.1']);
  await t.rejects(resolver.resolve4('sub.math.disco'), { code: 'ENOTFOUND' });
  await t.rejects(resolver.resolve4('math.disco'), { code: 'ENODATA' });
  await t.rejects(resolver.resolve4('example.com'), { code: 'EREFUSED' });
});

t.test("Node's own resolver comes by TCP for what UDP has no room for", async (t) => {
  const served = await Served.start(t);
  served.addMany(200);
  t.equal((await served.byUdp('add.math.disco', 'A')).isTruncated, true);
  t.equal((await served.resolver.resolve4('add.math.disco')).length, 200);
  t.equal(served.server.counters.get('dns_truncated') > 0, true);
});

t.test('UDP and TCP answer alike, and names with dots and colons are found', async (t) => {
  const served = await Served.start(t);
  served.add({ instanceId: '[::1]:80', name: 'add.v2', ip: '::1', port: 80 });
  const expected = {
    rcode: 'NOERROR',
    answers: [`SRV 0 100 80 ${safeLabel('[::1]:80')}.${safeLabel('add.v2')}.math.disco`],
  };
  t.match(await served.byUdp('add.v2.math.disco', 'SRV'), expected);
  t.match(await served.byTcp('add.v2.math.disco', 'SRV'), expected);
});

t.test('what EDNS offers is honoured from 512 to 1232 bytes', async (t) => {
  const served = await Served.start(t);
  served.addMany(200);
  for (const [udpBytes, most] of [
    [100, 512],
    [700, 700],
    [4_096, 1232],
  ] as const) {
    const { bytes } = await served.byUdp('add.math.disco', 'A', { edns: { udpBytes } });
    t.ok(bytes <= most && bytes > most - 16, `${bytes} of ${most}`);
  }
});

t.test('what cannot be read is answered with a code, and answers are not answered', async (t) => {
  const served = await Served.start(t);
  const broken = question('add.math.disco', 'A').subarray(0, 20);
  t.equal((await served.datagram(broken)).readUInt16BE(2) & 0xf, 1);
  const answer = Buffer.from(question('add.math.disco', 'A'));
  answer.writeUInt16BE(0x8000, 2);
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  const heard: number[] = [];
  socket.on('message', (bytes) => heard.push(bytes.readUInt16BE(0)));
  socket.send(answer, served.port, '127.0.0.1');
  socket.send(question('disco', 'SOA', { id: 99 }), served.port, '127.0.0.1');
  await once(socket, 'message');
  t.strictSame(heard, [99]);
  t.equal(served.server.counters.get('dns_ignored'), 1);
  t.equal(served.server.counters.get('dns_formerr'), 1);
});

t.test('a mistake of ours is a SERVFAIL and one line in the log a minute', async (t) => {
  const served = await Served.start(t);
  served.node.registry.feed.read = () => {
    throw new Error('a bug');
  };
  served.node.registry.index.list = () => {
    throw new Error('a bug');
  };
  for (let round = 0; round < 3; round++)
    t.match(await served.byUdp('add.math.disco', 'A'), { rcode: 'SERVFAIL' });
  t.strictSame(served.warnings, ['a DNS question failed: a bug']);
  served.node.clock.advance(60_001);
  await served.byUdp('add.math.disco', 'A');
  t.equal(served.warnings.length, 2);
});

t.test('other names are refused, or passed on to who knows them', async (t) => {
  const other = await Served.start(t);
  other.add({ instanceId: 'x', ip: '10.9.9.9' });
  const served = await Served.start(t, { upstream: [`127.0.0.1:${other.port}`] });
  served.add({ instanceId: 'a', ip: '10.0.0.1' });
  // The other one answers, though it refuses: that is its word.
  t.match(await served.byUdp('example.com', 'A', { id: 5 }), { id: 5, rcode: 'REFUSED' });
  t.ok(other.server.counters.get('dns_refused') > 0);
  // Its address is known there alone.
  t.strictSame(await served.resolver.reverse('10.9.9.9'), ['x.add.math.disco']);
  t.strictSame((await served.byUdp('add.math.disco', 'A')).answers, ['A 10.0.0.1']);
  t.match(await served.byUdp('disco', 'SOA'), { isRecursive: true });
  const before = other.server.counters.get('dns_queries');
  t.match(await served.byUdp('example.com', 'A', { flags: 0 }), { rcode: 'REFUSED' });
  t.equal(other.server.counters.get('dns_queries'), before, 'without RD nothing is passed on');
});

t.test('an answer from elsewhere that is too long for the asker is cut', async (t) => {
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.on('message', (query, { port, address }) => {
    const answer = Buffer.concat([query, Buffer.alloc(600)]);
    answer.writeUInt16BE(0x8180, 2);
    socket.send(answer, port, address);
  });
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  const served = await Served.start(t, { upstream: [`127.0.0.1:${socket.address().port}`] });
  const asked = question('example.com', 'A');
  const answer = await served.datagram(asked);
  t.match(told(answer), { isTruncated: true, answers: [] });
  t.equal(answer.length, asked.length);
  const whole = await served.datagram(question('example.com', 'A', { edns: {} }));
  t.ok(whole.length > 600, 'with EDNS there is room');
});

t.test('an alias of ours is followed, for whoever has no other resolver', async (t) => {
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  const found = (query: Buffer): Buffer => {
    const { id = 0, questions = [] } = packet.decode(query);
    const name = questions[0]?.name ?? '';
    const answers = [{ type: 'A', name, ttl: 60, data: '10.0.0.9' } as const];
    return packet.encode({ type: 'response', id, questions, answers });
  };
  const unknown = (query: Buffer): Buffer => {
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8183, 2);
    return answer;
  };
  const replies = [found, unknown];
  socket.on('message', (query, { port, address }) => {
    const reply = replies.shift();
    if (reply === undefined) served.node.clock.advance(tryMs);
    else socket.send(reply(query), port, address);
  });
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  const served = await Served.start(t, { upstream: [`127.0.0.1:${socket.address().port}`] });
  served.add({ instanceId: 'a', ip: 'db.internal' });
  const alias = { rcode: 'NOERROR', isAuthoritative: true, answers: ['CNAME db.internal'] };
  t.match(await served.byUdp('add.math.disco', 'A', { flags: 0 }), alias, 'only when wished');
  t.match(await served.byUdp('add.math.disco', 'A'), {
    ...alias,
    answers: ['CNAME db.internal', 'A 10.0.0.9'],
    ttls: [1, 60],
  });
  t.match(await served.byUdp('add.math.disco', 'A'), alias, 'it leads to nothing');
  t.match(await served.byUdp('add.math.disco', 'A'), { rcode: 'SERVFAIL' }, 'nobody answers');
});

t.test(
  'strangers get no records by UDP, all of them by TCP, and nothing is asked for them',
  async (t) => {
    const other = await Served.start(t);
    const options = { address: '0.0.0.0:0', upstream: [`127.0.0.1:${other.port}`] };
    const asked: string[] = [];
    const isNear = (ip: string): boolean => asked.push(ip) < 0;
    const served = await Served.start(t, options, { isNear });
    served.add({ instanceId: 'a', ip: '10.0.0.1' });
    const edns = {};
    const query = question('add.math.disco', 'A', { edns });
    const answer = await served.datagram(query);
    t.match(told(answer), { rcode: 'NOERROR', isTruncated: true, answers: [] });
    t.equal(answer.length, query.length, 'no more comes back than was sent');
    t.match(await served.byUdp('nope.math.disco', 'A'), { rcode: 'NXDOMAIN', authorities: [] });
    t.match(await served.byUdp('example.com', 'A', { edns }), {
      rcode: 'REFUSED',
      note: undefined,
    });
    t.match(await served.byTcp('add.math.disco', 'A'), { answers: ['A 10.0.0.1'] });
    t.match(await served.byTcp('example.com', 'A'), { rcode: 'REFUSED' });
    t.equal(other.server.counters.get('dns_queries'), 0);
    t.strictSame([...new Set(asked)], ['127.0.0.1']);
  },
);

t.test('two servers that are each other’s upstream end in SERVFAIL, not in a storm', async (t) => {
  const first = new Served({});
  const port = parseAddress(await first.server.start()).port;
  await first.server.stop();
  const second = await Served.start(t, { upstream: [`127.0.0.1:${port}`] });
  const looped = await Served.start(t, {
    address: `127.0.0.1:${port}`,
    upstream: [`127.0.0.1:${second.port}`],
  });
  const answer = looped.byUdp('example.com', 'A');
  const ticking = setInterval(() => {
    looped.node.clock.advance(500);
    second.node.clock.advance(500);
  }, 1);
  t.match(await answer, { rcode: 'SERVFAIL' });
  clearInterval(ticking);
  t.ok(second.server.counters.get('dns_queries') <= 3);
  t.ok(looped.server.counters.get('dns_queries') <= 10);
});

t.test('a port in use is one sentence that names the flag, for UDP as for TCP', async (t) => {
  const tcp = createServer();
  await new Promise<void>((resolve) => void tcp.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void tcp.close());
  const udp = createSocket('udp4');
  await new Promise<void>((resolve) => void udp.bind(0, '127.0.0.1', resolve));
  t.teardown(() => udp.close());
  for (const { port } of [tcp.address() as AddressInfo, udp.address()])
    await t.rejects(new Served({ address: `127.0.0.1:${port}` }).server.start(), {
      reason: 'PORT_IN_USE',
      message: /the DNS address .* is in use .* --dns/,
    });
});

t.test('an address of another host is one sentence, too', async (t) => {
  await t.rejects(new Served({ address: '192.0.2.1:0' }).server.start(), {
    reason: 'ADDRESS_UNAVAILABLE',
    message: /cannot listen for DNS on 192\.0\.2\.1:0 .* --dns/,
  });
});

t.test('it answers on IPv6 and on every interface', async (t) => {
  const reached = { '[::1]:0': '[::1]', '[::]:0': '[::1]', '0.0.0.0:0': '127.0.0.1' };
  for (const [address, host] of Object.entries(reached)) {
    const served = await Served.start(t, { address });
    served.add({ instanceId: 'a', ip: '10.0.0.1' });
    const resolver = new dns.Resolver({ timeout: 5_000, tries: 1 });
    resolver.setServers([`${host}:${served.port}`]);
    t.strictSame(await resolver.resolve4('add.math.disco'), ['10.0.0.1'], address);
    t.equal(
      served.server.counters.get('dns_truncated'),
      0,
      'hosts of this network are no strangers',
    );
  }
});

t.test(`more than ${connectionsMax} connections at once are closed`, async (t) => {
  const served = await Served.start(t);
  const sockets = Array.from({ length: connectionsMax }, () => connect(served.port, '127.0.0.1'));
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const last = connect(served.port, '127.0.0.1');
  last.on('error', () => undefined);
  await once(last, 'close');
  t.pass('the one more was closed');
});

t.test('stopping ends connections, frees the port and starts no second time', async (t) => {
  const served = await Served.start(t);
  const socket = connect(served.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.resume();
  const closed = once(socket, 'close');
  await served.server.stop();
  await closed;
  const again = new Served({ address: `127.0.0.1:${served.port}` });
  t.equal(await again.server.start(), `127.0.0.1:${served.port}`);
  await again.server.stop();
  await again.server.stop();
});

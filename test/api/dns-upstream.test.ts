import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { framed } from '../../src/api/dns-exchange.ts';
import { headerFlag } from '../../src/api/dns-query.ts';
import { tryMs, underWayMax, Upstream } from '../../src/api/dns-upstream.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { question, read, told } from './dns-fixture.ts';
import type { Asked } from './dns-fixture.ts';

interface Server {
  readonly address: string;
  /** What it was asked, in order. */
  readonly asked: Buffer[];
}

type Reply = (query: Buffer, isStream: boolean) => Buffer | undefined;

const answerTo = (query: Buffer, flags = 0x8180): Buffer => {
  const answer = Buffer.from(query);
  answer.writeUInt16BE(flags, 2);
  return answer;
};

/** A DNS server on one port of UDP and TCP. */
async function serve(t: Test, reply: Reply): Promise<Server> {
  const asked: Buffer[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    asked.push(query);
    const answer = reply(query, false);
    if (answer !== undefined) socket.send(answer, peer.port, peer.address);
  });
  const server = createServer((stream) => {
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      const answer = reply(chunk.subarray(2), true);
      if (answer !== undefined) stream.write(framed(answer));
    });
  });
  t.teardown(() => {
    socket.close();
    server.close();
  });
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const isFree = await new Promise<boolean>((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  // The system picked it for UDP alone; over TCP somebody else may have it.
  if (!isFree) return serve(t, reply);
  return { address: `127.0.0.1:${port}`, asked };
}

function upstreamOf(t: Test, servers: readonly Server[], clock = new VirtualClock()): Upstream {
  let id = 100;
  const addresses = servers.map(({ address }) => address);
  const upstream = new Upstream({ servers: addresses, clock, randomId: () => id++ });
  t.teardown(() => upstream.close());
  return upstream;
}

const ask = (upstream: Upstream, name: string, asked: Asked = {}, isStream = false) =>
  upstream.ask(read(question(name, 'A', asked)), isStream);

t.test(
  'a question goes out with an id of its own, and its answer comes back with ours',
  async (t) => {
    const server = await serve(t, (query) => answerTo(query));
    const upstream = upstreamOf(t, [server]);
    const answer = await ask(upstream, 'Example.com', { id: 7 });
    t.match(told(answer as Buffer), { id: 7, question: 'Example.com A' });
    t.equal(server.asked[0]?.readUInt16BE(0), 100);
    t.equal(server.asked[0]?.readUInt16BE(2), headerFlag.recursionDesired);
    t.equal(upstream.waiting, 0);
  },
);

t.test('EDNS is asked for as far as the asker has it, with nothing else of his', async (t) => {
  const server = await serve(t, (query) => answerTo(query));
  const upstream = upstreamOf(t, [server]);
  await ask(upstream, 'a.example');
  await ask(upstream, 'b.example', { edns: { udpBytes: 4_096, isDnssecOk: true } });
  t.equal(server.asked[0]?.readUInt16BE(10), 0);
  const opt = server.asked[1]?.subarray(-11).toString('hex');
  t.equal(opt, '00002904d0000080000000');
});

t.test(
  'equal questions at once go out once, and each gets its own id and letters back',
  async (t) => {
    const server = await serve(t, (query) => answerTo(query));
    const upstream = upstreamOf(t, [server]);
    const answers = Promise.all([
      ask(upstream, 'Example.com', { id: 1 }),
      ask(upstream, 'eXAMPLE.com', { id: 2 }),
      ask(upstream, 'example.com', { id: 3, edns: {} }),
    ]);
    t.equal(upstream.waiting, 2, 'with EDNS it is another question');
    const [one, two, three] = (await answers).map((answer) => told(answer as Buffer));
    t.match(
      [one, two],
      [
        { id: 1, question: 'Example.com A' },
        { id: 2, question: 'eXAMPLE.com A' },
      ],
    );
    t.match(three, { id: 3, question: 'example.com A' });
    t.equal(server.asked.length, 2);
  },
);

t.test(
  'a cut answer is fetched whole by TCP for who can take it, and passed on else',
  async (t) => {
    const server = await serve(t, (query, isStream) => answerTo(query, isStream ? 0x8180 : 0x8380));
    const upstream = upstreamOf(t, [server]);
    t.match(told((await ask(upstream, 'a.example')) as Buffer), { isTruncated: true });
    t.match(told((await ask(upstream, 'a.example', {}, true)) as Buffer), { isTruncated: false });
  },
);

t.test('the next server is asked when one says nothing, or fails', async (t) => {
  const clock = new VirtualClock();
  const silent = await serve(t, () => {
    clock.advance(tryMs);
    return undefined;
  });
  const failing = await serve(t, (query) => answerTo(query, 0x8182));
  const good = await serve(t, (query) => answerTo(query));
  const first = await ask(upstreamOf(t, [silent, failing, good], clock), 'a.example');
  t.match(told(first as Buffer), { rcode: 'NOERROR' });
  const second = await ask(upstreamOf(t, [failing, silent], clock), 'a.example');
  t.match(told(second as Buffer), { rcode: 'SERVFAIL' }, 'its own word, when no other is better');
});

t.test('without any answer there is none', async (t) => {
  const clock = new VirtualClock();
  const silent = await serve(t, () => {
    clock.advance(tryMs);
    return undefined;
  });
  t.equal(await ask(upstreamOf(t, [silent], clock), 'a.example'), undefined);
  t.equal(silent.asked.length, 3);
  t.equal(
    new Set(silent.asked.map((query) => query.readUInt16BE(0))).size,
    3,
    'a new id each time',
  );
});

t.test(
  `more than ${underWayMax} questions at once have no answer, and closing ends all`,
  async (t) => {
    const silent = await serve(t, () => undefined);
    const upstream = upstreamOf(t, [silent]);
    const waiting = Array.from({ length: underWayMax }, (_, index) =>
      ask(upstream, `n${index}.example`),
    );
    t.equal(upstream.waiting, underWayMax);
    t.equal(await ask(upstream, 'one.more'), undefined);
    upstream.close();
    t.ok((await Promise.all(waiting)).every((answer) => answer === undefined));
    t.equal(upstream.waiting, 0);
  },
);

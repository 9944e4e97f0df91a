import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import t from 'tap';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { MemoryNetwork } from '../../src/gossip/memory-transport.ts';
import { MeteredTransport } from '../../src/gossip/metered-transport.ts';
import { encodeFrame } from '../../src/gossip/message.ts';
import type { Transport } from '../../src/gossip/transport.ts';
import { Recorder, settleOn, transportContract } from '../contract/transport-contract.ts';

/** A transport of which only sending matters; it takes what it is told to take. */
class Sink implements Transport {
  isFull = false;

  start(): Promise<readonly string[]> {
    return Promise.resolve(['mem/sink']);
  }

  dial(): void {}

  send(): boolean {
    return !this.isFull;
  }

  publish(): void {}

  hangUp(): void {}

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

type Traffic = MeteredTransport['sent'];

const seen = (traffic: Traffic) =>
  traffic
    .kinds()
    .filter(({ frames }) => frames > 0)
    .map(({ kind, frames, bytes }) => [kind, frames, bytes] as const);

t.test('the transport contract', (t) => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  let created = 0;
  transportContract(t, {
    nowhere: 'mem/nowhere',
    create: (at = []) => {
      created += 1;
      const owner = `peer-${created}`;
      const inner = network.join(owner, at[0] ?? `mem/${created}`);
      return Promise.resolve({ owner, transport: new MeteredTransport(inner) });
    },
    settle: (promise) => settleOn(clock, promise),
  });
  t.end();
});

t.test('every kind of frame that the wire has is told apart', async (t) => {
  const file = fileURLToPath(new URL('../../proto/disco/v1/gossip.proto', import.meta.url));
  const root = await protobuf.load(file);
  const fields = root.lookupType('disco.gossip.v1.Frame').fieldsArray;
  t.ok(fields.length > 20);
  for (const { name, id } of fields) {
    const metered = new MeteredTransport(new Sink());
    const frame = protobuf.Writer.create()
      .uint32((id << 3) | 2)
      .bytes(Buffer.alloc(3))
      .finish();
    metered.send('a', frame);
    const kind = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    t.strictSame(seen(metered.sent), [[kind, 1, frame.length]]);
  }
});

t.test('the shortest answer is told apart, and what nobody knows is other', (t) => {
  const metered = new MeteredTransport(new Sink());
  metered.send('a', encodeFrame({ kind: 'same' }));
  metered.send('a', encodeFrame({ kind: 'ping', nonce: 1 }));
  const strange = [[0], [255, 255, 255], [0x82, 0x7f, 0], [18 << 3, 1], [0x80]].map((bytes) =>
    Buffer.from(bytes),
  );
  for (const bytes of strange) metered.message('a', bytes);
  t.match(seen(metered.sent), [
    ['same', 1, 3],
    ['ping', 1, Number],
  ]);
  const bytes = strange.reduce((sum, { length }) => sum + length, 0);
  t.strictSame(seen(metered.received), [['other', strange.length, bytes]]);
  t.end();
});

t.test('what was not taken was not sent; a broadcast counts once', async (t) => {
  const sink = new Sink();
  const metered = new MeteredTransport(sink);
  await metered.start(new Recorder());
  sink.isFull = true;
  t.equal(metered.send('a', Buffer.from([0x1a, 0])), false);
  t.strictSame(seen(metered.sent), []);
  metered.publish(Buffer.alloc(10));
  t.strictSame(seen(metered.sent), [['broadcast', 1, 10]]);
  t.equal(metered.rumor('b', Buffer.alloc(7)), 'accept');
  t.strictSame(seen(metered.received), [['broadcast', 1, 7]]);
});

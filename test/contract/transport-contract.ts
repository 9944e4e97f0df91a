/** What every transport promises (src/gossip/transport.ts); runs on libp2p and in memory. */
import type { Test } from 'tap';
import type { VirtualClock } from '../../src/base/virtual-clock.ts';
import type { DialTarget, RumorVerdict } from '../../src/gossip/context.ts';
import type { DialOutcome, Transport, TransportHandler } from '../../src/gossip/transport.ts';

/** One node of a transport under test. */
export interface Peer {
  readonly owner: string;
  readonly transport: Transport;
}

export interface TransportLab {
  /** A node that does not listen yet; `at`: multiaddrs to listen on, default a free one. */
  create(at?: readonly string[]): Promise<Peer>;
  /** An address of the same kind at which nobody listens. */
  readonly nowhere: string;
  /** Lets things happen until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

const turnsMax = 100_000;

/** Lets virtual time pass, a millisecond a turn, until something has settled. */
export async function settleOn<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const watched = promise.finally(() => (isSettled = true));
  for (let turn = 0; turn < turnsMax && !isSettled; turn++) {
    clock.advance(1);
    await Promise.resolve();
  }
  return watched;
}

/** Collects what a transport says, and lets a test wait for it. */
export class Recorder implements TransportHandler {
  readonly said: string[] = [];
  verdict: RumorVerdict = 'accept';
  readonly #waiters: { text: string; count: number; resolve: () => void }[] = [];

  linked(peer: string): void {
    this.#say(`linked ${peer}`);
  }

  unlinked(peer: string): void {
    this.#say(`unlinked ${peer}`);
  }

  message(peer: string, bytes: Uint8Array): void {
    this.#say(`message ${peer} ${textOf(bytes)}`);
  }

  rumor(peer: string, bytes: Uint8Array): RumorVerdict {
    this.#say(`rumor ${peer} ${textOf(bytes)}`);
    return this.verdict;
  }

  /** Resolves once something that starts with `text` was said `count` times. */
  heard(text: string, count = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ text, count, resolve });
      this.#check();
    });
  }

  #say(text: string): void {
    this.said.push(text);
    this.#check();
  }

  #check(): void {
    for (const { text, count, resolve } of this.#waiters)
      if (this.said.filter((line) => line.startsWith(text)).length >= count) resolve();
  }
}

interface Started extends Peer {
  readonly heard: Recorder;
  readonly addresses: readonly string[];
}

export function transportContract(t: Test, lab: TransportLab): void {
  const start = async (t: Test, at?: readonly string[]): Promise<Started> => {
    const peer = await lab.create(at);
    const heard = new Recorder();
    const addresses = await peer.transport.start(heard);
    t.teardown(() => peer.transport.stop());
    return { ...peer, heard, addresses };
  };
  const dial = (from: Peer, target: DialTarget, timeoutMs = 2_000): Promise<DialOutcome> =>
    lab.settle(new Promise((resolve) => from.transport.dial(target, timeoutMs, resolve)));
  const linked = async (t: Test): Promise<[Started, Started]> => {
    const [a, b] = [await start(t), await start(t)];
    await dial(a, { addresses: b.addresses });
    await lab.settle(Promise.all([a.heard.heard(`linked ${b.owner}`), b.heard.heard('linked')]));
    return [a, b];
  };

  t.test('a dial by address alone answers with who is there, and links both', async (t) => {
    const [a, b] = [await start(t), await start(t)];
    t.strictSame(await dial(a, { addresses: b.addresses }), { kind: 'dialed', peer: b.owner });
    await lab.settle(b.heard.heard(`linked ${a.owner}`));
    const again = await dial(a, { peer: b.owner, addresses: b.addresses, isDoubted: true });
    t.strictSame(again, { kind: 'dialed', peer: b.owner });
    t.strictSame(a.heard.said, [`linked ${b.owner}`], 'one link, however often it is dialed');
  });

  t.test('messages arrive whole and in order, small and large, in both directions', async (t) => {
    const [a, b] = await linked(t);
    const large = 'x'.repeat(900_000);
    for (const text of ['one', large, 'three']) a.transport.send(b.owner, Buffer.from(text));
    b.transport.send(a.owner, Buffer.from('back'));
    await lab.settle(Promise.all([b.heard.heard('message', 3), a.heard.heard('message')]));
    const texts = b.heard.said.filter((line) => line.startsWith('message'));
    const expected = ['one', large, 'three'].map((text) => `message ${a.owner} ${text}`);
    t.strictSame(texts.map(digest), expected.map(digest));
    t.equal(a.heard.said.at(-1), `message ${b.owner} back`);
  });

  t.test('an empty message is a mistake in the code, and said to be one', async (t) => {
    const [a, b] = await linked(t);
    t.throws(() => a.transport.send(b.owner, new Uint8Array(0)), {
      message: 'a frame is not empty',
    });
    a.transport.send(b.owner, Buffer.from('1'));
    await lab.settle(b.heard.heard('message'));
    t.equal(b.heard.said.at(-1), `message ${a.owner} 1`, 'one byte is enough');
  });

  t.test('what is sent is a copy: the sender may use its bytes again', async (t) => {
    const [a, b] = await linked(t);
    const bytes = Buffer.from('first');
    a.transport.send(b.owner, bytes);
    await lab.settle(b.heard.heard('message'));
    bytes.write('other');
    t.equal(b.heard.said.at(-1), `message ${a.owner} first`);
  });

  t.test(
    'a link that is hung up delivers what was sent before, then ends on both sides',
    async (t) => {
      const [a, b] = await linked(t);
      a.transport.send(b.owner, Buffer.from('last words'));
      a.transport.hangUp(b.owner);
      await lab.settle(Promise.all([a.heard.heard('unlinked'), b.heard.heard('unlinked')]));
      t.strictSame(b.heard.said.slice(1), [`message ${a.owner} last words`, `unlinked ${a.owner}`]);
      t.equal(a.transport.send(b.owner, Buffer.from('too late')), false);
    },
  );

  t.test('a rumor reaches a peer with the name of who passed it on', async (t) => {
    const [a, b] = await linked(t);
    const tell = async (): Promise<void> => {
      // Nothing depends on a rumor: a mesh that is still forming may lose the first ones.
      for (let attempt = 0; attempt < 50 && !isTold(b); attempt++) {
        a.transport.publish(Buffer.from(`news ${attempt}`));
        await Promise.race([b.heard.heard('rumor'), pause(attempt)]);
      }
    };
    await lab.settle(tell());
    t.match(
      b.heard.said.find((line) => line.startsWith('rumor')),
      `rumor ${a.owner} news`,
    );
  });

  t.test(
    'failed dials say what the other side is: nobody, ourselves, or somebody else',
    async (t) => {
      const [a, b, c] = [await start(t), await start(t), await lab.create()];
      const nowhere = [lab.nowhere];
      const refused = { kind: 'failed', how: 'refused' } as const;
      t.strictSame(await dial(a, { addresses: nowhere }), refused);
      t.strictSame(await dial(a, { addresses: nowhere, isDoubted: true }), refused);
      t.strictSame(await dial(a, { addresses: a.addresses }), { kind: 'failed', how: 'self' });
      const mistaken = await dial(a, { peer: c.owner, addresses: b.addresses });
      t.strictSame(mistaken, { kind: 'failed', how: 'other_peer' });
      t.equal(a.transport.send(c.owner, Buffer.from('?')), false, 'who is not linked gets nothing');
    },
  );

  t.test('a node that stops is unlinked by the others', async (t) => {
    const [a, b] = await linked(t);
    await b.transport.stop();
    await lab.settle(a.heard.heard(`unlinked ${b.owner}`));
    const outcome = await dial(a, { peer: b.owner, addresses: b.addresses });
    t.strictSame(outcome, { kind: 'failed', how: 'refused' });
  });
}

function isTold({ heard }: Started): boolean {
  return heard.said.some((line) => line.startsWith('rumor'));
}

/** A few turns of the event loop, more with each attempt. */
async function pause(attempt: number): Promise<void> {
  for (let turn = 0; turn < 20 * (attempt + 1); turn++)
    await new Promise<void>((resolve) => void setImmediate(resolve));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** Long texts make unreadable differences. */
function digest(text: string): string {
  return text.length < 100 ? text : `${text.slice(0, 80)}… ${text.length}`;
}

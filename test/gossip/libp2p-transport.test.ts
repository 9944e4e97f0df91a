import { randomBytes } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { Libp2pTransport } from '../../src/gossip/libp2p-transport.ts';
import { ed25519Signer } from '../../src/record/signature.ts';
import { Recorder, transportContract } from '../contract/transport-contract.ts';
import type { Peer } from '../contract/transport-contract.ts';

const anyPort = ['/ip4/127.0.0.1/tcp/0'];

function create(listen: readonly string[] = anyPort): Peer {
  const keySeed = randomBytes(32);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), keySeed]);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const limits = { connectionsMax: 100, inboundConnectionsPerSecondMax: 100 };
  const mesh = { peersPerAddressMax: 0, neighborsK: 8 };
  const transport = new Libp2pTransport({ keySeed, cluster: 'test', listen, ...limits, ...mesh });
  return { owner: ed25519Signer(key).owner, transport };
}

t.test('the transport contract', async (t) => {
  const closed = createServer();
  await new Promise<void>((resolve) => void closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise<void>((resolve) => void closed.close(() => resolve()));
  transportContract(t, {
    nowhere: `/ip4/127.0.0.1/tcp/${port}`,
    create: (at) => Promise.resolve(create(at)),
    settle: (promise) => promise,
  });
  t.end();
});

t.test('a port in use is one sentence that names the flag', async (t) => {
  const first = create();
  const [address] = await first.transport.start(new Recorder());
  t.teardown(() => first.transport.stop());
  const second = create([address as string]);
  await t.rejects(second.transport.start(new Recorder()), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: /is in use by another process: stop that one, or give another --listen/,
  });
});

t.test('an address that is not of this host is one sentence too', async (t) => {
  const { transport } = create(['/ip4/192.0.2.1/tcp/0']);
  await t.rejects(transport.start(new Recorder()), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_UNAVAILABLE',
    message: /give an address of this host with --listen/,
  });
});

t.test('the peer id of libp2p is the owner of the records', async (t) => {
  const [a, b] = [create(), create()];
  const heard = new Recorder();
  const [address] = await a.transport.start(heard);
  t.teardown(() => a.transport.stop());
  await b.transport.start(new Recorder());
  t.teardown(() => b.transport.stop());
  b.transport.dial({ peer: a.owner, addresses: [address as string] }, 2_000, () => undefined);
  await heard.heard(`linked ${b.owner}`);
  t.pass('the owner computed from the key is the name that noise proved');
});

interface Path {
  /** Multiaddr that leads to the node behind it. */
  readonly address: string;
  /** From now on nothing gets through what is connected, not even its end. */
  readonly stall: () => void;
  /** Ends what was stalled for the node behind it. */
  readonly reset: () => void;
}

async function pathTo(t: Test, port: number): Promise<Path> {
  const open: [Socket, Socket][] = [];
  const stalled: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
    open.push([near, far]);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of [...open.flat(), ...stalled]) socket.destroy();
    server.close();
  });
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`,
    stall: () => {
      for (const [near, far] of open.splice(0)) {
        near.unpipe(far).resume();
        far.unpipe(near).resume();
        stalled.push(near, far);
      }
    },
    reset: () => {
      for (const socket of stalled.splice(0)) socket.resetAndDestroy();
    },
  };
}

t.test('a link outlives a connection that its peer gave up before it dialed anew', async (t) => {
  const [a, b] = [create(), create()];
  const [heardByA, heardByB] = [new Recorder(), new Recorder()];
  await a.transport.start(heardByA);
  const [address = ''] = await b.transport.start(heardByB);
  t.teardown(() => Promise.all([a.transport.stop(), b.transport.stop()]));
  const path = await pathTo(t, Number(address.split('/').at(-1)));
  const dial = (): void =>
    a.transport.dial({ peer: b.owner, addresses: [path.address] }, 5_000, () => undefined);
  const say = async (from: Peer, to: Peer, heard: Recorder, text: string): Promise<void> => {
    from.transport.send(to.owner, Buffer.from(text));
    await heard.heard(`message ${from.owner} ${text}`);
  };

  dial();
  await Promise.all([heardByA.heard('linked'), heardByB.heard('linked')]);
  await say(a, b, heardByB, 'first');
  path.stall();
  a.transport.hangUp(b.owner);
  await heardByA.heard('unlinked');
  dial();
  await heardByA.heard('linked', 2);
  await say(a, b, heardByB, 'again');
  path.reset();
  for (const text of ['one', 'two', 'three']) {
    await say(b, a, heardByA, text);
    await say(a, b, heardByB, text);
  }
  const told = heardByB.said.filter((line) => !line.startsWith('message'));
  t.strictSame(told, [`linked ${a.owner}`], 'the other end noticed nothing');
});

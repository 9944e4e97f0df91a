/** More peers than a node has room for, on real sockets. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { Test } from 'tap';
import { Libp2pTransport } from '../../src/gossip/libp2p-transport.ts';
import type { DialOutcome } from '../../src/gossip/transport.ts';
import { ed25519SignerOf } from '../../src/record/signature.ts';
import { Recorder } from '../contract/transport-contract.ts';

interface Peer {
  readonly owner: string;
  readonly transport: Libp2pTransport;
  readonly recorder: Recorder;
  readonly address: string;
}

async function start(t: Test, connectionsMax = 100): Promise<Peer> {
  const keySeed = randomBytes(32);
  const transport = new Libp2pTransport({
    keySeed,
    cluster: 'test',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    connectionsMax,
    inboundConnectionsPerSecondMax: 100,
    peersPerAddressMax: 0,
    neighborsK: 8,
  });
  const recorder = new Recorder();
  const [address = ''] = await transport.start(recorder);
  t.teardown(() => transport.stop());
  return { owner: ed25519SignerOf(keySeed).owner, transport, recorder, address };
}

t.test('one peer over connectionsMax finds no place, and those in keep theirs', async (t) => {
  const server = await start(t, 3);
  const dial = ({ transport }: Peer): Promise<DialOutcome> =>
    new Promise((resolve) => {
      transport.dial({ peer: server.owner, addresses: [server.address] }, 2_000, resolve);
    });
  const peers = await Promise.all([1, 2, 3].map(() => start(t)));
  for (const peer of peers) {
    t.equal((await dial(peer)).kind, 'dialed');
    await server.recorder.heard(`linked ${peer.owner}`);
    await peer.recorder.heard(`linked ${server.owner}`);
  }
  const late = await start(t);
  const outcome = await dial(late);
  // Either the dial fails, or the connection is ended at once: no link comes of it.
  if (outcome.kind === 'dialed') await late.recorder.heard(`unlinked ${server.owner}`);
  t.notOk(server.recorder.said.includes(`linked ${late.owner}`));
  for (const peer of peers) {
    t.notOk(server.recorder.said.includes(`unlinked ${peer.owner}`));
    peer.transport.send(server.owner, Buffer.from('still here'));
    await server.recorder.heard(`message ${peer.owner}`);
  }
});

/**
 * What it costs to find out that nobody listens at an address: by a dial of libp2p, and by a knock
 * before it, as it is done for a member whose link has just broken.
 *
 *   node bench/knock-cost.ts
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Libp2pTransport } from '../src/gossip/libp2p-transport.ts';
import { ed25519Signer } from '../src/record/signature.ts';

const warmups = 50;
const times = 500;

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
server.close();
await once(server, 'close');

const transport = new Libp2pTransport({
  keySeed: randomBytes(32),
  cluster: 'bench',
  listen: ['/ip4/127.0.0.1/tcp/0'],
  connectionsMax: 100,
  inboundConnectionsPerSecondMax: 1_000,
  peersPerAddressMax: 0,
  neighborsK: 8,
});
await transport.start({
  linked: () => undefined,
  unlinked: () => undefined,
  message: () => undefined,
  rumor: () => 'ignore',
});
const peer = ed25519Signer(generateKeyPairSync('ed25519').privateKey).owner;
for (const isDoubted of [false, true]) {
  const target = { peer, addresses: [`/ip4/127.0.0.1/tcp/${port}`], isDoubted };
  const dial = (): Promise<unknown> =>
    new Promise((resolve) => transport.dial(target, 5_000, resolve));
  for (let count = 0; count < warmups; count++) await dial();
  const before = process.cpuUsage();
  for (let count = 0; count < times; count++) await dial();
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000 / times;
  console.log(`${isDoubted ? 'a knock' : 'a dial '}  ${ms.toFixed(2)} ms of processor time`);
}
await transport.stop();

/**
 * What it costs to find out that nobody listens at an address: by a dial of libp2p, and by a knock
 * before it, as it is done for a member whose link has just broken. And what a link costs that comes
 * to be, both ends together: the first ones of a process, whose code is cold, and later ones.
 *
 *   node bench/knock-cost.ts
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Libp2pTransport } from '../src/gossip/libp2p-transport.ts';
import { ed25519Signer } from '../src/record/signature.ts';

const warmups = 50;
const times = 500;
const links = 30;
/** What is said first over a link is over by then. */
const settleMs = 200;

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
server.close();
await once(server, 'close');

async function startTransport(): Promise<{
  readonly transport: Libp2pTransport;
  readonly addresses: readonly string[];
}> {
  const transport = new Libp2pTransport({
    keySeed: randomBytes(32),
    cluster: 'bench',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    connectionsMax: 100,
    inboundConnectionsPerSecondMax: 1_000,
    peersPerAddressMax: 0,
    neighborsK: 8,
  });
  const nothing = (): void => undefined;
  const handler = {
    linked: nothing,
    unlinked: nothing,
    message: nothing,
    rumor: () => 'ignore' as const,
  };
  return { transport, addresses: await transport.start(handler) };
}

/** Processor time of this process so far, ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const { transport, addresses } = await startTransport();
const others = [];
for (let count = 0; count < links; count++) others.push(await startTransport());
const linkMs: number[] = [];
for (const { transport: other } of others) {
  const beforeMs = cpuMs();
  await new Promise<void>((resolve) => {
    other.dial({ addresses }, 5_000, () => resolve());
  });
  await setTimeout(settleMs);
  linkMs.push(cpuMs() - beforeMs);
}
const text = (values: readonly number[]): string => values.map((ms) => ms.toFixed(0)).join(', ');
console.log(`the first links    ${text(linkMs.slice(0, 5))} ms of processor time at both ends`);
console.log(`the last of ${links}     ${text(linkMs.slice(-5))} ms`);
for (const { transport: other } of others) await other.stop();

const peer = ed25519Signer(generateKeyPairSync('ed25519').privateKey).owner;
for (const isDoubted of [false, true]) {
  const target = { peer, addresses: [`/ip4/127.0.0.1/tcp/${port}`], isDoubted };
  const dial = (): Promise<unknown> =>
    new Promise((resolve) => transport.dial(target, 5_000, resolve));
  for (let count = 0; count < warmups; count++) await dial();
  const beforeMs = cpuMs();
  for (let count = 0; count < times; count++) await dial();
  const ms = (cpuMs() - beforeMs) / times;
  console.log(`${isDoubted ? 'a knock' : 'a dial '}  ${ms.toFixed(2)} ms of processor time`);
}
await transport.stop();

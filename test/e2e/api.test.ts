/** The API over TCP and over the unix socket, while one daemon after the other is restarted. */
import * as grpc from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { Disco, instanceAddress } from '../../src/client/index.ts';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import { Cluster, eventually, type Node } from './cluster.ts';

const timeoutMs = 10_000;

/** The gRPC addresses of a daemon's present life: TCP and the unix socket. */
async function addressesOf(node: Node): Promise<string[]> {
  const addresses = (await node.disco.status()).grpc.split(', ').sort();
  if (!/^127\.0\.0\.1:\d+,unix:/.test(addresses.join()))
    throw new Error(`it has ${addresses.join()}`);
  return addresses;
}

async function connect(t: Test, address: string): Promise<{ disco: Disco; stub: DiscoveryStub }> {
  const disco = await Disco.connect({ address, timeoutMs });
  const stub = new DiscoveryStub({ address, source: 'a test' }, timeoutMs);
  t.teardown(async () => {
    await disco.close();
    stub.close();
  });
  return { disco, stub };
}

/** grpc.health.v1 by hand, as a probe would: an empty request, and a status of 1 for serving. */
function probe(address: string): Promise<number | undefined> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const path = '/grpc.health.v1.Health/Check';
  return new Promise((resolve, reject) => {
    const take = (error: grpc.ServiceError | null, answer?: Buffer): void => {
      client.close();
      if (error !== null) reject(error);
      else resolve(answer?.[1]);
    };
    const same = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), take);
  });
}

async function wholeRound(t: Test, cluster: Cluster, address: string): Promise<void> {
  const { disco, stub } = await connect(t, address);
  t.equal(await probe(address), 1);
  const status = await disco.status();
  t.match(status, { name: 'one', ready: true, cluster: 'default', membersAlive: 3 });
  const view = disco.watch({ group: 'round' });
  await view.ready();
  const heard: string[] = [];
  view.onChange((change) => void heard.push(change.kind));

  const registration = await disco.register({ group: 'round', name: 'add', ttlMs: 5_000 });
  t.equal(registration.ip, '127.0.0.1');
  t.ok(registration.port > 0, 'the daemon picks a port');
  await eventually('the watch tells', () => heard.length === 1);
  const { instance, candidates } = await disco.get('round', 'add');
  t.equal(instanceAddress(instance), `127.0.0.1:${registration.port}`);
  t.equal(candidates, 1);
  t.equal((await disco.resolve('round/add')).instanceId, registration.instanceId);
  t.equal((await disco.list({ group: 'round', health: 'passing' })).instances.length, 1);
  t.equal((await stub.unary('ListByGroup', { group: 'round' })).instances.length, 1);
  const beat = { group: 'round', name: 'add', instanceId: registration.instanceId };
  t.equal(Number((await stub.unary('Heartbeat', beat)).ttlMs), 5_000);
  t.equal((await disco.members()).length, 3);
  t.equal((await disco.gossip()).length, 2);
  const verb = await cluster.run(['list', '--group', 'round', '--addr', address, '-o', 'ndjson'])
    .ended;
  t.equal((JSON.parse(verb.stdout) as { name: string }).name, 'add');

  t.ok(await registration.close());
  await eventually('the watch tells', () => heard.length === 2);
  t.strictSame(heard, ['up', 'down']);
  await t.rejects(disco.get('round', 'add'), { code: 'NOT_FOUND', reason: 'SERVICE_GONE' });
  await t.rejects(disco.get('round', 'sub'), { code: 'NOT_FOUND', reason: 'UNKNOWN_SERVICE' });
  await t.rejects(disco.get('round', '__proto__'), { code: 'INVALID_ARGUMENT' });
}

test('TCP and the unix socket answer alike, also while daemons are restarted', async (t) => {
  const cluster = new Cluster(t);
  const grpcPlaces = { args: ['--grpc', '127.0.0.1:0'] };
  const names = ['one', 'two', 'three'];
  const nodes = await cluster.startMany(names, grpcPlaces);
  const [one] = nodes as [Node, Node, Node];

  for (const address of await addressesOf(one))
    await t.test(`all calls, at ${address.replace(/\d+$/, 'PORT')}`, (t) =>
      wholeRound(t, cluster, address),
    );

  await t.test(
    'a rolling restart: whoever is up answers on both, with all that is up',
    async (t) => {
      await Promise.all(
        nodes.map((node) => node.register({ group: 'shop', name: node.name, port: 6_001 })),
      );
      await Promise.all(nodes.map((node) => node.sees((all) => all.length === nodes.length)));
      const listsOf = async (node: Node): Promise<string[][]> => {
        const lists = (await addressesOf(node)).map(async (address) => {
          const { disco } = await connect(t, address);
          return (await disco.list({ group: 'shop' })).instances.map(({ name }) => name);
        });
        return Promise.all(lists);
      };
      for (const down of nodes) {
        const up = nodes.filter((node) => node !== down);
        const left = up.map(({ name }) => name).sort();
        t.equal((await down.stop()).code, 0);
        await Promise.all(up.map((node) => node.sees((all) => all.length === left.length)));
        for (const node of up) t.strictSame(await listsOf(node), [left, left]);
        await down.start({ seeds: (up[0] as Node).gossip });
        await Promise.all(nodes.map((node) => node.sees((all) => all.length === nodes.length)));
        for (const node of nodes)
          t.strictSame(await listsOf(node), [names.toSorted(), names.toSorted()]);
      }
    },
  );
});

import t from 'tap';
import { decodeFrame, encodeFrame, frameBytesMax } from '../../src/gossip/message.ts';
import type { Delta } from '../../src/gossip/frame.ts';
import { packDeltas, unpackDeltas } from '../../src/gossip/packing.ts';
import { sealHead } from '../../src/record/head.ts';
import type { SealedHead } from '../../src/record/head.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import { signerOf, TestCluster } from './cluster.ts';
import type { TestNode } from './cluster.ts';

t.test(
  'a joining node gets everything, however many frames it takes, before it is ready',
  async (t) => {
    const cluster = await TestCluster.of(1);
    const { registry } = cluster.node(1);
    const bulk = { tags: ['x'.repeat(7_000)] };
    for (let index = 0; index < 700; index++)
      cluster.register(1, `service-${index}`, { ...bulk, instanceId: `id-${index}` });
    let longest = 0;
    cluster.network.rules.alter = (bytes) => {
      longest = Math.max(longest, bytes.length);
      return bytes;
    };
    const joined = await cluster.start(2);
    cluster.until(() => joined.engine.readiness !== undefined, 5_000);
    t.equal(joined.registry.state(registry.self)?.set.count, 700);
    t.ok((joined.registry.state(registry.self)?.set.bytes ?? 0) > 4_000_000);
    t.ok(longest < frameBytesMax, `the longest frame has ${longest} bytes`);
  },
);

t.test('more owners than one digest lists, and more bytes than one answer gives', async (t) => {
  const cluster = await TestCluster.of(1);
  const owners = 4_200;
  addOwners(cluster.node(1), owners, cluster.clock.now().wallMicros);
  const joined = await cluster.start(2);
  cluster.until(() => joined.engine.readiness !== undefined, 60_000);
  t.equal([...joined.registry.owners()].length, owners + 2);
  cluster.run(3_000);
  t.ok(cluster.isConverged());
});

t.test('whoever was away past the floor gets the whole owner instead of a delta', async (t) => {
  const cluster = new TestCluster();
  const config = { tombstonesMax: 2 };
  await cluster.start(1, { config });
  await cluster.start(2, { config });
  cluster.run(2_000);
  for (const name of ['keep', 'a', 'b', 'c', 'd']) cluster.register(1, name);
  cluster.run(500);
  const store = cluster.crash(2);
  for (const name of ['a', 'b', 'c', 'd']) cluster.deregister(1, name);
  cluster.run(1_000);
  const own = cluster.node(1).registry.state(cluster.node(1).registry.self);
  t.ok((own?.head.head.floor ?? 0) > 0, 'tombstones were collected meanwhile');
  await cluster.start(2, { store, config });
  cluster.run(3_000);
  t.strictSame(cluster.seenBy(2), ['keep']);
  t.ok(cluster.isConverged());
});

t.test('a relay that changes a record gets nothing in, and is counted', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.network.rules.dropsRumor = () => true;
  let altered = 0;
  cluster.network.rules.alter = alterRecords((records) => {
    const [record] = records;
    if (record === undefined) return records;
    altered += 1;
    const changed = Buffer.from(record);
    const port = changed.indexOf(Buffer.from([0x40, 0xe8, 0x07]));
    changed[port + 1] = 0xe9;
    return [changed];
  });
  cluster.register(1, 'add');
  cluster.run(5_000);
  t.ok(altered > 0);
  t.strictSame(cluster.seenBy(2), []);
  t.ok(cluster.node(2).registry.refusals.get('ROOT_MISMATCH') > 0);
  cluster.network.rules.alter = (bytes) => bytes;
  // The relay is banned by now.
  await cluster.start(3);
  t.ok(cluster.until(() => cluster.isSeenByAll('add'), 5_000) <= 3_000, 'another path brings it');
});

t.test('a relay that leaves a record out gets nothing in either', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.network.rules.dropsRumor = () => true;
  cluster.network.rules.alter = alterRecords((records) => records.slice(1));
  cluster.register(1, 'add');
  cluster.register(1, 'sub');
  cluster.run(5_000);
  t.strictSame(cluster.seenBy(2), []);
  t.ok(cluster.node(2).registry.refusals.get('ROOT_MISMATCH') > 0);
});

t.test('an exchange that is never answered is given up', async (t) => {
  const cluster = await TestCluster.of(2);
  // A frame of a kind that nobody knows yet: neither an answer nor a reason for a ban.
  cluster.network.rules.alter = () => Buffer.from([0xa2, 0x06, 0x00]);
  cluster.run(30_000);
  const { counters } = cluster.node(1).engine;
  t.ok(counters.get('exchanges_failed') >= 2);
  t.ok(cluster.node(2).registry.refusals.get('UNEXPECTED') > 0);
  cluster.network.rules.alter = (bytes) => bytes;
  cluster.register(1, 'add');
  cluster.run(15_000);
  t.ok(cluster.isConverged());
});

t.test('a repair is told to the other neighbors at once', async (t) => {
  const cluster = await TestCluster.of(8);
  const blind = cluster.node(8).registry.self;
  const source = cluster.node(1).registry.self;
  cluster.network.rules.dropsRumor = () => true;
  cluster.register(1, 'add');
  const firstMs = cluster.until(
    () => [2, 3, 4, 5, 6, 7, 8].some((number) => cluster.seenBy(number).includes('add')),
    3_000,
  );
  const restMs = cluster.until(() => cluster.isSeenByAll('add'), 3_000);
  t.ok(restMs <= 10, `${restMs} ms after the first repair at ${firstMs} ms`);
  t.not(blind, source);
});

t.test(
  'a node that was thought dead raises its incarnation, and everyone believes it',
  async (t) => {
    const cluster = await TestCluster.of(3);
    const subject = cluster.node(3).registry;
    cluster.register(3, 'add');
    cluster.run(200);
    const before = subject.member(subject.self)?.incarnation ?? 0;
    cluster.cut([1, 2], [3]);
    cluster.run(10_000);
    t.ok(!cluster.seenBy(1).includes('add'));
    cluster.cut();
    cluster.until(() => cluster.isSeenByAll('add'), 5_000);
    t.ok((subject.member(subject.self)?.incarnation ?? 0) > before);
    t.ok(cluster.node(3).engine.counters.get('refutations') >= 1);
  },
);

t.test('a node whose clock jumped back goes above its own newer head', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.register(2, 'add');
  cluster.run(500);
  const { self } = cluster.node(2).registry;
  const ahead = cluster.node(1).registry.state(self)?.head.head.lastUpdate ?? 0;
  cluster.crash(2);
  // The database is lost, the key is kept: the same node with an empty past.
  const reborn = await cluster.start(2);
  cluster.run(3_000);
  t.ok((reborn.registry.state(self)?.head.head.lastUpdate ?? 0) > ahead);
  t.ok(cluster.isConverged());
  t.strictSame(cluster.seenBy(1), [], 'what nobody asked for in this life is not shown');
});

t.test('an owner that says two things at once ends as the same one everywhere', async (t) => {
  const cluster = await TestCluster.of(2);
  const { wallMicros, monoMs } = cluster.clock.now();
  const twins = ['one', 'other'].map((name) => headOf(100, wallMicros, name));
  twins.forEach((twin, index) => {
    cluster.node(index + 1).registry.receive(twin, [], true, { wallMicros, monoMs });
  });
  t.not(cluster.fingerprint(1), cluster.fingerprint(2));
  cluster.run(4_000);
  t.equal(cluster.fingerprint(1), cluster.fingerprint(2));
  const counts = [1, 2].map((number) => cluster.node(number).registry.refusals.get('EQUIVOCATION'));
  t.ok(Math.max(...counts) > 0, 'and it is counted');
});

/** Changes the records of whatever delta comes by, packed in a page or not. */
function alterRecords(
  change: (records: readonly Uint8Array[]) => readonly Uint8Array[],
): (bytes: Uint8Array) => Uint8Array {
  const altered = (delta: Delta): Delta => ({ ...delta, records: change(delta.records) });
  return (bytes) => {
    const frame = decodeFrame(bytes);
    if (frame.kind !== 'opened') return bytes;
    if (frame.value.kind === 'delta') return encodeFrame(altered(frame.value));
    if (frame.value.kind !== 'page') return bytes;
    const deltas = unpackDeltas(frame.value.packed);
    if (deltas.kind !== 'opened') return bytes;
    return encodeFrame({ ...frame.value, packed: packDeltas(deltas.value.map(altered)) });
  };
}

/** Gives a node the heads of many owners that run nowhere. */
function addOwners({ registry }: TestNode, count: number, wallMicros: number): void {
  const now = { monoMs: 0, wallMicros };
  for (let number = 100; number < 100 + count; number++)
    registry.receive(headOf(number, wallMicros, `ghost-${number}`), [], true, now);
}

/** The head of a node that runs nowhere and has no records. */
function headOf(number: number, wallMicros: number, name: string): SealedHead {
  const signer = signerOf(number);
  const protocol = { protocolMin: 1, protocolMax: 1, version: '' };
  const facts = { name, addresses: [], startedAt: wallMicros, left: true, ...protocol };
  const { root } = RecordSet.empty;
  const counts = { lastUpdate: wallMicros, incarnation: 1, floor: 0, count: 0, root };
  const bootId = '00'.repeat(8);
  return sealHead({ cluster: 'test', owner: signer.owner, bootId, ...counts, facts }, signer);
}

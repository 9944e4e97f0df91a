/** Relays that keep back what they know: others bring it, and what comes in part is not taken. */
import t from 'tap';
import { decodeFrame, encodeFrame } from '../../src/gossip/message.ts';
import type { Delta, Frame } from '../../src/gossip/frame.ts';
import { packDeltas, unpackDeltas } from '../../src/gossip/packing.ts';
import { compareHeads, readHead } from '../../src/record/head.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { deltasOf } from '../../src/gossip/delta.ts';
import { TestCluster } from '../gossip/cluster.ts';
import { Ghost } from '../gossip/ghosts.ts';
import { HostilePeer, refusedSince } from './hostile-peer.ts';

/** A frame of a kind that nobody knows yet: no answer, and no offence. */
const nothing = Buffer.from([0xa2, 0x06, 0x00]);
const rules = {
  cluster: 'test',
  headBytesMax: 4_096,
  earliest: 0,
  latest: Number.MAX_SAFE_INTEGER,
};

function ownerOf(sealed: Sealed | undefined): OwnerId | undefined {
  if (sealed === undefined) return undefined;
  const head = readHead(sealed, rules);
  return head.kind === 'opened' ? head.value.head.owner : undefined;
}

/** What a relay lets through of a frame: nothing of `owner`. */
function without(owner: OwnerId, bytes: Uint8Array): Uint8Array {
  const frame = decodeFrame(bytes);
  if (frame.kind !== 'opened') return nothing;
  const { value } = frame;
  const isOther = ({ head }: { readonly head: Sealed | undefined }): boolean =>
    ownerOf(head) !== owner;
  if (value.kind === 'delta') return isOther(value) ? bytes : nothing;
  if (value.kind === 'rumor') return isOther(value.rumor) ? bytes : nothing;
  if (value.kind !== 'page') return bytes;
  const deltas = unpackDeltas(value.packed);
  if (deltas.kind !== 'opened') return nothing;
  return encodeFrame({ ...value, packed: packDeltas(deltas.value.filter(isOther)) });
}

/** Node 3 hears of node 1 only through 2, which keeps back what is new of it, and 4 if there is one. */
async function keptBack(honest: boolean): Promise<TestCluster> {
  const cluster = await TestCluster.of(honest ? 4 : 3);
  cluster.register(1, 'old');
  cluster.run(2_000);
  const [owner, relay, node] = [1, 2, 3].map((number) => cluster.node(number).registry.self) as [
    OwnerId,
    OwnerId,
    OwnerId,
  ];
  cluster.cut([1], [3]);
  cluster.network.rules.dropsRumor = (from, to) => from === relay || (to === node && !honest);
  cluster.network.rules.alter = (bytes, from) => (from === relay ? without(owner, bytes) : bytes);
  return cluster;
}

t.test('newer heads that one relay keeps back come by another', async (t) => {
  const cluster = await keptBack(true);
  cluster.network.rules.dropsRumor = () => true;
  cluster.register(1, 'new');
  const waitedMs = cluster.until(() => cluster.seenBy(3).includes('new'), 20_000);
  t.ok(waitedMs <= 10_000, `${waitedMs} ms, by digests alone`);
  cluster.deregister(1, 'old');
  cluster.until(() => !cluster.seenBy(3).includes('old'), 20_000);
});

t.test('who hears only that relay holds an older truth, and nothing in between', async (t) => {
  const cluster = await keptBack(false);
  const { registry } = cluster.node(3);
  const owner = cluster.node(1).registry.self;
  const before = registry.state(owner)?.head;
  cluster.register(1, 'new');
  cluster.deregister(1, 'old');
  cluster.run(20_000);
  const held = registry.state(owner);
  t.ok(held && before && compareHeads(held.head, before) === 0);
  cluster.cut();
  cluster.until(() => String(cluster.seenBy(3)) === 'new', 20_000);
});

t.test(
  'a relay that leaves the same record out of all it says is found out by its root',
  async (t) => {
    const cluster = await TestCluster.of(3);
    cluster.register(1, 'kept');
    cluster.run(1_000);
    const [owner, relay, node] = [1, 2, 3].map((number) => cluster.node(number).registry.self);
    cluster.network.rules.dropsRumor = () => true;
    cluster.cut([1], [3]);
    const cutShort = (delta: Delta): Delta => ({
      ...delta,
      records: ownerOf(delta.head) === owner ? delta.records.slice(1) : delta.records,
    });
    cluster.network.rules.alter = (bytes, from, to) => {
      const frame = decodeFrame(bytes);
      if (from !== relay || to !== node || frame.kind !== 'opened') return bytes;
      const { value }: { value: Frame } = frame;
      if (value.kind === 'delta') return encodeFrame(cutShort(value));
      if (value.kind !== 'rumor') return bytes;
      return encodeFrame({ ...value, rumor: { ...value.rumor, records: [] } });
    };
    cluster.register(1, 'left-out');
    cluster.run(60_000);
    const { refusals } = cluster.node(3).registry;
    t.ok(refusals.get('ROOT_MISMATCH') >= 3);
    t.ok(refusals.get('BANNED') > 0, 'the relay is banned for it');
    t.strictSame(cluster.seenBy(3).includes('left-out'), false);
    cluster.cut();
    cluster.until(() => cluster.seenBy(3).includes('left-out'), 60_000);
    t.strictSame(cluster.seenBy(3), ['kept', 'left-out']);
  },
);

t.test(
  'a chunk that a full transport dropped is a mismatch, and nobody is banned for it',
  async (t) => {
    const cluster = await TestCluster.of(1);
    const node = cluster.node(1);
    const peer = HostilePeer.greeted(cluster, 66, node);
    const ghost = new Ghost(100, cluster.clock.now().wallMicros, 300, 4_000);
    const deltas = deltasOf(ghost.state, 0);
    t.ok(deltas.length > 2);
    for (let time = 0; time < 4; time++)
      for (const delta of deltas) if (delta !== deltas[1]) peer.send(node.registry.self, delta);
    cluster.run(10);
    t.strictSame(refusedSince(node), { ROOT_MISMATCH: 4 });
    t.ok(peer.isLinked(node));
    for (const delta of deltas) peer.send(node.registry.self, delta);
    cluster.run(10);
    t.equal(node.registry.state(ghost.owner)?.set.count, 300);
  },
);

/** The whole captured history of a cluster, told again: to who knows better, and to who knows nothing. */
import t from 'tap';
import { decodeFrame, decodeRumor } from '../../src/gossip/message.ts';
import type { Delta, Rumor } from '../../src/gossip/frame.ts';
import { unpackDeltas } from '../../src/gossip/packing.ts';
import { TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import { HostilePeer, refusedSince, stateOf } from './hostile-peer.ts';

/** Small, so that tombstones are collected and owners expire within minutes. */
const config = {
  reapAfterMs: 600_000,
  headRefreshMs: 60_000,
  tombstoneGraceMs: 20_000,
  tombstonesMax: 3,
};

interface History {
  readonly cluster: TestCluster;
  /** All frames and broadcasts, in order, each once. */
  readonly all: readonly Uint8Array[];
  readonly deltas: readonly Delta[];
  readonly rumors: readonly Rumor[];
}

/** Four nodes that register, deregister, collect, crash, restart, and lose rumors. */
async function live(): Promise<History> {
  const cluster = new TestCluster(5);
  const seen = new Map<string, Uint8Array>();
  const broadcasts = new Set<string>();
  const start = async (number: number, store?: MemoryStore): Promise<void> => {
    const { transport } = await cluster.start(number, { config, ...(store && { store }) });
    const publish = transport.publish.bind(transport);
    transport.publish = (bytes) => {
      broadcasts.add(textOf(bytes));
      publish(bytes);
    };
  };
  cluster.network.rules.alter = (bytes) => {
    seen.set(textOf(bytes), bytes);
    return bytes;
  };
  for (const number of [1, 2, 3, 4]) await start(number);
  cluster.run(3_000);
  for (const number of [1, 2, 3, 4]) cluster.register(number, `stays-${number}`);
  for (let index = 0; index < 8; index++) {
    cluster.register(3, `gone-${index}`);
    // Every other rumor is lost, so that digests, deltas and pages are part of what was heard.
    cluster.network.rules.dropsRumor = () => index % 2 === 0;
    cluster.run(700);
  }
  const store = cluster.crash(4);
  cluster.run(2_000);
  for (let index = 0; index < 8; index++) {
    cluster.deregister(3, `gone-${index}`);
    cluster.run(300);
  }
  await start(4, store);
  cluster.run(5_000);
  cluster.register(4, 'stays-too');
  cluster.network.rules.dropsRumor = () => false;
  cluster.run(90_000);
  cluster.network.rules.alter = (bytes) => bytes;
  const all = [...seen.values()];
  const [told, frames] = [true, false].map((isTold) =>
    all.filter((bytes) => broadcasts.has(textOf(bytes)) === isTold),
  ) as [Uint8Array[], Uint8Array[]];
  return { cluster, all, ...truths(told, frames) };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/**
 * What of it a replayer can say in its own name: heads, records and accusations, in every frame and
 * broadcast that has some.
 */
function truths(
  told: readonly Uint8Array[],
  frames: readonly Uint8Array[],
): { deltas: Delta[]; rumors: Rumor[] } {
  const deltas: Delta[] = [];
  const rumors = told.map((bytes) => {
    const rumor = decodeRumor(bytes);
    if (rumor.kind === 'refused') throw new Error(`a node told a rumor that is ${rumor.reason}`);
    return rumor.value;
  });
  for (const bytes of frames) {
    const frame = decodeFrame(bytes);
    if (frame.kind === 'refused') throw new Error(`a node sent a frame that is ${frame.reason}`);
    const { value } = frame;
    if (value.kind === 'accusation')
      rumors.push({ head: undefined, previous: 0, records: [], accusations: [value.sealed] });
    if (value.kind === 'delta') deltas.push(value);
    if (value.kind === 'rumor') rumors.push(value.rumor);
    if (value.kind === 'hello') rumors.push({ head: value.head, previous: 0, records: [] });
    const page = value.kind === 'page' ? unpackDeltas(value.packed) : undefined;
    if (page?.kind === 'opened') deltas.push(...page.value);
  }
  return { deltas, rumors };
}

/** Tells it all, as fast as a link brings it. */
function replay({ cluster, deltas, rumors }: History, peer: HostilePeer, node: TestNode): void {
  const { self } = node.registry;
  for (const delta of deltas) peer.send(self, delta);
  for (const rumor of rumors) peer.send(self, { kind: 'rumor', rumor });
  for (const rumor of rumors) peer.publish(rumor);
  for (const delta of [...deltas].reverse()) peer.send(self, { ...delta, whole: !delta.whole });
  cluster.run(500);
}

const stays = ['stays-1', 'stays-2', 'stays-3', 'stays-4', 'stays-too'];

t.test('a history holds deltas, rumors, restarts and floors', async (t) => {
  const { cluster, deltas, rumors } = await live();
  t.ok(
    deltas.length >= 8 && rumors.length > 20,
    `${deltas.length} deltas, ${rumors.length} rumors`,
  );
  t.strictSame(cluster.seenBy(1), stays);
  const { registry } = cluster.node(3);
  const own = registry.state(registry.self);
  t.ok((own?.head.head.floor ?? 0) > 0);
  t.equal(own?.set.tombstones, 0, 'what was deregistered is collected, and nobody remembers it');
});

t.test('told again to a node of the cluster it is stale, and changes nothing', async (t) => {
  const history = await live();
  const { cluster } = history;
  const node = cluster.node(2);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const before = stateOf(node);
  const { counters } = node.engine;
  const told = counters.get('deltas_stale') + counters.get('rumors_stale');
  const refused = refusedSince(node);
  replay(history, peer, node);
  t.equal(stateOf(node), before);
  const stale = counters.get('deltas_stale') + counters.get('rumors_stale') - told;
  t.ok(stale > history.deltas.length, `${stale} were stale`);
  t.strictSame(refusedSince(node, refused), {}, 'a replayed truth is no offence');
  t.ok(peer.isLinked(node));
  cluster.run(5_000);
  for (const number of [1, 2, 3, 4]) t.strictSame(cluster.seenBy(number), stays);
});

t.test('told again with all that others had signed for a link, it ends in a ban', async (t) => {
  const { cluster, all } = await live();
  const node = cluster.node(2);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const before = stateOf(node);
  const refused = refusedSince(node);
  for (const bytes of all) {
    const frame = decodeFrame(bytes);
    const isFarewell =
      frame.kind === 'opened' && ['bye', 'refusal', 'hello'].includes(frame.value.kind);
    if (!isFarewell) peer.sendBytes(node.registry.self, bytes);
  }
  cluster.run(5);
  t.match(peer.received('refusal'), [{ reason: 'BANNED' }]);
  const { BAD_SIGNATURE = 0, OWNER_MISMATCH = 0 } = refusedSince(node, refused);
  t.equal(BAD_SIGNATURE + OWNER_MISMATCH, 3, 'digests and tokens of the links of others');
  t.equal(stateOf(node), before);
});

t.test('told to the owner itself it makes no new life, and no new head', async (t) => {
  const history = await live();
  const node = history.cluster.node(3);
  const peer = HostilePeer.greeted(history.cluster, 66, node);
  const { counters } = node.engine;
  const [reclaims, refutations] = [counters.get('reclaims'), counters.get('refutations')];
  const own = node.registry.state(node.registry.self)?.head.hash;
  replay(history, peer, node);
  t.equal(counters.get('reclaims'), reclaims);
  t.equal(counters.get('refutations'), refutations);
  t.equal(node.registry.state(node.registry.self)?.head.hash, own);
});

t.test('told to who joins, it is gone as soon as one honest peer has spoken', async (t) => {
  const history = await live();
  const { cluster } = history;
  const joining = await cluster.start(5, { config });
  const peer = HostilePeer.greeted(cluster, 66, joining);
  replay(history, peer, joining);
  cluster.run(3_000);
  replay(history, peer, joining);
  cluster.run(2_000);
  t.strictSame(cluster.seenBy(5), stays);
  t.ok(cluster.isConverged());
});

t.test('told to a fresh node after reapAfter it is expired, every bit of it', async (t) => {
  const history = await live();
  const later = new TestCluster(6);
  later.clock.advance(history.cluster.clock.now().monoMs + config.reapAfterMs);
  const node = await later.start(9, { seeds: ['mem/9'], config });
  later.run(100);
  const peer = HostilePeer.greeted(later, 66, node);
  const before = stateOf(node);
  replay({ ...history, cluster: later }, peer, node);
  t.equal(stateOf(node), before);
  const { EXPIRED = 0, ...others } = refusedSince(node);
  t.strictSame(others, {});
  t.ok(EXPIRED >= history.deltas.length + history.rumors.length, `${EXPIRED} refusals`);
  t.ok(peer.isLinked(node), 'age is no offence');
});

t.test('told to nodes that have reaped its owners, nobody comes back', async (t) => {
  const history = await live();
  const { cluster } = history;
  const gone = cluster.node(3).registry.self;
  cluster.crash(3);
  cluster.run(config.reapAfterMs + 120_000);
  const node = cluster.node(1);
  t.equal(node.registry.state(gone), undefined, 'its owner is reaped');
  const peer = HostilePeer.greeted(cluster, 66, node);
  const before = stateOf(node);
  replay(history, peer, node);
  cluster.run(2_000);
  t.equal(stateOf(node), before);
  t.ok(node.registry.refusals.get('EXPIRED') > 0);
  t.strictSame(
    cluster.seenBy(1),
    stays.filter((name) => name !== 'stays-3'),
  );
});

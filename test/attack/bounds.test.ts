/**
 * Every bound has a test that goes one over it (bound-list.ts); here the real sizes of those that a
 * test can afford.
 *
 * 100,000 heads, and a million records or a gibibyte at one node, are gone over in small (the same
 * code, another number): a signature for each head would take the whole suite's time.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { deltasOf } from '../../src/gossip/delta.ts';
import { encodeRumor, rumorBytesMax } from '../../src/gossip/message.ts';
import { rumorOf } from '../../src/gossip/rumor.ts';
import { signerOf, TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { Ghost } from '../gossip/ghosts.ts';
import { delta, HostilePeer, refusedSince } from './hostile-peer.ts';
import { bounds, rows } from './bound-list.ts';

const mebibyte = 1024 * 1024;
const root = fileURLToPath(new URL('../..', import.meta.url));

t.test('the bounds are what they are said to be', (t) => {
  for (const { what, value, is } of bounds) t.equal(is, value, what);
  t.end();
});

/** Whether a test stands where it is said to be. */
function isThere(place: string): boolean {
  const [file = '', ...name] = place.split(': ');
  return readFileSync(`${root}/test/${file}.test.ts`, 'utf8').includes(name.join(': '));
}

t.test('each bound has a test that goes one over', (t) => {
  for (const { what, goesOver } of bounds)
    for (const place of goesOver) t.ok(isThere(place), `${what}: ${place}`);
  t.end();
});

t.test('each row of the table in PROTOCOL.md is one of them, or has such a test', (t) => {
  const page = readFileSync(`${root}/PROTOCOL.md`, 'utf8').split('## 5. Bounds')[1] ?? '';
  const table = (page.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
  const named = table.slice(2).map((line) => line.split('|')[1]?.trim() ?? '');
  t.strictSame(named.toSorted(), Object.keys(rows).toSorted());
  const whats = bounds.map(({ what }) => what);
  for (const [row, places] of Object.entries(rows))
    for (const place of places) t.ok(whats.includes(place) || isThere(place), `${row}: ${place}`);
  t.end();
});

/** A node, and what it says to a head and its records that come as one delta. */
async function judge(): Promise<{
  node: TestNode;
  peer: HostilePeer;
  tell: (head: ReturnType<HostilePeer['head']>, records: readonly Uint8Array[]) => void;
}> {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const tell = (head: ReturnType<HostilePeer['head']>, records: readonly Uint8Array[]): void => {
    peer.send(node.registry.self, delta(head, records));
    cluster.run(5);
  };
  return { node, peer, tell };
}

t.test('a record of 8 KiB is taken, and one byte more is not', async (t) => {
  const { node, peer, tell } = await judge();
  const sized = (bytes: number) => {
    const short = peer.record({ version: 'x'.repeat(4_000) }).bytes.length;
    return peer.record({ version: 'x'.repeat(4_000 + bytes - short) });
  };
  const [full, over] = [sized(8_192), sized(8_193)];
  t.strictSame([full.bytes.length, over.bytes.length], [8_192, 8_193]);
  tell(peer.head([over]), [over.bytes]);
  t.strictSame(refusedSince(node), { RECORD_TOO_LARGE: 1 });
  tell(peer.head([full]), [full.bytes]);
  t.equal(node.registry.state(peer.id)?.set.bytes, 8_192);
  t.ok(peer.isLinked(node), 'bounds may differ honestly');
});

t.test('a head of 2 KiB is taken, and one byte more is not', async (t) => {
  const { node, peer, tell } = await judge();
  const own = node.registry.state(peer.id)?.head.head;
  const sized = (bytes: number) => {
    const named = (chars: number) =>
      peer.head([], { facts: { ...own!.facts, name: 'x'.repeat(chars) } });
    return named(1_000 + bytes - named(1_000).body.length);
  };
  const [full, over] = [sized(2_048), sized(2_049)];
  t.strictSame([full.body.length, over.body.length], [2_048, 2_049]);
  tell(over, []);
  t.strictSame(refusedSince(node), { HEAD_TOO_LARGE: 1 });
  tell(full, []);
  t.same(node.registry.state(peer.id)?.head.body, full.body);
});

/** Tells all chunks of an owner, as an honest relay cuts them. */
function tellWhole(cluster: TestCluster, node: TestNode, ghost: Ghost): void {
  const peer = HostilePeer.greeted(cluster, 66, node);
  for (const delta of deltasOf(ghost.state, 0)) peer.send(node.registry.self, delta);
  cluster.run(5);
}

t.test('an owner of 10,000 records is taken, and one of 10,001 is not', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const { wallMicros } = cluster.clock.now();
  tellWhole(cluster, node, new Ghost(100, wallMicros, 10_000, 100));
  t.equal(node.registry.state(signerOf(100).owner)?.set.count, 10_000);
  const wide = { recordsPerOwnerMax: 20_000 };
  const over = new Ghost(101, wallMicros, 10_001, 100, wide);
  tellWhole(cluster, node, over);
  t.equal(node.registry.state(over.owner), undefined);
  t.strictSame(refusedSince(node), { TOO_MANY_RECORDS: 1 });
});

t.test('an owner of over 16 MiB is not taken, however it is cut', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const { wallMicros } = cluster.clock.now();
  const wide = { bytesPerOwnerMax: 20 * mebibyte };
  const over = new Ghost(100, wallMicros, 2_200, 8_000, wide);
  t.ok(over.state.set.bytes > 16 * mebibyte && over.state.set.bytes < 17.5 * mebibyte);
  tellWhole(cluster, node, over);
  t.equal(node.registry.state(over.owner), undefined);
  t.strictSame(refusedSince(node), { TOO_MANY_RECORDS: 1 });
  const full = new Ghost(101, wallMicros, 2_050, 8_000);
  t.ok(full.state.set.bytes > 15.5 * mebibyte);
  tellWhole(cluster, node, full);
  t.equal(node.registry.state(full.owner)?.set.count, 2_050);
});

t.test('a rumor of 64 KiB has its records, and over it only its head is told', (t) => {
  const wallMicros = 1_750_000_000_000_000;
  let [most, least] = [0, Infinity];
  for (let records = 140; records < 180; records++) {
    const { state } = new Ghost(100, wallMicros, records, 500);
    const rumor = rumorOf(state, 0);
    const bytes = state.set.bytes + state.head.body.length;
    t.equal(rumor.records.length, bytes <= rumorBytesMax ? records : 0, `${bytes} bytes`);
    if (rumor.records.length > 0) most = Math.max(most, encodeRumor(rumor).length);
    else least = Math.min(least, bytes);
  }
  t.ok(most < 2 * rumorBytesMax && least < Infinity, 'with its lengths it is still taken');
  t.end();
});

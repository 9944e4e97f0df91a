/**
 * Every bound, with the test that goes one over it; the real sizes of those that a test can afford.
 *
 * 100,000 heads, and a million records or a gibibyte at one node, are gone over in small (the same
 * code, another number): a signature for each head would take the whole suite's time.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaults } from '../../src/daemon/config-options.ts';
import { deltasOf } from '../../src/gossip/delta.ts';
import { dismissalsMax, dismissalsOfOneMax } from '../../src/gossip/dismissals.ts';
import { encodeRumor, fieldsMax, frameBytesMax } from '../../src/gossip/message.ts';
import { rumorAccusationsMax } from '../../src/gossip/message-reader.ts';
import { rumorBytesMax } from '../../src/gossip/message.ts';
import { rumorOf } from '../../src/gossip/rumor.ts';
import { servedMax } from '../../src/gossip/snapshot.ts';
import { stagedBytesMax } from '../../src/gossip/staging.ts';
import { OwnerRate } from '../../src/gossip/owner-rate.ts';
import { accusationBytesMax } from '../../src/membership/accusation.ts';
import { accusationsMax, accusationsPerMinuteMax } from '../../src/membership/docket.ts';
import { accusersMax } from '../../src/membership/docket.ts';
import { muteAccusersMax, muteSubjectsMax } from '../../src/membership/mutes.ts';
import { signerOf, TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { Ghost } from '../gossip/ghosts.ts';
import { delta, HostilePeer, refusedSince } from './hostile-peer.ts';

const mebibyte = 1024 * 1024;
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Bound {
  readonly what: string;
  readonly value: number;
  readonly is: number;
  /** `file: name of the test`, a name as it stands in the source. */
  readonly goesOver: readonly string[];
}

const here = 'attack/bounds';
const bounds: readonly Bound[] = [
  {
    what: 'bytes of a record',
    value: 8_192,
    is: defaults.recordBytesMax,
    goesOver: [
      `${here}: a record of 8 KiB is taken, and one byte more is not`,
      'registry/registry-bounds: a record may be as large as recordBytesMax',
      'registry/registry-bounds: an own record over recordBytesMax is refused with both sizes',
    ],
  },
  {
    what: 'bytes of a head',
    value: 2_048,
    is: defaults.headBytesMax,
    goesOver: [
      `${here}: a head of 2 KiB is taken, and one byte more is not`,
      'registry/registry-bounds: facts that would make a head too large for everyone are refused',
    ],
  },
  {
    what: 'records of one owner',
    value: 10_000,
    is: defaults.recordsPerOwnerMax,
    goesOver: [
      `${here}: an owner of 10,000 records is taken, and one of 10,001 is not`,
      'registry/registry-bounds: an owner may have as many records as recordsPerOwnerMax',
    ],
  },
  {
    what: 'bytes of one owner',
    value: 16 * mebibyte,
    is: defaults.bytesPerOwnerMax,
    goesOver: [
      `${here}: an owner of over 16 MiB is not taken, however it is cut`,
      'registry/registry-bounds: an owner may have as many bytes as bytesPerOwnerMax',
      'gossip/staging: more of one owner than it may have is given up',
    ],
  },
  {
    what: 'bytes of deltas whose last chunk has not come',
    value: 64 * mebibyte,
    is: stagedBytesMax,
    goesOver: [
      'gossip/staging: of all that is staged, one byte over the total, the longest untouched is given up',
      'gossip/staging: as many peers as may be connected stage no more than 64 MiB between them',
    ],
  },
  {
    what: 'owners at a node',
    value: 100_000,
    is: defaults.headsMax,
    goesOver: ['registry/registry-bounds: over headsMax a new owner is refused'],
  },
  {
    what: 'records at a node',
    value: 1_000_000,
    is: defaults.recordsMax,
    goesOver: ['registry/registry-bounds: over recordsMax a new owner is refused'],
  },
  {
    what: 'bytes of records at a node',
    value: 1_024 * mebibyte,
    is: defaults.bytesMax,
    goesOver: ['registry/registry-bounds: over bytesMax a new owner is refused'],
  },
  {
    what: 'tombstones of this node',
    value: 1_000,
    is: defaults.tombstonesMax,
    goesOver: ['registry/registry-leases: one tombstone over tombstonesMax lets the older half go'],
  },
  {
    what: 'bytes of a frame',
    value: mebibyte,
    is: frameBytesMax,
    goesOver: [
      'gossip/message: a frame over the bound is refused before it is decoded',
      'gossip/frame-stream: a length over the bound ends the stream before the frame is read',
      'gossip/packing: a page may unpack to a frame, and to not one byte more',
    ],
  },
  {
    what: 'fields of a frame',
    value: 16_384,
    is: fieldsMax,
    goesOver: ['attack/frames: ${fieldsMax} fields are taken, and one more is not'],
  },
  {
    what: 'bytes of a rumor',
    value: 64 * 1024,
    is: rumorBytesMax,
    goesOver: [
      `${here}: a rumor of 64 KiB has its records, and over it only its head is told`,
      'attack/frames: a broadcast rumor has bounds of its own',
    ],
  },
  {
    what: 'rumors of one owner at once',
    value: 200,
    is: burst(),
    goesOver: ['gossip/owner-rate: 200 at once are taken, then 100 a second'],
  },
  {
    what: 'accusations at a node',
    value: 100_000,
    is: accusationsMax,
    goesOver: [
      'membership/docket-elements: over the bound of all of them new ones are refused, and those held go on',
    ],
  },
  {
    what: 'accusers of one subject',
    value: 16,
    is: accusersMax,
    goesOver: ['membership/docket-elements: of one subject ${accusersMax} accusers are kept'],
  },
  {
    what: 'accusations of one accuser at once',
    value: 60,
    is: accusationsPerMinuteMax,
    goesOver: ['membership/docket-elements: of one accuser ${accusationsPerMinuteMax} are taken'],
  },
  {
    what: 'accusations in a rumor',
    value: 64,
    is: rumorAccusationsMax,
    goesOver: ['gossip/message-reader: ${rumorAccusationsMax} accusations are taken in a rumor'],
  },
  {
    what: 'bytes of an accusation',
    value: 512,
    is: accusationBytesMax,
    goesOver: [
      'membership/accusation: a body of 512 bytes is read, and one byte more is malformed',
    ],
  },
  {
    what: 'subjects of whom an accuser is mute',
    value: 1_000,
    is: muteSubjectsMax,
    goesOver: ['membership/mutes: ${muteSubjectsMax} subjects are remembered'],
  },
  {
    what: 'accusers that are mute about one subject',
    value: 64,
    is: muteAccusersMax,
    goesOver: ['membership/mutes: ${muteAccusersMax} accusers of one subject are remembered'],
  },
  {
    what: 'dials at once',
    value: 16,
    is: defaults.pendingDialsMax,
    goesOver: ['gossip/dialer: no more dials than the bound are pending'],
  },
  {
    what: 'pulls served at once',
    value: 2,
    is: servedMax,
    goesOver: ['gossip/snapshot: a ${servedMax + 1}rd puller is told that ${servedMax} are served'],
  },
  {
    what: 'dismissals of one signer in an hour',
    value: 250,
    is: dismissalsOfOneMax,
    goesOver: [
      'gossip/dismissals: of one signer ${dismissalsOfOneMax} are taken in an hour, and one more is not',
    ],
  },
  {
    what: 'dismissals held',
    value: 1_000,
    is: dismissalsMax,
    goesOver: [
      'gossip/dismissals: ${dismissalsMax} are held, whoever signed them, until they are over',
    ],
  },
  {
    what: 'watchers',
    value: 10_000,
    is: defaults.watchersMax,
    goesOver: ['api/watch: one watcher over the bound is refused'],
  },
  {
    what: 'changes that a watcher may be behind',
    value: 10_000,
    is: defaults.watchLagMax,
    goesOver: [
      'api/watch: a reader that takes no more and is one change over the bound is cut off',
    ],
  },
  {
    what: 'changes kept to resume from',
    value: 100_000,
    is: defaults.changeFeedMax,
    goesOver: ['registry/registry-bounds: the feed keeps changeFeedMax events'],
  },
  {
    what: 'peers connected at once',
    value: 300,
    is: defaults.connectionsMax,
    goesOver: [
      'attack/sockets: one peer over connectionsMax finds no place, and those in keep theirs',
    ],
  },
];

/** How many rumors of one owner are taken in one moment. */
function burst(): number {
  const rate = new OwnerRate();
  let taken = 1;
  while (rate.take('owner', 0)) taken += 1;
  return taken;
}

t.test('the bounds are what they are said to be', (t) => {
  for (const { what, value, is } of bounds) t.equal(is, value, what);
  t.end();
});

t.test('each bound has a test that goes one over', (t) => {
  for (const { what, goesOver } of bounds)
    for (const place of goesOver) {
      const [file = '', ...name] = place.split(': ');
      const source = readFileSync(`${root}/test/${file}.test.ts`, 'utf8');
      t.ok(source.includes(name.join(': ')), `${what}: ${place}`);
    }
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

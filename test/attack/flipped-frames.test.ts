/**
 * One bit turned over in every byte of all that travels: nothing else than the truth is ever held.
 *
 * A frame says more than what is signed (numbers of exchanges, marks of chunks), so not every bit
 * is refused; what is not refused brings the truth, or nothing.
 */
import t, { type Test } from 'tap';
import { deltasOf } from '../../src/gossip/delta.ts';
import { bare, decodeFrame, encodeFrame, encodeRumor } from '../../src/gossip/message.ts';
import type { ExchangeFrame, Frame } from '../../src/gossip/frame.ts';
import { equalBytes } from '../../src/record/hash.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { signerOf, TestCluster } from '../gossip/cluster.ts';
import { Ghost } from '../gossip/ghosts.ts';
import { LoneNode, peerOf } from '../gossip/lone-node.ts';
import { flipBit } from '../record/fixtures.ts';
import { HostilePeer } from './hostile-peer.ts';

const wallMicros = 1_750_000_000_000_000;
const { state: truth } = new Ghost(100, wallMicros, 3);
const peer = peerOf(2);

/** One bit in each byte, another one each time. */
function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield flipBit(bytes, 8 * at + (at % 8));
}

function isTruth(held: OwnerState | undefined): boolean {
  return held === undefined || equalBytes(held.head.hash, truth.head.hash);
}

/** What a node held in hand makes of a frame; a frame that is no frame is refused as by an engine. */
function give(node: LoneNode, bytes: Uint8Array): readonly Frame[] {
  const frame = decodeFrame(bytes);
  if (frame.kind === 'opened') return node.on(peer, frame.value as ExchangeFrame);
  node.registry.refusals.add(frame.reason);
  return [];
}

/** Gives each damaged frame to a fresh node; answers how often each reason was given. */
function giveEach(
  t: Test,
  bytes: Uint8Array,
  make: () => LoneNode = () => new LoneNode(),
): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const flipped of flips(bytes)) {
    const node = make();
    give(node, flipped);
    for (const [reason, count] of node.registry.refusals.entries())
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    const owners = [...node.registry.owners()].map(([owner]) => owner);
    const isSound = owners.every(
      (owner) => owner === node.registry.self || owner === truth.head.head.owner,
    );
    if (!isSound || !isTruth(node.registry.state(truth.head.head.owner))) t.fail('it held a lie');
  }
  return reasons;
}

t.test('in a delta: its head, its records and what holds them', (t) => {
  const [delta] = deltasOf(truth, 0).map(encodeFrame) as [Uint8Array];
  const reasons = giveEach(t, delta);
  const refused = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  t.ok(refused > 0.95 * delta.length, `${refused} of ${delta.length} bytes`);
  for (const reason of ['BAD_SIGNATURE', 'ROOT_MISMATCH', 'OWNER_MISMATCH', 'MALFORMED'])
    t.ok(reasons.get(reason), reason);
  const node = new LoneNode();
  give(node, delta);
  t.equal(node.registry.state(truth.head.head.owner)?.set.count, 3, 'undamaged it is taken');
  t.end();
});

t.test('in a digest: not one byte gets an answer', (t) => {
  const node = new LoneNode();
  const bytes = encodeFrame(node.digestOf(2));
  const answers = [...flips(bytes)].flatMap((flipped) => give(node, flipped));
  t.strictSame(answers, []);
  const refused = node.registry.refusals.entries().reduce((sum, [, count]) => sum + count, 0);
  t.ok(refused >= bytes.length - 8, `${refused} of ${bytes.length}`);
  t.ok(node.registry.refusals.get('BAD_SIGNATURE') > 100);
  t.match(give(node, bytes), [{ kind: 'same' }], 'undamaged it does');
  t.end();
});

t.test('in a page: what is packed, and where it goes on', (t) => {
  const far = { setHash: Buffer.alloc(16, 1), symbols: Buffer.alloc(64, 0x7f) };
  /** A node that has just pulled from the peer. */
  const puller = (): LoneNode => {
    const node = new LoneNode();
    give(node, encodeFrame(node.digestOf(2, far)));
    return node;
  };
  const server = new LoneNode({ number: 2 });
  const ghost = new Ghost(100, wallMicros, 3);
  server.give(ghost);
  const [busy, pull] = (() => {
    const node = new LoneNode();
    return node.on(peer, node.digestOf(2, far));
  })();
  t.match([busy, pull], [{ kind: 'busy' }, { kind: 'pull' }]);
  const [page] = server.on(peerOf(1), pull as ExchangeFrame).map(encodeFrame) as [Uint8Array];
  const owners = new Set([truth.head.head.owner, signerOf(2).owner]);
  let [taken, refused] = [0, 0];
  for (const flipped of flips(page)) {
    const node = puller();
    give(node, flipped);
    refused += node.registry.refusals.entries().length;
    for (const [owner, { head }] of node.registry.owners()) {
      if (owner === node.registry.self) continue;
      taken += 1;
      const said = server.registry.state(owner)?.head.hash;
      if (!owners.has(owner) || !said || !equalBytes(head.hash, said)) t.fail('it held a lie');
    }
  }
  t.ok(refused > 0.9 * page.length, `${refused} of ${page.length} bytes`);
  t.ok(taken < page.length, `${taken} heads, all true`);
  t.end();
});

t.test('in a broadcast rumor: every relay that damages one is told apart', async (t) => {
  const cluster = await TestCluster.of(1);
  const { engine, registry } = cluster.node(1);
  const records = [...truth.set.records()].map(({ bytes }) => bytes);
  const bytes = encodeRumor({ head: bare(truth.head), previous: 0, records });
  const verdicts = new Map<string, number>();
  let relays = 0;
  for (const flipped of flips(bytes)) {
    const rumor = { kind: 'rumor', peer: `relay ${relays++}`, bytes: flipped } as const;
    for (const effect of engine.step(rumor, cluster.clock.now()))
      if (effect.kind === 'judge')
        verdicts.set(effect.verdict, (verdicts.get(effect.verdict) ?? 0) + 1);
    if (!isTruth(registry.state(truth.head.head.owner))) t.fail('it held a lie');
  }
  t.ok((verdicts.get('reject') ?? 0) > 200, 'what no honest relay sends is held against it');
  t.strictSame([...registry.owners()].length <= 2, true);
});

t.test('in a hello: no bit makes a member of anybody else', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const now = cluster.clock.now();
  const hostile = new HostilePeer(cluster, 66);
  const head = hostile.head();
  const protocol = { protocolMin: 1, protocolMax: 1, thoughtDead: false };
  const hello = {
    kind: 'hello',
    cluster: 'test',
    time: now.wallMicros,
    head,
    ...protocol,
  } as const;
  const reasons = new Set<string>();
  for (const [index, flipped] of [...flips(encodeFrame(hello))].entries()) {
    const from = `peer ${index}`;
    node.engine.step({ kind: 'linked', peer: from }, now);
    node.engine.step({ kind: 'message', peer: from, bytes: flipped }, now);
    node.engine.step({ kind: 'unlinked', peer: from }, now);
    const held = node.registry.state(hostile.id);
    if (held && !equalBytes(held.head.body, head.body)) t.fail('it held a lie');
  }
  for (const [reason] of node.registry.refusals.entries()) reasons.add(reason);
  for (const reason of ['BAD_SIGNATURE', 'MALFORMED', 'WRONG_CLUSTER', 'PROTOCOL_VERSION'])
    t.ok(reasons.has(reason), reason);
  const owners = [...node.registry.owners()].map(([owner]) => owner);
  t.strictSame(
    owners.filter((owner) => owner !== hostile.id),
    [node.registry.self],
  );
});

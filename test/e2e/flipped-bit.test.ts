/**
 * A relay cannot alter what it relays, and is banned when it tries.
 *
 *   owner (real) ── relays (scripted) ── near (real) ── far (real)
 *
 * The relays are the only way from the owner to the others, and hold its true head and record.
 * Every single bit is flipped in test/property/flipped-bit.test.ts; here are a few, on real links.
 */
import { test, type Test } from 'tap';
import { encodeRumor } from '../../src/gossip/message.ts';
import type { Sealed } from '../../src/record/head.ts';
import { Cluster, eventually, type Node } from './cluster.ts';
import { ScriptedPeer } from './scripted-peer.ts';

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

async function refusals(node: Node, reason: string): Promise<number> {
  return (await node.disco.status()).refused[reason] ?? 0;
}

interface Scene {
  readonly near: Node;
  readonly far: Node;
  readonly owner: Node;
  readonly relay: ScriptedPeer;
  /** What the owner says in truth. */
  readonly head: Sealed;
  readonly record: Uint8Array;
  readonly incarnation: number;
}

async function setScene(t: Test): Promise<Scene> {
  const cluster = new Cluster(t);
  const [near, far] = (await cluster.startMany(['near', 'far'])) as [Node, Node];
  const owner = await cluster.start('owner');
  await owner.register({ group: 'shop', name: 'cart', port: 6_001, metadata: { zone: 'a' } });
  const relay = await ScriptedPeer.start(t);
  await relay.link(near);
  await relay.link(owner);
  // It advertises an address, so the other one comes by itself.
  await eventually('all are linked', () => relay.isLinked(far));
  const { head, records } = await relay.ask(owner, owner.peerId);
  const [record] = records as [Uint8Array];
  const incarnation = (await owner.member(owner.peerId))?.incarnation ?? 0;
  return { near, far, owner, relay, head, record, incarnation };
}

async function assertUnchanged(t: Test, scene: Scene, relays: number): Promise<void> {
  const { near, far, owner, incarnation } = scene;
  for (const node of [near, far]) {
    t.strictSame(await node.names(), [], `${node.name} lists nothing`);
    t.equal(await node.member(owner.peerId), undefined, `${node.name} knows no such owner`);
    t.equal((await node.disco.members()).length, 2 + relays);
  }
  t.strictSame(await owner.names(), ['cart']);
  t.equal((await owner.member(owner.peerId))?.incarnation, incarnation, 'it refutes nothing');
}

async function flipsOnLinks(t: Test, scene: Scene): Promise<void> {
  const { near, relay, head, record } = scene;
  const forged = { body: head.body, signature: flip(head.signature, 100) };
  relay.send(near, { kind: 'rumor', rumor: { head: forged, previous: 0, records: [record] } });
  await eventually('a forged head', async () => (await refusals(near, 'BAD_SIGNATURE')) === 1);
  t.ok(relay.isLinked(near), 'once may be an accident');
  const base = { kind: 'delta', head, whole: true, more: false } as const;
  const port = Buffer.from(record).indexOf(Buffer.from([0x40, 0xf1, 0x2e]));
  relay.send(near, { ...base, records: [flip(record, 8 * (port + 1))] });
  relay.send(near, { ...base, records: [] });
  const { sentence } = await relay.frame(
    near.peerId,
    'refusal',
    ({ reason }) => reason === 'BANNED',
  );
  t.match(sentence, /banned for another 600 s: .*3 times/);
  await eventually('the relay is hung up', () => !relay.isLinked(near));
  t.equal(await refusals(near, 'ROOT_MISMATCH'), 2, 'a changed record, and one that is left out');
  await assertUnchanged(t, scene, 1);
}

async function flipsInBroadcasts(t: Test, scene: Scene): Promise<void> {
  const { near, far, owner, head, record } = scene;
  const all = [near, far, owner];
  const relay = await ScriptedPeer.start(t);
  for (const node of all) await relay.link(node);
  const counted = (node: Node): Promise<number> => refusals(node, 'BAD_SIGNATURE');
  const earlier = await Promise.all(all.map(counted));
  const isHeard = async (): Promise<boolean> => {
    // gossipsub needs a moment to know who listens.
    const body = flip(head.body, 8 * head.body.length - 1 - bit++);
    relay.publish(encodeRumor({ head: { ...head, body }, previous: 0, records: [record] }));
    const now = await Promise.all(all.map(counted));
    return now.every((count, index) => count > (earlier[index] as number));
  };
  let bit = 0;
  await eventually('each refuses', isHeard);
  await assertUnchanged(t, scene, 2);
}

async function theTruth(t: Test, { near, far, owner, head, record }: Scene): Promise<void> {
  const relay = await ScriptedPeer.start(t);
  await relay.link(near);
  relay.send(near, { kind: 'rumor', rumor: { head, previous: 0, records: [record] } });
  await Promise.all([near, far].map((node) => node.sees((instances) => instances.length === 1)));
  t.strictSame(await far.names(), ['cart']);
  await far.meets([owner]);
}

test('no bit of another owner can be flipped on its way, and who tries is banned', async (t) => {
  const scene = await setScene(t);
  await t.test('on a link', (t) => flipsOnLinks(t, scene));
  await t.test('in a broadcast', (t) => flipsInBroadcasts(t, scene));
  await t.test('while the truth is taken at once, and told on', (t) => theTruth(t, scene));
});

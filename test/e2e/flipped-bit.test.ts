/**
 * A relay cannot alter what it relays: of all that an owner signed, no single bit.
 *
 *   owner (real) ── relay (scripted) ── near (real) ── far (real)
 *
 * The relay is the only way from the owner to the others, and holds its true head and record.
 */
import { test, type Test } from 'tap';
import { encodeRumor } from '../../src/gossip/message.ts';
import type { Sealed } from '../../src/record/head.ts';
import { Cluster, eventually, type Node } from './cluster.ts';
import { ScriptedPeer } from './scripted-peer.ts';

const broadcasts = 20;

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

/** Every head that differs from the true one in a single bit of its body or of its signature. */
function* flippedHeads({ body, signature }: Sealed): Generator<Sealed> {
  for (let bit = 0; bit < 8 * body.length; bit++) yield { body: flip(body, bit), signature };
  for (let bit = 0; bit < 8 * signature.length; bit++)
    yield { body, signature: flip(signature, bit) };
}

async function refusals(node: Node): Promise<number> {
  const { refused } = await node.disco.status();
  return Object.values(refused).reduce((sum, count) => sum + count, 0);
}

async function refusedReasons(node: Node): Promise<string[]> {
  return Object.keys((await node.disco.status()).refused).sort();
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

async function assertUnchanged(t: Test, scene: Scene): Promise<void> {
  const { near, far, owner, incarnation } = scene;
  for (const node of [near, far]) {
    t.strictSame(await node.names(), [], `${node.name} lists nothing`);
    t.equal(await node.member(owner.peerId), undefined, `${node.name} knows no such owner`);
    t.equal((await node.disco.members()).length, 3);
  }
  t.strictSame(await owner.names(), ['cart']);
  t.equal((await owner.member(owner.peerId))?.incarnation, incarnation, 'it refutes nothing');
}

async function flipsInHeads(t: Test, scene: Scene): Promise<void> {
  const { near, relay, head, record } = scene;
  let sent = 0;
  for (const flipped of flippedHeads(head)) {
    const rumor = { head: flipped, previous: 0, records: [record] };
    relay.send(near, { kind: 'rumor', rumor });
    sent += 1;
  }
  t.ok(sent > 1_000, `${sent} heads, each with another bit flipped`);
  await eventually('each is refused', async () => (await refusals(near)) >= sent);
  t.equal(await refusals(near), sent);
  t.match(await refusedReasons(near), /BAD_SIGNATURE.*MALFORMED.*WRONG_CLUSTER/);
  await assertUnchanged(t, scene);
}

async function flipsInRecords(t: Test, scene: Scene): Promise<void> {
  const { near, relay, head, record } = scene;
  const earlier = await refusals(near);
  const base = { kind: 'delta', head, whole: true, more: false } as const;
  const bits = 8 * record.length;
  for (let bit = 0; bit < bits; bit++) relay.send(near, { ...base, records: [flip(record, bit)] });
  relay.send(near, { ...base, records: [] });
  const expected = earlier + bits + 1;
  await eventually('each is refused', async () => (await refusals(near)) >= expected);
  t.equal(await refusals(near), expected, `${bits} bits, and the record left out`);
  t.match(await refusedReasons(near), /OWNER_MISMATCH.*ROOT_MISMATCH/);
  await assertUnchanged(t, scene);
}

async function flipsInBroadcasts(t: Test, scene: Scene): Promise<void> {
  const { near, far, owner, relay, head, record } = scene;
  const all = [near, far, owner];
  const counted = async (node: Node): Promise<number> =>
    (await node.disco.status()).refused['BAD_SIGNATURE'] ?? 0;
  const earlier = await Promise.all(all.map(counted));
  // From the end, where the facts are; the owner hears its own head too.
  const bits = 8 * head.body.length;
  for (let bit = bits - 1; bit > bits - 1 - broadcasts; bit--) {
    const flipped = { body: flip(head.body, bit), signature: head.signature };
    relay.publish(encodeRumor({ head: flipped, previous: 0, records: [record] }));
  }
  for (const [index, node] of all.entries()) {
    const before = earlier[index] as number;
    await eventually(`${node.name} refuses`, async () => (await counted(node)) > before);
  }
  await assertUnchanged(t, scene);
}

async function theTruth(t: Test, { near, far, owner, relay, head, record }: Scene): Promise<void> {
  relay.send(near, { kind: 'rumor', rumor: { head, previous: 0, records: [record] } });
  await Promise.all([near, far].map((node) => node.sees((instances) => instances.length === 1)));
  t.strictSame(await far.names(), ['cart']);
  await far.meets([owner]);
}

test('no bit of another owner can be flipped on its way', async (t) => {
  const scene = await setScene(t);
  await t.test('in a head that is told directly', (t) => flipsInHeads(t, scene));
  await t.test('in a record under its true head', (t) => flipsInRecords(t, scene));
  await t.test('in a broadcast', (t) => flipsInBroadcasts(t, scene));
  await t.test('while the truth is taken at once, and told on', (t) => theTruth(t, scene));
});

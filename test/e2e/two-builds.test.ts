/** Two builds that differ by one added field, in every message, talk to each other. */
import { test } from 'tap';
import { disco } from '../../src/gen/gossip.js';
import { encodeRumor } from '../../src/gossip/message.ts';
import { openRecord } from '../../src/record/encoding.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { Cluster, eventually, type Node } from './cluster.ts';
import { holdsLaterField, ScriptedPeer, withLaterField } from './scripted-peer.ts';

/** A record as the later build encodes it: with one field that this one does not know. */
function laterRecord(owner: string, name: string): SealedRecord {
  const bytes = disco.gossip.v1.Record.encode({
    owner: keyOfOwner(owner) as Uint8Array,
    group: 'shop',
    name,
    instanceId: `${name}-1`,
    lastUpdate: Date.now() * 1000,
    ip: '127.0.0.1',
    port: 6_001,
    health: 1,
  }).finish();
  const record = openRecord(withLaterField(bytes), 8_192);
  if (record.kind === 'refused') throw new Error(`a test's own record: ${record.reason}`);
  return record.value;
}

test('what a later build says is understood, and passed on to the last byte', async (t) => {
  const cluster = new Cluster(t);
  const [near, far] = (await cluster.startMany(['near', 'far'])) as [Node, Node];
  const later = await ScriptedPeer.start(t);
  later.dress = withLaterField;
  await later.link(near);
  t.equal((await near.member(later.id))?.version, '99.0.0', 'its hello is understood');

  const cart = laterRecord(later.id, 'cart');
  const first = later.sealHead([cart], withLaterField);
  later.send(near, { kind: 'rumor', rumor: { head: first, previous: 0, records: [cart.bytes] } });
  await Promise.all([near, far].map((node) => node.sees((instances) => instances.length === 1)));

  const till = laterRecord(later.id, 'till');
  const second = later.sealHead([cart, till], withLaterField);
  const previous = cart.record.lastUpdate;
  const rumor = encodeRumor({ head: second, previous, records: [cart.bytes, till.bytes] });
  // The mesh for broadcasts may still be forming; one that nobody heard is told again.
  await eventually('the broadcast is heard', async () => {
    later.publish(rumor);
    return (await near.names()).length === 2;
  });
  await far.sees((instances) => instances.length === 2);

  const reader = await ScriptedPeer.start(t);
  await reader.link(far);
  const { head, records } = await reader.ask(far, later.id);
  t.strictSame(Buffer.from(head.body), Buffer.from(second.body), 'the head is as it was signed');
  t.strictSame(
    records.map((bytes) => Buffer.from(bytes).toString('hex')).sort(),
    [cart, till].map(({ bytes }) => Buffer.from(bytes).toString('hex')).sort(),
  );
  t.ok(records.every(holdsLaterField) && holdsLaterField(head.body));
  for (const node of [near, far])
    t.strictSame((await node.disco.status()).refused, {}, `${node.name} refused nothing`);

  // And from its disk, after a life in which the later build was not heard.
  await far.kill();
  await far.start({ seeds: 'none' });
  await reader.link(far);
  const kept = await reader.ask(far, later.id);
  t.ok(kept.records.every(holdsLaterField));
  t.equal(kept.records.length, 2);
});

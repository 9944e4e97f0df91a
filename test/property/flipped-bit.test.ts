/** Of all that an owner signed no single bit can be flipped: each one, at the registry's door. */
import t, { type Test } from 'tap';
import { bare } from '../../src/gossip/message.ts';
import type { Sealed } from '../../src/record/head.ts';
import { at } from '../record/fixtures.ts';
import type { Store, StoredOwner } from '../../src/store/store.ts';
import { loadNode, Owner, register, sendWhole, startNode } from '../registry/fixtures.ts';

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

const registry = startNode();
const owner = new Owner(2);
owner.move([register('cart-1')], at(1));
const head = bare(owner.state.head);
const [record] = [...owner.state.set.records()].map(({ bytes }) => bytes) as [Uint8Array];
const now = at(2);

function assertUnchanged(t: Test, revision: number): void {
  t.equal(registry.feed.revision, revision);
  t.equal([...registry.members()].length, 1);
  t.strictSame(registry.index.list(), []);
}

t.test('in a head', (t) => {
  const { revision } = registry.feed;
  const reasons = new Set<string>();
  let sent = 0;
  for (const flipped of flippedHeads(head)) {
    const received = registry.receive(flipped, [record], true, now);
    reasons.add(received.kind === 'refused' ? received.reason : received.kind);
    sent += 1;
  }
  t.ok(sent > 1_000, `${sent} heads, each with another bit flipped`);
  t.ok(['BAD_SIGNATURE', 'MALFORMED', 'WRONG_CLUSTER'].every((reason) => reasons.has(reason)));
  t.notOk(['applied', 'gap', 'own', 'stale'].some((kind) => reasons.has(kind)));
  assertUnchanged(t, revision);
  t.end();
});

t.test('in a record under its true head, nor can the record be left out', (t) => {
  const { revision } = registry.feed;
  const reasons = new Set<string>();
  for (let bit = 0; bit < 8 * record.length; bit++) {
    const received = registry.receive(head, [flip(record, bit)], true, now);
    reasons.add(received.kind === 'refused' ? received.reason : received.kind);
  }
  t.ok(['MALFORMED', 'OWNER_MISMATCH', 'ROOT_MISMATCH'].every((reason) => reasons.has(reason)));
  t.notOk(['applied', 'gap', 'own', 'stale'].some((kind) => reasons.has(kind)));
  const left = registry.receive(head, [], true, now);
  t.strictSame(left, { kind: 'refused', reason: 'ROOT_MISMATCH' });
  assertUnchanged(t, revision);
  t.end();
});

/** A disk that gives back what it likes, and keeps nothing. */
function diskOf(rows: StoredOwner): Store {
  const owners = [rows];
  return {
    databaseId: 'flipped',
    load: () => ({ revision: 1, owners, registrations: [], peers: [], maintenance: [] }),
    commit: () => undefined,
    close: () => undefined,
  };
}

t.test('on the disk, in a head or in a record', (t) => {
  const rows = { owner: owner.id, head, records: [record] };
  const sound = loadNode({ store: diskOf(rows) }, now);
  t.equal(sound.state(owner.id)?.set.count, 1);
  t.strictSame(sound.refusals.entries(), []);
  const heads = [...flippedHeads(head)].map((flipped) => ({ ...rows, head: flipped }));
  const records = Array.from({ length: 8 * record.length }, (_, bit) => {
    return { ...rows, records: [flip(record, bit)] };
  });
  const reasons = new Set<string>();
  let held = 0;
  for (const damaged of [...heads, ...records]) {
    const loaded = loadNode({ store: diskOf(damaged) }, now);
    held += [...loaded.owners()].length;
    for (const [reason] of loaded.refusals.entries()) reasons.add(reason);
  }
  t.equal(held, 0);
  t.ok(reasons.has('STORED_BAD_SIGNATURE') && reasons.has('STORED_ROOT_MISMATCH'));
  t.end();
});

t.test('the truth is taken at once', (t) => {
  t.equal(sendWhole(registry, owner.state, now).kind, 'applied');
  t.equal(registry.index.list().length, 1);
  t.end();
});

/** Chunks of owners, cut anywhere and mixed among peers, against a twin that keeps them all. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { Staging } from '../../src/gossip/delta.ts';
import { holds } from './histories.ts';

const chunk = fc.record({
  peer: fc.constantFrom('peer 1', 'peer 2'),
  owner: fc.nat(2),
  records: fc.array(fc.uint8Array({ minLength: 1, maxLength: 4 }), { maxLength: 3 }),
  more: fc.boolean(),
});

t.test('the records of an owner come together, all of them, or not at all', (t) => {
  const seen = { waited: 0, joined: 0, cutShort: 0 };
  holds(
    t,
    300,
    fc.property(fc.array(chunk, { maxLength: 40, size: 'max' }), (chunks) => {
      const staging = new Staging(1_000);
      const twin = new Map<string, typeof chunks>();
      for (const each of chunks) {
        const { peer, owner, records, more } = each;
        const head = { body: Uint8Array.of(owner), signature: Uint8Array.of(owner, 7) };
        const taken = staging.take(peer, { kind: 'delta', head, records, whole: true, more });
        const before = twin.get(peer) ?? [];
        // Whoever begins with another owner has given up the one before.
        const isCut = before.some((other) => other.owner !== owner);
        const all = [...(isCut ? [] : before), each];
        if (isCut) seen.cutShort += 1;
        twin.set(peer, more ? all : []);
        assert.deepEqual(taken, more ? 'wait' : all.flatMap((one) => one.records));
        seen[more ? 'waited' : 'joined'] += 1;
      }
    }),
  );
  t.ok(
    Object.values(seen).every((count) => count > 50),
    JSON.stringify(seen),
  );
  t.end();
});

import t from 'tap';
import type { Sealed, SealedHead } from '../../src/record/head.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import type { Sharing } from '../../src/registry/sharing.ts';
import { sharePassage, sharingNothing } from '../../src/registry/sharing.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Verifier } from '../../src/record/signature.ts';
import { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { at, makeFacts, makeSealed, makeState } from '../record/fixtures.ts';
import { makeIdentity, Owner, register, sendWhole, shown, smallConfig } from './fixtures.ts';

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const signatureOf = ({ signature }: Sealed) => textOf(signature);

/** Keeps everything for ever, which a test can afford. */
class SharingAll implements Sharing {
  readonly #states = new Map<string, OwnerState>();
  readonly #records = new Map<string, SealedRecord>();

  head(sealed: Sealed): SealedHead | undefined {
    const head = this.#states.get(signatureOf(sealed))?.head;
    return head && Buffer.compare(head.body, sealed.body) === 0 ? head : undefined;
  }

  state(next: OwnerState): OwnerState {
    const known = this.#states.get(signatureOf(next.head));
    if (known !== undefined) return known;
    this.#states.set(signatureOf(next.head), next);
    for (const sealed of next.set.records()) this.#records.set(textOf(sealed.bytes), sealed);
    return next;
  }

  record(bytes: Uint8Array): SealedRecord | undefined {
    return this.#records.get(textOf(bytes));
  }
}

function cluster(sharing: Sharing, verifier: Verifier = ed25519Verifier) {
  const start = (key: number, config = {}) => {
    const all = { ...smallConfig, ...config };
    const store = new MemoryStore();
    const facts = makeFacts();
    return new Registry(makeIdentity(key), facts, verifier, store, all, at(0), { sharing });
  };
  return { start };
}

t.test('without sharing a passage stays what it is', (t) => {
  const next = makeState([makeSealed()]);
  const passage = { next, puts: [makeSealed()], removes: [] };
  t.equal(sharePassage(passage, sharingNothing), passage);
  t.equal(sharingNothing.head(next.head), undefined);
  t.end();
});

t.test('a passage is told in terms of the state that is shared', (t) => {
  const shared = makeState([makeSealed(), makeSealed({ instanceId: 'b' })]);
  const next = { ...shared };
  const puts = [makeSealed({ instanceId: 'b' })];
  const sharing = { ...sharingNothing, state: () => shared };
  const passage = sharePassage({ next, puts, removes: [], extra: 1 }, sharing);
  t.equal(passage.next, shared);
  t.equal(passage.extra, 1);
  t.equal(passage.puts.length, 1);
  t.ok([...shared.set.records()].includes(passage.puts[0]!));
  t.end();
});

t.test('what many nodes hold is one object, and each of them shows it', (t) => {
  const { start } = cluster(new SharingAll());
  const nodes = [start(1), start(3), start(4)];
  const other = new Owner(2);
  const versions = [register('a'), register('b')].map((one, i) => other.move([one], at(i)).next);
  for (const next of versions)
    for (const node of nodes) t.equal(sendWhole(node, next, at(3)).kind, 'applied');
  const [first, ...rest] = nodes.map((node) => node.state(other.id)!);
  for (const state of rest) t.equal(state, first);
  const instances = nodes.map((node) => node.index.get('shop', 'cart', other.id, 'b')?.record);
  t.equal(instances[0], instances[2]);
  for (const node of nodes) t.strictSame(shown(node), ['a', 'b']);
  t.equal(sendWhole(nodes[0]!, versions[1]!, at(4)).kind, 'duplicate');
  t.end();
});

t.test('each node checks by its own rules what others hold already', (t) => {
  const verified: OwnerId[] = [];
  const counting: Verifier = {
    verify: (owner, ...rest) => {
      verified.push(owner);
      return ed25519Verifier.verify(owner, ...rest);
    },
  };
  const { start } = cluster(new SharingAll(), counting);
  const [first, second, strict] = [start(1), start(3), start(4, { recordsPerOwnerMax: 1 })];
  const other = new Owner(2);
  const { next } = other.move([register('a'), register('b')], at(1));
  sendWhole(first, next, at(1));
  const refused = (reason: string) => ({ kind: 'refused', reason });
  t.strictSame(sendWhole(second, next, at(-60_000)), refused('CLOCK_AHEAD'));
  t.strictSame(sendWhole(strict, next, at(1)), refused('TOO_MANY_RECORDS'));
  const small = start(5, { recordBytesMax: 50 });
  t.strictSame(sendWhole(small, next, at(1)), refused('RECORD_TOO_LARGE'));
  t.strictSame(second.receive(next.head, [], true, at(1)), refused('ROOT_MISMATCH'));
  const forged = { body: next.head.body, signature: new Uint8Array(64) };
  t.strictSame(second.receive(forged, [], true, at(1)), refused('BAD_SIGNATURE'));
  t.strictSame([...new Set(verified)], [other.id]);
  t.equal(verified.length, 5);
  t.equal(second.state(other.id), undefined);
  t.end();
});

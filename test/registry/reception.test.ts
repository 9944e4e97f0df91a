/** What peers send, as one that has nothing but its words to go by. Verdicts at large: registry.test.ts. */
import t from 'tap';
import { equalBytes } from '../../src/record/hash.ts';
import { pinWindowMs } from '../../src/registry/boot-pins.ts';
import { headRules } from '../../src/registry/reception.ts';
import { at, cluster, contentOf, makeHead, signerOf, startMicros } from '../record/fixtures.ts';
import { deregister, hourMs, makeIdentity, Owner, register, sendWhole } from './fixtures.ts';
import { shown, smallConfig, startNode } from './fixtures.ts';

t.test('heads are held against this cluster and the time that is now', (t) => {
  t.strictSame(headRules(cluster, smallConfig, at(0)), {
    cluster,
    headBytesMax: 2_048,
    latest: startMicros + 60_000_000,
    earliest: startMicros - 24 * hourMs * 1_000,
  });
  t.end();
});

t.test('an own head of another life brings its records when all came and add up', (t) => {
  const node = startNode();
  const past = new Owner(1, at(1_000));
  const { next } = past.move([register('a'), register('b')], at(1_000));
  const bytes = [...next.set.records()].map((record) => record.bytes);
  const receive = (records: readonly Uint8Array[], whole: boolean) =>
    node.receive(next.head, records, whole, at(1_000));
  const own = { kind: 'own', head: { head: next.head.head } };
  const adopted = receive(bytes, true);
  t.match(adopted, own);
  t.match(adopted, { records: [...next.set.records()].map(({ key }) => ({ key })) });
  for (const poor of [
    receive(bytes, false),
    receive(bytes.slice(1), true),
    receive([...bytes, Buffer.from('ff', 'hex')], true),
  ]) {
    t.match(poor, own);
    t.notOk('records' in poor);
  }
  t.strictSame(shown(node), []);
  const gone = past.move([deregister('a')], at(2_000)).next;
  t.equal(contentOf(gone.set).length, 2);
  t.match(sendWhole(node, gone, at(2_000)), { kind: 'own', records: { length: 2 } });
  t.end();
});

t.test('what is held does not keep the frame alive in which it came', (t) => {
  const node = startNode();
  const other = new Owner(2);
  const { next } = other.move([register('a')], at(1));
  const parts = [next.head.body, next.head.signature, [...next.set.records()][0]!.bytes];
  const frame = Buffer.concat([...parts, Buffer.alloc(100_000)]);
  let from = 0;
  const [body, signature, record] = parts.map(({ length }) =>
    frame.subarray(from, (from += length)),
  ) as [Buffer, Buffer, Buffer];
  t.equal(node.receive({ body, signature }, [record], true, at(2)).kind, 'applied');
  const { head, set } = node.state(other.id)!;
  const kept = [head.body, head.signature, head.head.root, [...set.records()][0]!.bytes];
  for (const { buffer } of kept) t.ok(buffer.byteLength < 1_000);
  t.ok(equalBytes(head.body, body));
  t.end();
});

t.test(
  'of two processes with one key all nodes stay with the same one, and restarts are free',
  (t) => {
    const node = startNode();
    const { signer } = makeIdentity(2);
    const say = (bootId: string, ms: number) =>
      node.receive(
        makeHead(undefined, { bootId, lastUpdate: at(ms).wallMicros }, signer),
        [],
        true,
        at(ms),
      );
    const boots = ['00000000000000aa', '00000000000000bb'];
    const verdicts = [1, 2, 3, 4, 5, 6].map((ms) => say(boots[ms % 2]!, ms));
    const duplicate = { kind: 'refused', reason: 'DUPLICATE_OWNER' };
    const kinds = verdicts.map(({ kind }) => kind);
    t.strictSame(kinds.slice(0, 3), ['applied', 'applied', 'applied']);
    t.strictSame(
      kinds.slice(3).filter((kind) => kind === 'refused').length,
      node.refusals.get('DUPLICATE_OWNER'),
    );
    t.strictSame(
      verdicts.find(({ kind }) => kind === 'refused'),
      duplicate,
    );
    const held = node.state(signer.owner)!.head.head.bootId;
    t.strictSame(
      say(
        boots.find((bootId) => bootId !== held)!,
        7,
      ),
      duplicate,
    );
    t.equal(say('00000000000000cc', 8).kind, 'applied', 'a new start');
    t.equal(
      say(
        boots.find((bootId) => bootId !== held)!,
        pinWindowMs + 9,
      ).kind,
      'applied',
    );
    t.end();
  },
);

t.test('an owner that said two things at once is convicted by its own signatures', (t) => {
  const node = startNode();
  const signer = signerOf(2);
  const heads = [1, 2, 3].map((incarnation) => makeHead(undefined, { incarnation }, signer));
  t.equal(node.evidence(signer.owner), undefined);
  const unsigned = { body: heads[1]!.body, signature: new Uint8Array(64) };
  for (const sealed of [heads[0]!, unsigned]) node.receive(sealed, [], true, at(1));
  t.equal(node.evidence(signer.owner), undefined);
  for (const sealed of heads) node.receive(sealed, [], true, at(1));
  const [first, second] = node.evidence(signer.owner)!;
  t.equal(first.head.lastUpdate, second.head.lastUpdate);
  t.notOk(equalBytes(first.hash, second.hash));
  t.equal(first.head.owner, second.head.owner);
  node.tick(at(25 * hourMs));
  t.equal(node.state(signer.owner), undefined);
  t.equal(node.evidence(signer.owner), undefined, 'it goes with its owner');
  t.end();
});

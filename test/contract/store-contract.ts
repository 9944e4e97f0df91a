/**
 * What every store promises (src/store/store.ts), as tests that run on each of them.
 *
 * A `Disk` outlives its store, as a file outlives the daemon.
 */
import t, { type Test } from 'tap';
import { openRecord } from '../../src/record/encoding.ts';
import type { Head } from '../../src/record/head.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import type { Check, OwnerWrite, Registration, RememberedPeer } from '../../src/store/store.ts';
import type { Batch, Store, Stored } from '../../src/store/store.ts';
import { makeHead, makeSealed, signedWithUnknownField, signerOf } from '../record/fixtures.ts';
import { valueOf, withUnknownField } from '../record/fixtures.ts';

export interface Disk {
  /** Opens what is there; the one before is closed. */
  open(): Store;
}

export function makeRegistration(fields: Partial<Registration> = {}): Registration {
  return {
    group: 'shop',
    name: 'cart',
    instanceId: 'cart-1',
    ip: '10.0.0.7',
    port: 8080,
    ttlMs: 0,
    deregisterAfterMs: 0,
    version: '1.2.3',
    tags: ['blue', 'green'],
    metadata: { zone: 'a', note: 'ünïcode "quoted"' },
    weight: 100,
    zone: '',
    endpoints: [],
    ...fields,
  };
}

export function makeCheck(fields: Partial<Check> = {}): Check {
  return {
    kind: 'tcp',
    path: '',
    expectedStatus: 0,
    method: '',
    tls: false,
    intervalMs: 10_000,
    timeoutMs: 5_000,
    initialDelayMs: 0,
    successesBeforePassing: 1,
    failuresBeforeWarning: 1,
    failuresBeforeCritical: 3,
    ...fields,
  };
}

/** One owner's write under a head of its own. */
export function makeWrite(
  key: number,
  puts: readonly SealedRecord[],
  removes: readonly SealedRecord[] = [],
  fields: Partial<Head> = {},
): OwnerWrite {
  const head = makeHead(RecordSet.empty.with(puts, []), fields, signerOf(key));
  return { owner: signerOf(key).owner, head, puts, removes };
}

export function sealedOf(key: number, instanceId: string, port = 80): SealedRecord {
  return makeSealed({ owner: signerOf(key).owner, instanceId, port });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Everything in a store, in an order of its own, with bytes as text. */
export function contentOfStore(stored: Omit<Stored, 'maintenance'>) {
  const { revision, owners, registrations, peers } = stored;
  return {
    revision,
    owners: owners
      .map(({ owner, head, records }) => ({
        owner,
        head: `${hex(head.body)} ${hex(head.signature)}`,
        records: records.map(hex).sort(),
      }))
      .sort((a, b) => (a.owner < b.owner ? -1 : 1)),
    registrations: registrations.map((one) => JSON.stringify(one)).sort(),
    peers: [...peers].sort((a, b) => (a.owner < b.owner ? -1 : 1)),
  };
}

/** What `contentOfStore` gives for these owners and nothing else. */
function onlyOwners(revision: number, writes: readonly OwnerWrite[]) {
  const owners = writes.map(({ owner, head, puts }) => ({
    owner,
    head,
    records: puts.map(({ bytes }) => bytes),
  }));
  return contentOfStore({ revision, owners, registrations: [], peers: [] });
}

const peer = (key: number, fields: Partial<RememberedPeer> = {}): RememberedPeer => ({
  owner: signerOf(key).owner,
  addresses: ['/ip4/10.0.0.7/tcp/7600', '/ip6/::1/tcp/7600'],
  isDead: false,
  seenAt: 1_750_000_000_000_123,
  ...fields,
});

export function runStoreContract(body: string, makeDisk: (t: Test) => Disk): void {
  const test = (sentence: string, run: (t: Test, disk: Disk) => void): void => {
    void t.test(`${body}: ${sentence}`, (t) => {
      run(t, makeDisk(t));
      t.end();
    });
  };

  test('a new store holds nothing and has an id that stays', (t, disk) => {
    const store = disk.open();
    const nothing = { revision: 0, owners: [], registrations: [], peers: [], maintenance: [] };
    t.strictSame(store.load(), nothing);
    t.match(store.databaseId, /^[A-Za-z0-9]{1,64}$/, 'the form that a cursor can hold');
    t.equal(disk.open().databaseId, store.databaseId);
    t.strictSame(disk.open().load(), nothing);
  });

  test('bytes come back exactly as they were given, unknown fields too', (t, disk) => {
    const bytes = withUnknownField(sealedOf(1, 'a').bytes);
    const write = makeWrite(1, [valueOf(openRecord(bytes, 8_192)), sealedOf(1, 'b')]);
    const stored = { ...write, head: signedWithUnknownField(write.head, signerOf(1)) };
    disk.open().commit({ revision: 1, owners: [stored] });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(1, [stored]));
  });

  test('a put replaces the record of its key, a remove takes it out', (t, disk) => {
    const [a, b, c] = [sealedOf(1, 'a'), sealedOf(1, 'b'), sealedOf(1, 'c')];
    const store = disk.open();
    store.commit({ revision: 1, owners: [makeWrite(1, [a, b, c])] });
    const changed = sealedOf(1, 'a', 81);
    const next = makeWrite(1, [changed, c], [b, c], { lastUpdate: 9 });
    store.commit({ revision: 2, owners: [next] });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(2, [next]));
  });

  test('removing what is not there is no error', (t, disk) => {
    const write = makeWrite(1, [sealedOf(1, 'a')], [sealedOf(1, 'never')]);
    disk.open().commit({ revision: 1, owners: [write] });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(1, [write]));
  });

  test('owners are apart, though they use the same names', (t, disk) => {
    const store = disk.open();
    const writes = [2, 3].map((key) => makeWrite(key, [sealedOf(key, 'a', key)]));
    store.commit({ revision: 1, owners: writes });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(1, writes));
  });

  test('of a forgotten owner nothing stays, and the others are left alone', (t, disk) => {
    const store = disk.open();
    const kept = makeWrite(3, [sealedOf(3, 'a')]);
    store.commit({ revision: 1, owners: [makeWrite(2, [sealedOf(2, 'a')]), kept] });
    store.commit({ revision: 2, forgottenOwners: [signerOf(2).owner, signerOf(9).owner] });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(2, [kept]));
  });

  test('an owner forgotten and written in one batch has only what was written', (t, disk) => {
    const store = disk.open();
    const { owner } = signerOf(2);
    store.commit({ revision: 1, owners: [makeWrite(2, [sealedOf(2, 'a'), sealedOf(2, 'b')])] });
    const back = makeWrite(2, [sealedOf(2, 'a', 81)], [], { lastUpdate: 9 });
    store.commit({ revision: 2, forgottenOwners: [owner], owners: [back] });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(2, [back]));
  });

  test('the revision is that of the last commit, with or without changes', (t, disk) => {
    const store = disk.open();
    for (const revision of [1, 2, 1_000_007]) {
      store.commit({ revision });
      t.equal(store.load().revision, revision);
    }
    t.equal(disk.open().load().revision, 1_000_007);
  });

  test('the revision of a commit outlives the owners that it wrote', (t, disk) => {
    const two = makeWrite(2, [sealedOf(2, 'a')]);
    const three = makeWrite(3, [sealedOf(3, 'a')]);
    const batches: Batch[] = [
      { revision: 4, owners: [two] },
      { revision: 5, owners: [three] },
      { revision: 6, owners: [two], forgottenOwners: [three.owner] },
      { revision: 7, forgottenOwners: [two.owner] },
      { revision: 8, owners: [three] },
    ];
    for (const batch of batches) {
      disk.open().commit(batch);
      t.equal(disk.open().load().revision, batch.revision);
    }
  });

  test('registrations come back whole, replaced and dropped by their names', (t, disk) => {
    const store = disk.open();
    const one = makeRegistration();
    const checks = [makeCheck(), makeCheck({ kind: 'http', path: '/healthz', method: 'GET' })];
    const lease = { ttlMs: 5_000, deregisterAfterMs: 9_000 };
    const two = makeRegistration({ instanceId: 'cart-2', ...lease, checks, source: 'carts.json' });
    store.commit({ revision: 1, registrations: [one, two] });
    t.strictSame(sortById(disk.open().load().registrations), [one, two]);
    const changed = makeRegistration({ port: 81, tags: [], metadata: {} });
    const { group, name, instanceId } = two;
    const droppedRegistrations = [
      { group, name, instanceId },
      { group, name, instanceId: 'x' },
    ];
    disk.open().commit({ revision: 2, registrations: [changed], droppedRegistrations });
    t.strictSame(disk.open().load().registrations, [changed]);
  });

  test('remembered peers come back whole, replaced and forgotten', (t, disk) => {
    const store = disk.open();
    store.commit({ revision: 1, peers: [peer(2), peer(3, { isDead: true, addresses: [] })] });
    const loaded = contentOfStore(disk.open().load()).peers;
    const expected = [peer(2), peer(3, { isDead: true, addresses: [] })];
    t.strictSame(loaded, contentOfStore({ ...disk.open().load(), peers: expected }).peers);
    const again = peer(2, { isDead: true, seenAt: 7 });
    disk.open().commit({
      revision: 2,
      peers: [again],
      forgottenPeers: [signerOf(3).owner, signerOf(9).owner],
    });
    t.strictSame(disk.open().load().peers, [again]);
  });

  test('what is in maintenance comes back whole, and is replaced as a whole', (t, disk) => {
    const node = { group: '', name: '', instanceId: '', reason: 'ünïcode "x"', since: 1 };
    const one = { ...node, group: 'shop', name: 'cart', instanceId: 'a', since: 1_750e12 };
    disk.open().commit({ revision: 1, maintenance: [node, one] });
    disk.open().commit({ revision: 2 });
    t.strictSame(disk.open().load().maintenance, [node, one]);
    disk.open().commit({ revision: 3, maintenance: [{ ...node, reason: 'other' }] });
    t.strictSame(disk.open().load().maintenance, [{ ...node, reason: 'other' }]);
    disk.open().commit({ revision: 4, maintenance: [] });
    t.strictSame(disk.open().load().maintenance, []);
  });

  test('a batch of thousands of records is one change', (t, disk) => {
    const puts = Array.from({ length: 2_000 }, (_, i) => sealedOf(1, `i${i}`));
    const write = makeWrite(1, puts);
    disk.open().commit({ revision: 1, owners: [write] });
    t.strictSame(contentOfStore(disk.open().load()), onlyOwners(1, [write]));
  });

  test('what was loaded does not change with later commits', (t, disk) => {
    const store = disk.open();
    store.commit({ revision: 1, owners: [makeWrite(1, [sealedOf(1, 'a')])] });
    const loaded = store.load();
    const before = contentOfStore(loaded);
    store.commit({ revision: 2, owners: [makeWrite(1, [sealedOf(1, 'b')], [sealedOf(1, 'a')])] });
    t.strictSame(contentOfStore(loaded), before);
  });
}

function sortById(registrations: readonly Registration[]): Registration[] {
  return registrations.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}

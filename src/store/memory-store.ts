/** The store contract in memory: for tests and the simulator. Keeps bytes, as a disk would. */
import { ForkableMap } from '../base/forkable-map.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey, SealedRecord } from '../record/record.ts';
import { recordKey } from '../record/record.ts';
import type { Sealed } from '../record/head.ts';
import type { Batch, MaintenanceRule, Registration, RememberedPeer } from './store.ts';
import type { Store, Stored } from './store.ts';

type RowRecord = Pick<SealedRecord, 'key' | 'bytes'>;

/** Replaced by every commit, never changed: forks share it. */
interface Row {
  readonly head: Sealed;
  /** In a list, since most owners have few and ten thousand simulated nodes hold each of them. */
  readonly records: readonly RowRecord[];
}

export class MemoryStore implements Store {
  readonly databaseId: string;
  #owners = new ForkableMap<OwnerId, Row>();
  #registrations = new ForkableMap<RecordKey, Registration>();
  #peers = new ForkableMap<OwnerId, RememberedPeer>();
  #maintenance: readonly MaintenanceRule[] = [];
  #revision = 0;
  /** The last row with each head, in common with all forks: most of them write the same. */
  #rows = new WeakMap<Sealed, Row>();

  constructor(databaseId = 'memory') {
    this.databaseId = databaseId;
  }

  load(): Stored {
    return {
      revision: this.#revision,
      owners: [...this.#owners].map(([owner, row]) => ({
        owner,
        head: { body: row.head.body, signature: row.head.signature },
        records: row.records.map(({ bytes }) => bytes),
      })),
      registrations: [...this.#registrations.values()],
      peers: [...this.#peers.values()],
      maintenance: this.#maintenance,
    };
  }

  commit(batch: Batch): void {
    this.#revision = batch.revision;
    for (const owner of batch.forgottenOwners ?? []) this.#owners.delete(owner);
    for (const { owner, head, puts, removes } of batch.owners ?? []) {
      const before = this.#owners.get(owner)?.records ?? [];
      this.#owners.set(owner, this.#rowOf(head, recordsAfter(before, puts, removes)));
    }
    for (const registration of batch.registrations ?? [])
      this.#registrations.set(registrationKey(registration), registration);
    for (const dropped of batch.droppedRegistrations ?? [])
      this.#registrations.delete(registrationKey(dropped));
    for (const peer of batch.peers ?? []) this.#peers.set(peer.owner, peer);
    for (const owner of batch.forgottenPeers ?? []) this.#peers.delete(owner);
    if (batch.maintenance !== undefined) this.#maintenance = [...batch.maintenance];
  }

  /** A store of another node that holds the same; from now on each goes its own way. */
  fork(databaseId: string): MemoryStore {
    const fork = new MemoryStore(databaseId);
    fork.#owners = this.#owners.fork();
    fork.#registrations = this.#registrations.fork();
    fork.#peers = this.#peers.fork();
    fork.#maintenance = this.#maintenance;
    fork.#revision = this.#revision;
    fork.#rows = this.#rows;
    return fork;
  }

  close(): void {
    // What is in memory stays for the next `load`, as a file would.
  }

  #rowOf(head: Sealed, records: readonly RowRecord[]): Row {
    const known = this.#rows.get(head);
    if (known !== undefined && isSame(known.records, records)) return known;
    const row = { head, records };
    this.#rows.set(head, row);
    return row;
  }
}

function recordsAfter(
  before: readonly RowRecord[],
  puts: readonly RowRecord[],
  removes: readonly RowRecord[],
): readonly RowRecord[] {
  if (puts.length === 0 && removes.length === 0) return before;
  const written = new Set([...removes, ...puts].map(({ key }) => key));
  return before.filter(({ key }) => !written.has(key)).concat(puts);
}

function isSame(a: readonly RowRecord[], b: readonly RowRecord[]): boolean {
  return a.length === b.length && a.every((record, index) => record === b[index]);
}

function registrationKey(of: Pick<Registration, 'group' | 'name' | 'instanceId'>): RecordKey {
  return recordKey(of.group, of.name, of.instanceId);
}

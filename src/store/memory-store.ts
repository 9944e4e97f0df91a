/** The store contract in memory: for tests and the simulator. Keeps bytes, as a disk would. */
import { ForkableMap } from '../base/forkable-map.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey, SealedRecord } from '../record/record.ts';
import { recordKey } from '../record/record.ts';
import type { Sealed } from '../record/head.ts';
import type { Batch, MaintenanceRule, Registration, RememberedPeer } from './store.ts';
import type { Store, Stored } from './store.ts';

/** Replaced by every commit, never changed: forks share it. */
interface Row {
  readonly head: Sealed;
  /** In a list, since most owners have few and ten thousand simulated nodes hold each of them. */
  readonly records: readonly Pick<SealedRecord, 'key' | 'bytes'>[];
}

export class MemoryStore implements Store {
  readonly databaseId: string;
  #owners = new ForkableMap<OwnerId, Row>();
  #registrations = new ForkableMap<RecordKey, Registration>();
  #peers = new ForkableMap<OwnerId, RememberedPeer>();
  #maintenance: readonly MaintenanceRule[] = [];
  #revision = 0;

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
      const written = new Set([...removes, ...puts].map(({ key }) => key));
      const kept = before.filter(({ key }) => !written.has(key));
      this.#owners.set(owner, { head, records: [...kept, ...puts] });
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
    return fork;
  }

  close(): void {
    // What is in memory stays for the next `load`, as a file would.
  }
}

function registrationKey(of: Pick<Registration, 'group' | 'name' | 'instanceId'>): RecordKey {
  return recordKey(of.group, of.name, of.instanceId);
}

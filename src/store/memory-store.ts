/** The store contract in memory: for tests and the simulator. Keeps bytes, as a disk would. */
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey } from '../record/record.ts';
import { recordKey } from '../record/record.ts';
import type { Sealed } from '../record/head.ts';
import type { Batch, Registration, RememberedPeer, Store, Stored } from './store.ts';

interface Row {
  head: Sealed;
  readonly records: Map<RecordKey, Uint8Array>;
}

export class MemoryStore implements Store {
  readonly databaseId: string;
  readonly #owners = new Map<OwnerId, Row>();
  readonly #registrations = new Map<RecordKey, Registration>();
  readonly #peers = new Map<OwnerId, RememberedPeer>();
  #revision = 0;

  constructor(databaseId = 'memory') {
    this.databaseId = databaseId;
  }

  load(): Stored {
    return {
      revision: this.#revision,
      owners: [...this.#owners].map(([owner, row]) => ({
        owner,
        head: row.head,
        records: [...row.records.values()],
      })),
      registrations: [...this.#registrations.values()],
      peers: [...this.#peers.values()],
    };
  }

  commit(batch: Batch): void {
    this.#revision = batch.revision;
    for (const owner of batch.forgottenOwners ?? []) this.#owners.delete(owner);
    for (const { owner, head, puts, removes } of batch.owners ?? []) {
      const row = this.#owners.get(owner) ?? { head, records: new Map<RecordKey, Uint8Array>() };
      row.head = { body: head.body, signature: head.signature };
      for (const { key } of removes) row.records.delete(key);
      for (const { key, bytes } of puts) row.records.set(key, bytes);
      this.#owners.set(owner, row);
    }
    for (const registration of batch.registrations ?? [])
      this.#registrations.set(registrationKey(registration), registration);
    for (const dropped of batch.droppedRegistrations ?? [])
      this.#registrations.delete(registrationKey(dropped));
    for (const peer of batch.peers ?? []) this.#peers.set(peer.owner, peer);
    for (const owner of batch.forgottenPeers ?? []) this.#peers.delete(owner);
  }

  close(): void {
    // What is in memory stays for the next `load`, as a file would.
  }
}

function registrationKey(of: Pick<Registration, 'group' | 'name' | 'instanceId'>): RecordKey {
  return recordKey(of.group, of.name, of.instanceId);
}

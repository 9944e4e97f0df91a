/** TornStore: a disk on which the last writes did not all arrive, as a power cut leaves it. */
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Batch, Store, Stored, StoredOwner } from '../store/store.ts';

/** `batch`: some owners were never written; `row`: one row has a damaged byte. */
export type Tear = 'batch' | 'row';

const lostShare = 0.3;

/**
 * @param self its own rows are written with the acknowledgement, and never part of a lost batch
 * @returns the store as it is found at the next start; from then on it is whole again
 */
export function tornStore(store: Store, self: OwnerId, how: Tear, random: Random): Store {
  const { databaseId } = store;
  let isFound = false;
  return {
    databaseId,
    load: (): Stored => {
      const stored = store.load();
      if (isFound) return stored;
      isFound = true;
      if (how === 'row') return { ...stored, owners: withDamage(stored.owners, random) };
      const lost = stored.owners
        .map(({ owner }) => owner)
        .filter((owner) => owner !== self && random.next() < lostShare);
      store.commit({ revision: stored.revision, forgottenOwners: lost });
      return store.load();
    },
    commit: (batch: Batch) => store.commit(batch),
    close: () => store.close(),
  };
}

/** One bit of one head. */
function withDamage(owners: readonly StoredOwner[], random: Random): StoredOwner[] {
  const struck = random.int(owners.length);
  return owners.map((row, index) => {
    if (index !== struck) return row;
    const body = new Uint8Array(row.head.body);
    const at = random.int(body.length);
    body[at] = (body[at] ?? 0) ^ (1 << random.int(8));
    return { ...row, head: { ...row.head, body } };
  });
}

/** States of owners for the tests of the simulator. */
import type { OwnerState } from '../../src/record/merge.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { sealRecord } from '../../src/record/encoding.ts';
import { plainFields } from '../../src/record/record.ts';
import { sealHead } from '../../src/record/head.ts';
import { keyedHashSigner } from '../../src/sim/keyed-hash.ts';
import type { Registration } from '../../src/store/store.ts';

export function registration(name: string): Registration {
  const address = { group: 'sim', name, instanceId: name, ip: '10.0.0.1', port: 80 };
  const rest = { ttlMs: 0, deregisterAfterMs: 0, version: 'v1', tags: [], metadata: {} };
  return { ...address, ...rest, ...plainFields };
}

export function record(owner: string, name: string): SealedRecord {
  const { deregisterAfterMs: _, ...rest } = registration(name);
  return sealRecord({ ...rest, owner, lastUpdate: 1_000, deleted: false, health: 'passing' });
}

/** @param names of its services */
export function ownerState(keyName: string, names: readonly string[]): OwnerState {
  const signer = keyedHashSigner(keyName);
  const { owner } = signer;
  const records = names.map((name) => record(owner, name));
  const set = RecordSet.empty.with(records, []);
  const facts = { name: keyName, addresses: [], startedAt: 1, left: false, version: '' };
  const counters = { lastUpdate: 2_000, incarnation: 1, bootId: '0000000000000001', floor: 0 };
  const head = sealHead(
    {
      cluster: 'sim',
      owner,
      ...counters,
      count: set.count,
      root: set.root,
      facts: { ...facts, protocolMin: 1, protocolMax: 1 },
    },
    signer,
  );
  return { head, set };
}

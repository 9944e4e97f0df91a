/** Commits until it is killed, and writes each revision to stdout once `commit` has returned. */
import { writeSync } from 'node:fs';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { makeWrite, sealedOf } from '../contract/store-contract.ts';
import { cluster } from '../record/fixtures.ts';

const store = new SqliteStore(process.argv[2] as string, cluster);
for (let revision = store.load().revision + 1; ; revision++) {
  const puts = [sealedOf(1, `a${revision}`), sealedOf(1, `b${revision}`)];
  store.commit({ revision, owners: [makeWrite(1, puts, [], { lastUpdate: revision })] });
  writeSync(1, `${revision}\n`);
}

/** Databases in folders of their own, closed when the test is over. */
import Database from 'better-sqlite3';
import { join } from 'node:path';
import type { Test } from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import type { Disk } from '../contract/store-contract.ts';
import { cluster } from '../record/fixtures.ts';

export function databaseFile(t: Test): string {
  return join(t.testdir(), 'disco.db');
}

export function sqliteDisk(t: Test, file = databaseFile(t)): Disk {
  let store: SqliteStore | undefined;
  t.teardown(() => store?.close());
  return {
    open: () => {
      store?.close();
      store = new SqliteStore(file, cluster);
      return store;
    },
  };
}

/** One use of the database beside the store, as of an operator's shell. */
export function withDatabase<T>(file: string, use: (db: Database.Database) => T): T {
  const db = new Database(file);
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** The DiscoError that `run` throws; a failure of the test when it does not. */
export function thrownBy(run: () => unknown): DiscoError {
  try {
    run();
  } catch (error) {
    if (error instanceof DiscoError) return error;
    throw error;
  }
  throw new Error('expected a DiscoError, and nothing was thrown');
}

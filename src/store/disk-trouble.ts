/**
 * What SQLite complains of when not the file is wrong, but the disk or the rights around it: then
 * nobody may be told to move the file aside.
 */
import Database from 'better-sqlite3';

/** A read that ends too soon is of a file that was cut, so of damage. */
const damageCodes: ReadonlySet<string> = new Set([
  'SQLITE_IOERR_SHORT_READ',
  'SQLITE_IOERR_CORRUPTFS',
  'SQLITE_IOERR_DATA',
]);
const rightsAdvice = 'see that it is a file that this user can write, in a folder that he can';
const adviceByPrefix: readonly (readonly [prefix: string, advice: string])[] = [
  ['SQLITE_FULL', 'free some disk space'],
  ['SQLITE_IOERR', 'free some disk space, or see whether the disk fails'],
  ['SQLITE_READONLY', rightsAdvice],
  ['SQLITE_CANTOPEN', rightsAdvice],
  ['SQLITE_PERM', rightsAdvice],
];

/** What to do about trouble of the disk; undefined when the error is of another kind. */
export function diskAdvice(error: unknown): string | undefined {
  if (!(error instanceof Database.SqliteError) || damageCodes.has(error.code)) return undefined;
  const { code } = error;
  return adviceByPrefix.find(([prefix]) => code.startsWith(prefix))?.[1];
}

import Database from 'better-sqlite3';
import t from 'tap';
import { diskAdvice } from '../../src/store/disk-trouble.ts';

const adviceOf = (code: string) => diskAdvice(new Database.SqliteError('no', code));

t.test('trouble of the disk, and of rights, is told from damage', (t) => {
  t.equal(adviceOf('SQLITE_FULL'), 'free some disk space');
  t.match(adviceOf('SQLITE_IOERR_SHMSIZE'), /^free some disk space, or see whether the disk/);
  for (const code of ['SQLITE_READONLY_DIRECTORY', 'SQLITE_CANTOPEN', 'SQLITE_PERM'])
    t.match(adviceOf(code), /this user can write/, code);
  for (const code of ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR_SHORT_READ', 'SQLITE_BUSY'])
    t.equal(adviceOf(code), undefined, code);
  t.equal(diskAdvice(new Error('SQLITE_FULL')), undefined, 'only what SQLite says');
  t.end();
});

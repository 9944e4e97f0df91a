import Database from 'better-sqlite3';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { migrations } from '../../src/store/migrations.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import type { Registration } from '../../src/store/store.ts';
import { contentOfStore, makeRegistration, makeWrite } from '../contract/store-contract.ts';
import { runStoreContract, sealedOf } from '../contract/store-contract.ts';
import { cluster, flipBit, makeSealed } from '../record/fixtures.ts';
import { databaseFile, sqliteDisk, thrownBy, withDatabase } from './fixtures.ts';

runStoreContract('SQLite', (t) => sqliteDisk(t));

t.test('a commit is in the WAL, and synced to the disk, before it returns', (t) => {
  const file = databaseFile(t);
  const pragmas = t.capture(Database.prototype, 'pragma', Database.prototype.pragma);
  const disk = sqliteDisk(t, file);
  disk.open();
  const db = pragmas()[0]?.receiver as Database.Database;
  t.equal(db.pragma('journal_mode', { simple: true }), 'wal');
  t.equal(db.pragma('synchronous', { simple: true }), 2, 'FULL: each commit is synced');
  t.equal(db.pragma('journal_size_limit', { simple: true }), 16 * 1024 * 1024);
  t.end();
});

t.test('two databases never share an id', (t) => {
  t.not(sqliteDisk(t).open().databaseId, sqliteDisk(t, join(t.testdir({}), 'b')).open().databaseId);
  t.end();
});

t.test('a database of another cluster is refused, and both are named', (t) => {
  const file = databaseFile(t);
  sqliteDisk(t, file).open().commit({ revision: 5 });
  const error = thrownBy(() => new SqliteStore(file, 'prod'));
  t.equal(error.code, 'FAILED_PRECONDITION');
  t.equal(error.reason, 'DATA_DIR_OF_ANOTHER_CLUSTER');
  t.equal(
    error.message,
    `${file} belongs to cluster "test", not to "prod": give another --data-dir, or --cluster test`,
  );
  t.equal(sqliteDisk(t, file).open().load().revision, 5, 'its own cluster still opens it');
  t.end();
});

t.test('a database of a newer schema is refused, and left as it is', (t) => {
  const file = databaseFile(t);
  sqliteDisk(t, file).open().close();
  withDatabase(file, (db) => db.pragma('user_version = 99'));
  const error = thrownBy(() => new SqliteStore(file, cluster));
  t.equal(error.code, 'FAILED_PRECONDITION');
  t.equal(error.reason, 'DATABASE_TOO_NEW');
  t.match(
    error.message,
    `${file} has schema version 99, and this disco knows only ${migrations.length}:`,
  );
  t.match(error.message, 'start it with a newer disco');
  t.equal(
    withDatabase(file, (db) => db.pragma('user_version', { simple: true })),
    99,
  );
  t.end();
});

t.test('a file that is no database is refused, and left as it is', (t) => {
  const file = databaseFile(t);
  const garbage = Buffer.from(
    'this was never a database, however long one looks at it\n'.repeat(99),
  );
  writeFileSync(file, garbage);
  const error = thrownBy(() => new SqliteStore(file, cluster));
  t.equal(error.code, 'FAILED_PRECONDITION');
  t.equal(error.reason, 'DATABASE_DAMAGED');
  t.match(error.message, `cannot open the database ${file} (file is not a database)`);
  t.match(error.message, 'move it aside to start with an empty one');
  t.type(error.cause, Error);
  t.ok(readFileSync(file).equals(garbage));
  t.end();
});

t.test('a full disk is not taken for a damaged database, which nobody is to move aside', (t) => {
  const file = databaseFile(t);
  sqliteDisk(t, file).open().close();
  const full = new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
  t.capture(Database.prototype, 'pragma', () => {
    throw full;
  });
  const error = thrownBy(() => new SqliteStore(file, cluster));
  t.equal(error.code, 'FAILED_PRECONDITION');
  t.equal(error.reason, 'DISK');
  t.equal(
    error.message,
    `cannot open the database ${file} (database or disk is full): free some disk space, and start again; nothing is lost`,
  );
  t.end();
});

t.test('a database without its tables is refused as damaged', (t) => {
  const file = databaseFile(t);
  withDatabase(file, (db) => db.pragma('user_version = 1'));
  const error = thrownBy(() => new SqliteStore(file, cluster));
  t.equal(error.code, 'FAILED_PRECONDITION');
  t.equal(error.reason, 'DATABASE_DAMAGED');
  t.match(error.message, 'no such table: meta');
  t.end();
});

t.test('a page that was overwritten is told as damage when it is read', (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  const puts = Array.from({ length: 500 }, (_, i) => sealedOf(1, `i${i}`));
  disk.open().commit({ revision: 1, owners: [makeWrite(1, puts)] });
  disk.open().close();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xa5, 8 * 4_096));
  const error = thrownBy(() => disk.open().load());
  t.equal(error.code, 'FAILED_PRECONDITION');
  t.equal(error.reason, 'DATABASE_DAMAGED');
  t.match(error.message, `cannot read the database ${file} (`);
  t.match(error.message, 'move it aside');
  t.end();
});

t.test(
  'a page that was overwritten is told as damage when it is written, not as a full disk',
  (t) => {
    const file = databaseFile(t);
    const disk = sqliteDisk(t, file);
    const puts = Array.from({ length: 500 }, (_, i) => sealedOf(1, `i${i}`));
    disk.open().commit({ revision: 1, owners: [makeWrite(1, puts)] });
    disk.open().close();
    writeFileSync(file, readFileSync(file).fill(0xa5, 8 * 4_096));
    const store = disk.open();
    const error = thrownBy(() => store.commit({ revision: 2, owners: [makeWrite(1, puts)] }));
    t.equal(error.code, 'FAILED_PRECONDITION');
    t.equal(error.reason, 'DATABASE_DAMAGED');
    t.match(error.message, `cannot write the database ${file} (`);
    t.end();
  },
);

t.test('a registration of an earlier release says nothing of weight, zone and endpoints', (t) => {
  const disk = sqliteDisk(t, databaseFile(t));
  const store = disk.open();
  const set = { weight: 7, zone: 'eu-1', endpoints: [{ name: 'metrics', port: 9_100, ip: '' }] };
  const later = makeRegistration({ instanceId: 'later', ...set });
  const { weight: _w, zone: _z, endpoints: _e, ...earlier } = makeRegistration();
  store.commit({ revision: 1, registrations: [later, earlier as Registration] });
  const loaded = disk.open().load().registrations;
  t.strictSame(new Set(loaded), new Set([later, makeRegistration()]));
  t.end();
});

t.test('a registration that is no JSON any more is told as damage', (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  disk.open().commit({ revision: 1, registrations: [makeRegistration()] });
  withDatabase(file, (db) => db.exec("UPDATE registration SET spec = 'broken'"));
  const error = thrownBy(() => disk.open().load());
  t.equal(error.reason, 'DATABASE_DAMAGED');
  t.end();
});

t.test('a record of which one byte was changed on disk is left out, whichever byte', (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  const [good, bad] = [sealedOf(1, 'good'), sealedOf(1, 'bad')];
  const write = makeWrite(1, [good, bad]);
  disk.open().commit({ revision: 1, owners: [write] });
  const store = disk.open();
  const goodHex = Buffer.from(good.bytes).toString('hex');
  const loadWithFlip = (db: Database.Database, byte: number) => {
    const update = db.prepare("UPDATE record SET body = ? WHERE instance_id = 'bad'");
    update.run(flipBit(bad.bytes, byte * 8));
    return contentOfStore(store.load()).owners[0]?.records;
  };
  withDatabase(file, (db) => {
    for (let byte = 0; byte < bad.bytes.length; byte++)
      t.strictSame(loadWithFlip(db, byte), [goodHex]);
  });
  t.end();
});

t.test('records carry their fields as columns, for people with an SQLite shell', (t) => {
  const file = databaseFile(t);
  const sealed = makeSealed({ health: 'warning' });
  sqliteDisk(t, file)
    .open()
    .commit({ revision: 7, owners: [makeWrite(1, [sealed])] });
  const columns = 'grp, name, instance_id, ip, port, health, deleted, revision';
  const row = withDatabase(file, (db) => db.prepare(`SELECT ${columns} FROM record`).get());
  t.strictSame(row, {
    grp: 'shop',
    name: 'cart',
    instance_id: 'cart-1',
    ip: '10.0.0.7',
    port: 8080,
    health: 'warning',
    deleted: 0,
    revision: 7,
  });
  t.equal(
    withDatabase(file, (db) => db.prepare('SELECT node FROM head').pluck().get()),
    'node-1',
  );
  t.end();
});

t.test('a batch that fails in its midst changes nothing, and says which file', (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  disk.open().commit({ revision: 1, owners: [makeWrite(1, [sealedOf(1, 'a')])] });
  const before = contentOfStore(disk.open().load());
  const when = "BEFORE INSERT ON record WHEN NEW.instance_id = 'c'";
  const trigger = `CREATE TRIGGER refuse ${when} BEGIN SELECT RAISE(ABORT, 'not c'); END`;
  withDatabase(file, (db) => db.exec(trigger));
  const store = disk.open();
  const owners = [makeWrite(1, [sealedOf(1, 'b'), sealedOf(1, 'c')], [sealedOf(1, 'a')])];
  const batch = { revision: 2, owners, registrations: [makeRegistration()] };
  const error = thrownBy(() => store.commit(batch));
  t.equal(error.code, 'RESOURCE_EXHAUSTED');
  t.equal(error.reason, 'DISK');
  t.match(error.message, `cannot write to ${file} (not c): `);
  t.strictSame(contentOfStore(store.load()), before);
  t.strictSame(contentOfStore(disk.open().load()), before);
  t.end();
});

t.test('a copy taken while the WAL is unfinished opens with all that was committed', (t) => {
  const file = databaseFile(t);
  const store = sqliteDisk(t, file).open();
  for (let revision = 1; revision <= 20; revision++)
    store.commit({ revision, owners: [makeWrite(1, [sealedOf(1, `i${revision}`)])] });
  t.ok(statSync(`${file}-wal`).size > 0);
  const copy = `${file}-copy`;
  copyFileSync(file, copy);
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  t.strictSame(contentOfStore(sqliteDisk(t, copy).open().load()), contentOfStore(store.load()));
  t.end();
});

const small = mkdtempSync(join(tmpdir(), 'disco-small-disk-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
const skip = mounted.status === 0 ? false : 'cannot mount a small tmpfs here: needs root on Linux';
t.teardown(() => {
  spawnSync('umount', [small]);
  rmdirSync(small);
});

t.test('on a full disk a commit is refused whole, reads go on, later ones work', { skip }, (t) => {
  const store = sqliteDisk(t, join(small, 'disco.db')).open();
  const filler = join(small, 'filler');
  writeFileSync(filler, Buffer.alloc(200 * 1024));
  const batch = (revision: number) => {
    const puts = Array.from({ length: 100 }, (_, i) => sealedOf(1, `r${revision}-${i}`));
    return { revision, owners: [makeWrite(1, puts)] };
  };
  const error = thrownBy(() => {
    for (let revision = 1; revision < 100; revision++) store.commit(batch(revision));
  });
  t.equal(error.code, 'RESOURCE_EXHAUSTED');
  t.equal(error.reason, 'DISK');
  t.match(error.message, `cannot write to ${small}/disco.db (database or disk is full)`);
  t.match(error.message, 'free some disk space, then try again; nothing of this change was kept');
  const { revision, owners } = store.load();
  t.ok(revision > 0);
  t.equal(owners[0]?.records.length, revision * 100, 'whole batches and nothing else');
  rmSync(filler);
  store.commit(batch(revision + 1));
  t.equal(store.load().owners[0]?.records.length, (revision + 1) * 100);
  t.end();
});

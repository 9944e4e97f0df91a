import Database from 'better-sqlite3';
import t from 'tap';
import { migrations } from '../../src/store/migrations.ts';
import { databaseFile, sqliteDisk, withDatabase } from './fixtures.ts';

t.test('every step builds upon those before it', (t) => {
  const db = new Database(':memory:');
  t.teardown(() => db.close());
  for (const step of migrations) t.doesNotThrow(() => db.exec(step));
  t.ok(migrations.length > 0);
  t.end();
});

t.test('a new database has the schema of all steps, and says so', (t) => {
  const file = databaseFile(t);
  sqliteDisk(t, file).open();
  const { version, tables } = withDatabase(file, (db) => ({
    version: db.pragma('user_version', { simple: true }),
    tables: db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
      .pluck()
      .all(),
  }));
  t.equal(version, migrations.length);
  t.strictSame(tables, ['head', 'maintenance', 'meta', 'peer', 'record', 'registration']);
  t.end();
});

t.test('a database of the first schema keeps what it holds', (t) => {
  const file = databaseFile(t);
  withDatabase(file, (db) => {
    db.exec(migrations[0] ?? '');
    db.exec("INSERT INTO meta VALUES ('revision', '7')");
    db.pragma('user_version = 1');
  });
  const store = sqliteDisk(t, file).open();
  t.match(store.load(), { revision: 7, maintenance: [] });
  const rule = { group: '', name: '', instanceId: '', reason: 'x', since: 1 };
  store.commit({ revision: 8, maintenance: [rule] });
  t.strictSame(store.load().maintenance, [rule]);
  t.end();
});

t.test('a database that has all steps is not built again', (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  disk.open().commit({ revision: 3 });
  const schemaOf = () => withDatabase(file, (db) => db.pragma('schema_version', { simple: true }));
  const before = schemaOf();
  t.equal(disk.open().load().revision, 3);
  t.equal(schemaOf(), before);
  t.end();
});

t.test('every table is strict, so that a wrong type is an error and not a surprise', (t) => {
  const file = databaseFile(t);
  sqliteDisk(t, file).open();
  const lists = withDatabase(file, (db) => db.pragma('table_list') as Record<string, unknown>[]);
  const own = lists.filter(({ name }) => !String(name).startsWith('sqlite_'));
  t.equal(own.length, 6);
  for (const { name, strict } of own) t.equal(strict, 1, String(name));
  t.end();
});

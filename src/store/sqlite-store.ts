/**
 * The store contract on SQLite (better-sqlite3: synchronous, so a commit cannot be interleaved).
 *
 * WAL with synchronous=FULL: better-sqlite3's default in WAL mode is NORMAL, which loses the last
 * commits on a power cut. Every row carries its record's hash, which is checked on loading, and a
 * damaged row is left out rather than believed; peers bring it back.
 */
import Database from 'better-sqlite3';
import { randomBytes } from 'node:crypto';
import { DiscoError, errorText } from '../base/error.ts';
import { equalBytes, sha256 } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';
import { plainFields } from '../record/record.ts';
import type { SealedRecord } from '../record/record.ts';
import { diskAdvice } from './disk-trouble.ts';
import { migrations } from './migrations.ts';
import type {
  Batch,
  MaintenanceRule,
  OwnerWrite,
  Registration,
  RememberedPeer,
  Store,
  Stored,
  StoredOwner,
} from './store.ts';

type Statement = Database.Statement<unknown[]>;

interface Statements {
  readonly putHead: Statement;
  readonly putRecord: Statement;
  readonly removeRecord: Statement;
  readonly dropHead: Statement;
  readonly dropRecords: Statement;
  readonly putRegistration: Statement;
  readonly dropRegistration: Statement;
  readonly putPeer: Statement;
  readonly dropPeer: Statement;
  readonly putMeta: Statement;
  readonly putMaintenance: Statement;
  readonly dropMaintenance: Statement;
}

/** The WAL is cut back to this size after a checkpoint. */
const walBytesMax = 16 * 1024 * 1024;

export class SqliteStore implements Store {
  readonly databaseId: string;
  readonly #db: Database.Database;
  readonly #statements: Statements;
  readonly #write: (batch: Batch) => void;

  /**
   * Opens or makes the database of one cluster.
   *
   * @throws DiscoError FAILED_PRECONDITION: DATA_DIR_OF_ANOTHER_CLUSTER, DATABASE_TOO_NEW,
   *   DATABASE_DAMAGED, DISK
   */
  constructor(file: string, cluster: string) {
    this.#db = openDatabase(file);
    try {
      this.databaseId = this.#claim(file, cluster);
      this.#statements = prepare(this.#db);
    } catch (error) {
      this.#db.close();
      throw error instanceof DiscoError ? error : unusable('open', file, error);
    }
    this.#write = this.#db.transaction((batch: Batch) => this.#writeAll(batch));
  }

  /** @throws DiscoError FAILED_PRECONDITION: DATABASE_DAMAGED, DISK */
  load(): Stored {
    try {
      return this.#readAll();
    } catch (error) {
      throw unusable('read', this.#db.name, error);
    }
  }

  #readAll(): Stored {
    const owners = new Map<OwnerId, { head: StoredOwner['head']; records: Uint8Array[] }>();
    for (const row of this.#rows<HeadRow>('SELECT owner, body, signature FROM head'))
      owners.set(row.owner, { head: { body: row.body, signature: row.signature }, records: [] });
    for (const row of this.#rows<RecordRow>('SELECT owner, body, hash FROM record'))
      if (equalBytes(sha256(row.body), row.hash)) owners.get(row.owner)?.records.push(row.body);
    return {
      revision: this.#revision(),
      owners: [...owners].map(([owner, stored]) => ({ owner, ...stored })),
      registrations: this.#rows<{ spec: string }>('SELECT spec FROM registration').map(
        // An older release wrote less.
        ({ spec }) => ({ ...plainFields, ...(JSON.parse(spec) as Registration) }),
      ),
      peers: this.#rows<PeerRow>('SELECT * FROM peer').map((row): RememberedPeer => ({
        owner: row.owner,
        addresses: JSON.parse(row.addresses) as string[],
        isDead: row.is_dead === 1,
        seenAt: row.seen_at,
      })),
      maintenance: this.#rows<MaintenanceRule>(
        'SELECT grp AS "group", name, instance_id AS instanceId, reason, since FROM maintenance',
      ),
    };
  }

  commit(batch: Batch): void {
    try {
      this.#write(batch);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      if (error.code.startsWith('SQLITE_CORRUPT')) throw damaged('write', this.#db.name, error);
      const advice = diskAdvice(error) ?? 'free some disk space';
      const sentence = `cannot write to ${this.#db.name} (${error.message}): ${advice}, then try again; nothing of this change was kept`;
      throw new DiscoError('RESOURCE_EXHAUSTED', 'DISK', sentence, error);
    }
  }

  close(): void {
    this.#db.close();
  }

  #writeAll(batch: Batch): void {
    const { dropHead, dropRecords, putRegistration, dropRegistration, putPeer, dropPeer, putMeta } =
      this.#statements;
    for (const owner of batch.forgottenOwners ?? []) {
      dropHead.run(owner);
      dropRecords.run(owner);
    }
    for (const write of batch.owners ?? []) this.#writeOwner(write, batch.revision);
    for (const spec of batch.registrations ?? [])
      putRegistration.run(spec.group, spec.name, spec.instanceId, JSON.stringify(spec));
    for (const { group, name, instanceId } of batch.droppedRegistrations ?? [])
      dropRegistration.run(group, name, instanceId);
    for (const { owner, addresses, isDead, seenAt } of batch.peers ?? [])
      putPeer.run(owner, JSON.stringify(addresses), isDead ? 1 : 0, seenAt);
    for (const owner of batch.forgottenPeers ?? []) dropPeer.run(owner);
    if (batch.maintenance !== undefined) this.#writeMaintenance(batch.maintenance);
    if (isRevisionElsewhere(batch)) return;
    putMeta.run('revision', String(batch.revision));
  }

  #writeMaintenance(rules: readonly MaintenanceRule[]): void {
    this.#statements.dropMaintenance.run();
    for (const { group, name, instanceId, reason, since } of rules)
      this.#statements.putMaintenance.run(group, name, instanceId, reason, since);
  }

  #writeOwner({ owner, head, puts, removes }: OwnerWrite, revision: number): void {
    const { putHead, removeRecord } = this.#statements;
    const { lastUpdate, facts } = head.head;
    putHead.run(owner, lastUpdate, facts.name, head.body, head.signature, revision);
    for (const { record } of removes)
      removeRecord.run(owner, record.group, record.name, record.instanceId);
    for (const put of puts) this.#putRecord(owner, put, revision);
  }

  #putRecord(owner: OwnerId, { record, bytes, hash }: SealedRecord, revision: number): void {
    this.#statements.putRecord.run(
      owner,
      record.group,
      record.name,
      record.instanceId,
      record.ip,
      record.port,
      record.health,
      record.deleted ? 1 : 0,
      record.lastUpdate,
      bytes,
      hash,
      revision,
    );
  }

  /** Checks that the database is this cluster's, or makes it so; answers its id. */
  #claim(file: string, cluster: string): string {
    const owner = this.#meta('cluster');
    if (owner !== undefined && owner !== cluster) {
      const sentence = `${file} belongs to cluster "${owner}", not to "${cluster}": give another --data-dir, or --cluster ${owner}`;
      throw new DiscoError('FAILED_PRECONDITION', 'DATA_DIR_OF_ANOTHER_CLUSTER', sentence);
    }
    const put = this.#db.prepare('INSERT OR IGNORE INTO meta VALUES (?, ?)');
    put.run('cluster', cluster);
    put.run('database_id', randomBytes(8).toString('hex'));
    return this.#meta('database_id') as string;
  }

  #revision(): number {
    const newest = this.#db.prepare('SELECT max(revision) AS revision FROM head').get();
    const { revision } = newest as { revision: number | null };
    return Math.max(revision ?? 0, Number(this.#meta('revision') ?? 0));
  }

  #meta(key: string): string | undefined {
    const row = this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(key);
    return (row as { value: string } | undefined)?.value;
  }

  #rows<T>(sql: string): T[] {
    return this.#db.prepare(sql).all() as T[];
  }
}

interface HeadRow {
  owner: OwnerId;
  body: Uint8Array;
  signature: Uint8Array;
}

interface RecordRow {
  owner: OwnerId;
  body: Uint8Array;
  hash: Uint8Array;
}

interface PeerRow {
  owner: OwnerId;
  addresses: string;
  is_dead: number;
  seen_at: number;
}

/**
 * Every head is stored with the revision of its batch; so in a usual one, which writes a head and
 * takes none away, it need not be written again: that is a page less to sync for each registration.
 */
function isRevisionElsewhere({ owners = [], forgottenOwners = [] }: Batch): boolean {
  return owners.length > 0 && forgottenOwners.length === 0;
}

function openDatabase(file: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma(`journal_size_limit = ${walBytesMax}`);
    migrate(db, file);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof DiscoError ? error : unusable('open', file, error);
  }
}

/** Moving a database aside loses what was registered here, so it is the advice for damage alone. */
function unusable(verb: string, file: string, error: unknown): DiscoError {
  const advice = diskAdvice(error);
  if (advice === undefined) return damaged(verb, file, error);
  const sentence = `cannot ${verb} the database ${file} (${errorText(error)}): ${advice}, and start again; nothing is lost`;
  return new DiscoError('FAILED_PRECONDITION', 'DISK', sentence, error);
}

function damaged(verb: string, file: string, error: unknown): DiscoError {
  const sentence = `cannot ${verb} the database ${file} (${errorText(error)}): move it aside to start with an empty one; the key beside it stays, and peers bring the records back`;
  return new DiscoError('FAILED_PRECONDITION', 'DATABASE_DAMAGED', sentence, error);
}

function migrate(db: Database.Database, file: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length) {
    const sentence = `${file} has schema version ${version}, and this disco knows only ${migrations.length}: start it with a newer disco, or give another --data-dir`;
    throw new DiscoError('FAILED_PRECONDITION', 'DATABASE_TOO_NEW', sentence);
  }
  for (let step = version; step < migrations.length; step++) {
    db.transaction(() => {
      db.exec(migrations[step] as string);
      db.pragma(`user_version = ${step + 1}`);
    })();
  }
}

function prepare(db: Database.Database): Statements {
  const put = (table: string, columns: number): Statement =>
    db.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${Array(columns).fill('?').join(', ')})`);
  return {
    // A replaced row would be a new one, and change the page of the index as well.
    putHead: db.prepare(
      `INSERT INTO head VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (owner) DO UPDATE SET
        last_update = excluded.last_update, node = excluded.node, body = excluded.body,
        signature = excluded.signature, revision = excluded.revision`,
    ),
    putRecord: put('record', 12),
    putRegistration: put('registration', 4),
    putPeer: put('peer', 4),
    putMeta: put('meta', 2),
    putMaintenance: put('maintenance', 5),
    dropMaintenance: db.prepare('DELETE FROM maintenance'),
    removeRecord: db.prepare(
      'DELETE FROM record WHERE owner = ? AND grp = ? AND name = ? AND instance_id = ?',
    ),
    dropHead: db.prepare('DELETE FROM head WHERE owner = ?'),
    dropRecords: db.prepare('DELETE FROM record WHERE owner = ?'),
    dropRegistration: db.prepare(
      'DELETE FROM registration WHERE grp = ? AND name = ? AND instance_id = ?',
    ),
    dropPeer: db.prepare('DELETE FROM peer WHERE owner = ?'),
  };
}

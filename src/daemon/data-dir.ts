/**
 * The data dir: one daemon at a time, and a run file that tells others how to reach it.
 *
 * The lock is SQLite's own on DATA-DIR/lock, held while the daemon lives: the kernel gives it back
 * however the daemon ends, so there are no stale locks. Beside it stands the pid, for people.
 */
import Database from 'better-sqlite3';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { DiscoError, errorText } from '../base/error.ts';
import { diskAdvice } from '../store/disk-trouble.ts';
import { checkDirectory } from './identity.ts';

/** What a ready daemon tells those who look for it. */
export interface RunFile {
  readonly pid: number;
  readonly peerId: string;
  readonly name: string;
  readonly cluster: string;
  readonly listen: readonly string[];
  readonly grpc: readonly string[];
  readonly http: string;
  readonly dns: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

export class DataDir {
  readonly path: string;
  readonly #lock: Database.Database;

  /**
   * Makes the directory when there is none, and locks it.
   *
   * @throws DiscoError FAILED_PRECONDITION: DATA_DIR_IN_USE, INSECURE_PERMISSIONS, DISK
   */
  constructor(path: string) {
    this.path = path;
    makeDirectory(path);
    checkDirectory(path);
    this.#lock = lock(path);
    try {
      fs.writeFileSync(join(path, 'lock.pid'), `${process.pid}\n`);
      fs.rmSync(this.#runFile, { force: true });
    } catch (error) {
      this.#lock.close();
      throw unwritable(path, error);
    }
  }

  get database(): string {
    return join(this.path, 'disco.sqlite');
  }

  /** Written whole or not at all. */
  writeRunFile(content: RunFile): void {
    const draft = `${this.#runFile}.new`;
    fs.writeFileSync(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o644 });
    fs.renameSync(draft, this.#runFile);
  }

  /** Takes the run file away, as far as it can, and lets the next daemon in. */
  close(): void {
    try {
      fs.rmSync(this.#runFile, { force: true });
      fs.rmSync(join(this.path, 'lock.pid'), { force: true });
    } catch {
      // As after a kill: the next one takes away what is left.
    }
    this.#lock.close();
  }

  get #runFile(): string {
    return join(this.path, 'daemon.json');
  }
}

function makeDirectory(path: string): void {
  try {
    makeWithParents(path);
    fs.accessSync(path, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    const sentence = `the data dir ${path} cannot be used (${errorText(error)}): give one that this user can write with --data-dir`;
    throw new DiscoError('FAILED_PRECONDITION', 'DISK', sentence, error);
  }
}

/**
 * Node's own `recursive` goes round for ever where making a folder is ENOENT though its parent is
 * there: in /proc, or in a working directory that was deleted.
 */
function makeWithParents(path: string): void {
  const parent = dirname(path);
  if (parent !== path && !fs.existsSync(parent)) makeWithParents(parent);
  try {
    fs.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // It is there, or another daemon has just made it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function unwritable(path: string, error: unknown): DiscoError {
  const sentence = `the data dir ${path} cannot be written (${errorText(error)}): see that this user may and that the disk has room, or give another --data-dir`;
  return new DiscoError('FAILED_PRECONDITION', 'DISK', sentence, error);
}

function lock(path: string): Database.Database {
  const file = join(path, 'lock');
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { timeout: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db?.close();
    if (!isBusy(error)) {
      const advice = diskAdvice(error) ?? 'move it aside, it holds nothing';
      const sentence = `the lock ${file} cannot be taken (${errorText(error)}): ${advice}, or give another --data-dir`;
      throw new DiscoError('FAILED_PRECONDITION', 'DISK', sentence, error);
    }
    const pid = readPid(path);
    const holder = pid === undefined ? 'another daemon' : `the daemon with pid ${pid}`;
    const sentence = `the data dir ${path} is in use by ${holder}: stop that one, or give another --data-dir`;
    throw new DiscoError('FAILED_PRECONDITION', 'DATA_DIR_IN_USE', sentence, error);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

function readPid(path: string): string | undefined {
  try {
    return /^\d+/.exec(fs.readFileSync(join(path, 'lock.pid'), 'utf8'))?.[0];
  } catch {
    return undefined;
  }
}

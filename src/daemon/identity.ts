/**
 * The node's key: an Ed25519 key in DATA-DIR/key, as PEM (PKCS #8), readable by its user alone.
 *
 * It is the node's name: a lost key is a new node. So it is made once, with O_EXCL, and nothing
 * that others could have written or can read is taken for it.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { DiscoError, errorText } from '../base/error.ts';

const ownerOnly = 0o600;
/** Group and others, any right. */
const foreignRights = 0o077;
/** Group and others, right to write. */
const foreignWrite = 0o022;

export interface LoadedKey {
  readonly key: KeyObject;
  /** It was not there, and has been made. */
  readonly isNew: boolean;
}

/**
 * Reads the key of a data dir, or makes it.
 *
 * @throws DiscoError FAILED_PRECONDITION: KEY_UNREADABLE, INSECURE_PERMISSIONS, DISK
 */
export function loadIdentity(dataDir: string): LoadedKey {
  const file = join(dataDir, 'key');
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return { key: createKey(file), isNew: true };
  if (stat.isSymbolicLink()) {
    throw insecure(`${file} is a symbolic link: put the key itself there`);
  }
  if ((stat.mode & foreignRights) !== 0) {
    throw insecure(
      `${file} can be used by others (mode ${modeText(stat.mode)}): run chmod 600 ${file}`,
    );
  }
  return { key: readKey(file), isNew: false };
}

/** The 32 secret bytes of an Ed25519 key. */
export function seedOf(key: KeyObject): Uint8Array {
  const jwk = key.export({ format: 'jwk' });
  return Buffer.from(jwk.d ?? '', 'base64url');
}

/** @throws DiscoError FAILED_PRECONDITION/INSECURE_PERMISSIONS: others can write there */
export function checkDirectory(directory: string): void {
  const { mode } = fs.statSync(directory);
  if ((mode & foreignWrite) === 0) return;
  throw insecure(
    `${directory} can be written by others (mode ${modeText(mode)}): run chmod go-w ${directory}`,
  );
}

function readKey(file: string): KeyObject {
  try {
    const key = createPrivateKey(fs.readFileSync(file));
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`it is of type ${key.asymmetricKeyType ?? 'unknown'}`);
  } catch (error) {
    const sentence = `the key ${file} cannot be read (${errorText(error)}): an Ed25519 private key in PEM was expected; bring it back from a backup, or move it aside to become a new node`;
    throw new DiscoError('FAILED_PRECONDITION', 'KEY_UNREADABLE', sentence, error);
  }
}

function createKey(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  try {
    writeNew(file, pem);
    syncDirectory(dirname(file));
  } catch (error) {
    const sentence = `the key ${file} cannot be made (${errorText(error)}): free some disk space, or give another --data-dir`;
    throw new DiscoError('FAILED_PRECONDITION', 'DISK', sentence, error);
  }
  return privateKey;
}

/** Whole or not at all: half a key would be taken for a damaged one at the next start. */
function writeNew(file: string, content: string): void {
  const handle = fs.openSync(file, 'wx', ownerOnly);
  try {
    fs.writeSync(handle, content);
    fs.fsyncSync(handle);
  } catch (error) {
    fs.rmSync(file, { force: true });
    throw error;
  } finally {
    fs.closeSync(handle);
  }
}

/** The name of a new file is on disk only when its directory is. */
function syncDirectory(directory: string): void {
  const handle = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

function insecure(sentence: string): DiscoError {
  return new DiscoError('FAILED_PRECONDITION', 'INSECURE_PERMISSIONS', sentence);
}

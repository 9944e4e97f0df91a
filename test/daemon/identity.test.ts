import { spawnSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkDirectory, loadIdentity, seedOf } from '../../src/daemon/identity.ts';
import { ed25519Signer } from '../../src/record/signature.ts';
import { keySeed, signerOf } from '../record/fixtures.ts';

/** A folder and the place of the key in it. */
function place(t: Test): { dir: string; file: string } {
  const dir = t.testdir();
  fs.chmodSync(dir, 0o700);
  return { dir, file: join(dir, 'key') };
}

const modeOf = (file: string): number => fs.statSync(file).mode & 0o777;

const insecure = (message: string) => ({
  code: 'FAILED_PRECONDITION',
  reason: 'INSECURE_PERMISSIONS',
  message,
});

const unreadable = (file: string, why: RegExp) => ({
  code: 'FAILED_PRECONDITION',
  reason: 'KEY_UNREADABLE',
  message: new RegExp(
    `^the key ${file} cannot be read \\(${why.source}\\): an Ed25519 private key in PEM was expected; bring it back from a backup, or move it aside to become a new node$`,
  ),
});

t.test('the first start makes a key that its user alone can read', (t) => {
  const { dir, file } = place(t);
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  const { key } = loadIdentity(dir);
  t.equal(key.asymmetricKeyType, 'ed25519');
  t.equal(modeOf(file), 0o600, 'whatever the umask');
  t.match(fs.readFileSync(file, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
  t.end();
});

t.test('later starts are the same node', (t) => {
  const { dir, file } = place(t);
  const { owner } = ed25519Signer(loadIdentity(dir).key);
  const written = fs.readFileSync(file);
  t.equal(ed25519Signer(loadIdentity(dir).key).owner, owner);
  t.strictSame(fs.readFileSync(file), written);
  t.end();
});

t.test('two new data dirs are two nodes', (t) => {
  const dirs = ['a', 'b'].map((name) => join(t.testdir({ a: {}, b: {} }), name));
  const owners = dirs.map((dir) => ed25519Signer(loadIdentity(dir).key).owner);
  t.equal(new Set(owners).size, 2);
  t.end();
});

t.test('the secret bytes are those that libp2p makes the same key from', (t) => {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const der = Buffer.concat([prefix, keySeed(5)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  t.strictSame(Buffer.from(seedOf(key)), Buffer.from(keySeed(5)));
  t.equal(ed25519Signer(key).owner, signerOf(5).owner);
  t.end();
});

t.test('a link that leads nowhere is no free place: nothing is made behind it', (t) => {
  const { dir, file } = place(t);
  const target = join(dir, 'elsewhere');
  fs.symlinkSync(target, file);
  t.throws(
    () => loadIdentity(dir),
    insecure(`${file} is a symbolic link: put the key itself there`),
  );
  t.notOk(fs.existsSync(target));
  t.end();
});

t.test(
  'of two that make the key at once one succeeds, and the other harms nothing (O_EXCL)',
  (t) => {
    const { dir, file } = place(t);
    const { lstatSync } = fs;
    // The other comes just after this one has looked.
    const looks = t.intercept(fs, 'lstatSync', {
      value: (path: string, options: fs.StatSyncOptions) => {
        const seen = lstatSync(path, options);
        fs.writeFileSync(file, 'of another', { mode: 0o600 });
        return seen;
      },
    });
    t.teardown(() => {
      looks.restore();
      syncBuiltinESMExports();
    });
    syncBuiltinESMExports();
    t.throws(() => loadIdentity(dir), {
      code: 'FAILED_PRECONDITION',
      reason: 'DISK',
      message: /^the key \S+ cannot be made \(EEXIST/,
    });
    t.equal(fs.readFileSync(file, 'utf8'), 'of another');
    t.end();
  },
);

t.test('a key behind a symbolic link is refused, even when it is sound', (t) => {
  const { dir, file } = place(t);
  const real = join(dir, 'real');
  loadIdentity(dir);
  fs.renameSync(file, real);
  fs.symlinkSync(real, file);
  t.throws(
    () => loadIdentity(dir),
    insecure(`${file} is a symbolic link: put the key itself there`),
  );
  t.end();
});

t.test('a key that others can read or write is refused, with the way to mend it', (t) => {
  const { dir, file } = place(t);
  loadIdentity(dir);
  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601]) {
    fs.chmodSync(file, mode);
    const shown = mode.toString(8).padStart(4, '0');
    t.throws(
      () => loadIdentity(dir),
      insecure(`${file} can be used by others (mode ${shown}): run chmod 600 ${file}`),
      shown,
    );
  }
  for (const mode of [0o600, 0o400]) {
    fs.chmodSync(file, mode);
    t.equal(loadIdentity(dir).key.asymmetricKeyType, 'ed25519');
  }
  t.end();
});

t.test('garbage, an empty file, a folder and a public key are refused', (t) => {
  const { dir, file } = place(t);
  const { publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ format: 'pem', type: 'spki' });
  for (const content of ['garbage', '', pem.toString()]) {
    fs.writeFileSync(file, content, { mode: 0o600 });
    t.throws(() => loadIdentity(dir), unreadable(file, /.+/), content.slice(0, 27));
    t.equal(fs.readFileSync(file, 'utf8'), content, 'it is left as it was');
  }
  fs.unlinkSync(file);
  fs.mkdirSync(file, 0o700);
  t.throws(() => loadIdentity(dir), unreadable(file, /EISDIR.*/));
  t.end();
});

t.test('a key of another kind is refused by its name', (t) => {
  const { dir, file } = place(t);
  for (const [key, kind] of [
    [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'ec'],
    [generateKeyPairSync('x25519').privateKey, 'x25519'],
  ] as const) {
    fs.writeFileSync(file, key.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    t.throws(() => loadIdentity(dir), unreadable(file, new RegExp(`it is of type ${kind}`)), kind);
  }
  t.end();
});

t.test('a key that cannot be written leaves no half of it behind', (t) => {
  const { dir, file } = place(t);
  const identity = new URL('../../src/daemon/identity.ts', import.meta.url).href;
  const code = `
    process.on('SIGXFSZ', () => undefined);
    const { loadIdentity } = await import('${identity}');
    try { loadIdentity(process.env.DIR); } catch (e) { console.log(e.code, e.reason, e.message); }`;
  const shell = 'ulimit -f 0; exec "$0" --input-type=module --eval "$1"';
  const { stdout } = spawnSync('sh', ['-c', shell, process.execPath, code], {
    env: { ...process.env, DIR: dir },
    encoding: 'utf8',
  });
  t.match(
    stdout,
    /^FAILED_PRECONDITION DISK the key \S+ cannot be made \(EFBIG.*\): free some disk space, or give another --data-dir\n$/,
  );
  t.notOk(fs.existsSync(file));
  t.end();
});

t.test('a folder that others can write is refused, with the way to mend it', (t) => {
  const { dir } = place(t);
  for (const mode of [0o770, 0o720, 0o702, 0o777]) {
    fs.chmodSync(dir, mode);
    const shown = mode.toString(8).padStart(4, '0');
    t.throws(
      () => checkDirectory(dir),
      insecure(`${dir} can be written by others (mode ${shown}): run chmod go-w ${dir}`),
      shown,
    );
  }
  for (const mode of [0o700, 0o750, 0o755]) {
    fs.chmodSync(dir, mode);
    t.doesNotThrow(() => checkDirectory(dir));
  }
  t.end();
});

import t from 'tap';
import { identityOf, readIdentityKey } from '../../src/cli/identity-flags.ts';
import type { CheckOptions } from '../../src/client/check.ts';

const tcp: CheckOptions = { kind: 'tcp' };
const proof: CheckOptions = { kind: 'identity', path: '/proof', tls: true, intervalMs: 5_000 };
const key = Buffer.alloc(32, 7);
const text = key.toString('base64url');

t.test('a key is read where it is needed, and a command needs none', (t) => {
  t.strictSame(Buffer.from(readIdentityKey(text, [tcp, proof], false) ?? []), key);
  t.equal(readIdentityKey(undefined, [tcp], false), undefined);
  t.equal(readIdentityKey(undefined, [proof], true), undefined);
  t.end();
});

t.test('a key that is missing, useless or none is a mistake', (t) => {
  const rows: readonly (readonly [string | undefined, CheckOptions[], boolean, RegExp])[] = [
    [undefined, [proof], false, /^--check identity: give the public key .* with --identity-key,/],
    [text, [tcp], false, /^--identity-key: give --check identity too$/],
    [text, [], true, /^--identity-key: give --check identity too$/],
    [text, [proof], true, /^--identity-key: leave it out, the command is given a key of its own$/],
    [`${text}=`, [proof], false, /^--identity-key .*=: write the 32 bytes of an Ed25519 public/],
    [text.slice(4), [proof], false, /: write the 32 bytes/],
    ['', [proof], false, /^--identity-key : write the 32 bytes/],
  ];
  for (const [given, checks, isForCommand, message] of rows)
    t.throws(() => readIdentityKey(given, checks, isForCommand), { exitCode: 2, message });
  t.end();
});

t.test('the first check for an identity is taken over by one, the others stay', (t) => {
  const second: CheckOptions = { kind: 'identity', path: '' };
  const { identity, checks } = identityOf([tcp, proof, second]);
  t.strictSame(identity?.check, proof);
  t.strictSame(checks, [tcp, second]);
  t.strictSame(identityOf([tcp]), { identity: undefined, checks: [tcp] });
  t.end();
});

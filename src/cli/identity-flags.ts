/** What `register` has to know of keys when a check asks for an identity. */
import { fromBase64url } from '../base/challenge.ts';
import type { CheckOptions } from '../client/check.ts';
import { Identity } from '../client/identity.ts';
import { CliError } from './exit.ts';

const keyBytes = 32;

/**
 * The public key that was given for the checks that need one.
 *
 * @param isForCommand the instance is a command that is run here, and is given a key
 * @throws CliError usage
 */
export function readIdentityKey(
  text: string | undefined,
  checks: readonly CheckOptions[],
  isForCommand: boolean,
): Uint8Array | undefined {
  const isNeeded = checks.some(isIdentity);
  if (text === undefined) {
    if (!isNeeded || isForCommand) return undefined;
    const rule = 'give the public key of the instance with --identity-key, or a command after --';
    throw new CliError(2, `--check identity: ${rule}`);
  }
  if (!isNeeded) throw new CliError(2, '--identity-key: give --check identity too');
  if (isForCommand)
    throw new CliError(2, '--identity-key: leave it out, the command is given a key of its own');
  const key = fromBase64url(text);
  if (key?.length === keyBytes) return key;
  const rule = `write the ${keyBytes} bytes of an Ed25519 public key in base64url, without padding`;
  throw new CliError(2, `--identity-key ${text}: ${rule}`);
}

/** An identity for the first check that asks for one, and the checks that are left. */
export function identityOf(checks: readonly CheckOptions[]): {
  readonly identity: Identity | undefined;
  readonly checks: readonly CheckOptions[];
} {
  const first = checks.find(isIdentity);
  if (first === undefined) return { identity: undefined, checks };
  const { kind: _, path = '', ...options } = first;
  const rest = checks.filter((check) => check !== first);
  return { identity: new Identity(path, options), checks: rest };
}

function isIdentity({ kind }: CheckOptions): boolean {
  return kind === 'identity';
}

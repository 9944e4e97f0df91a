/**
 * Identity: how a process proves to its daemon that it is the one that was registered, and no other
 * that took over the address.
 *
 *   register({ identity }) ── public key ─▶ daemon
 *   this process's own server ◀── nonce ─── daemon        HttpIdentity, GrpcIdentity: the way in
 *              └─────────── signature ────▶
 *
 * What is signed is what this process was registered as, never what it is asked for: it proves nothing
 * for others. One key serves all registrations that are given the identity.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { base64url, fromBase64url, nonceBytesMax, nonceBytesMin } from '../base/challenge.ts';
import { provenBytes } from '../base/challenge.ts';
import type { RegisteredAs } from '../base/challenge.ts';
import { DiscoError } from '../base/error.ts';
import type { CheckOptions } from './check.ts';

/** How the daemon checks it: see CheckOptions. */
export interface IdentityOptions extends Pick<
  CheckOptions,
  | 'tls'
  | 'intervalMs'
  | 'timeoutMs'
  | 'initialDelayMs'
  | 'successesBeforePassing'
  | 'failuresBeforeWarning'
  | 'failuresBeforeCritical'
> {
  /**
   * What `disco register --check identity -- COMMAND` put into the environment variable
   * DISCO_IDENTITY of this process: it answers as what was registered there. Default: a fresh key,
   * for register() of this process.
   */
  readonly handover?: string | undefined;
}

/** What a daemon asks. */
export interface Challenge {
  readonly nonce: Uint8Array;
  /** Peer id of the daemon. */
  readonly owner: string;
  /** `group/name/instanceId` */
  readonly instance: string;
}

/** The signature, or why there is none; `not_yet`: this may be the process all the same. */
export type ChallengeAnswer =
  | { readonly kind: 'signed'; readonly signature: Uint8Array }
  | { readonly kind: 'malformed' | 'not_me' | 'not_yet'; readonly why: string };

const keyBytes = 32;
/** PKCS #8 of an Ed25519 private key, up to the seed itself (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
/** A daemon asks as soon as it has registered, which may be before its answer has come here. */
const patienceMs = 2_000;
/** Challenges that may wait for that. */
const waitingMax = 64;

/** The key and what it stands for; HttpIdentity and GrpcIdentity answer for it. */
export class Identity {
  /** Ed25519, 32 bytes: RegisterRequest.identity_key. */
  readonly publicKey: Uint8Array;
  /** What the daemon is asked to do. */
  readonly check: CheckOptions;
  readonly #seed: Uint8Array;
  readonly #privateKey: KeyObject;
  readonly #registered = new Map<string, RegisteredAs>();
  readonly #registering = new Set<Promise<void>>();
  #waiting = 0;

  /**
   * @param path what to ask for over HTTP; empty: it is asked over gRPC
   * @throws DiscoError INVALID_ARGUMENT/CONFIG for a handover that is none
   */
  constructor(path: string, { handover, ...options }: IdentityOptions = {}) {
    this.check = { kind: 'identity', path, ...options };
    const given = handover === undefined ? undefined : readHandover(handover);
    this.#seed = given?.seed ?? randomBytes(keyBytes);
    if (given !== undefined) this.#registered.set(nameOf(given.as), given.as);
    const key = Buffer.concat([pkcs8Prefix, this.#seed]);
    this.#privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' });
    this.publicKey = spki.subarray(spki.length - keyBytes);
  }

  /**
   * Says that a registration is on its way, which challenges that come early wait for.
   *
   * @returns what to call with what was registered, or with nothing when it failed
   */
  begin(): (as?: RegisteredAs) => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#registering.add(promise);
    return (as) => {
      if (as !== undefined) this.#registered.set(nameOf(as), as);
      this.#registering.delete(promise);
      resolve();
    };
  }

  /** It is registered no more. */
  end(as: RegisteredAs): void {
    const name = nameOf(as);
    if (this.#registered.get(name) === as) this.#registered.delete(name);
  }

  /** The key and a registration, for the environment of a child process that serves in its stead. */
  handOver(as: RegisteredAs): string {
    const { group, name, instanceId, ip, port } = as;
    return JSON.stringify({ seed: base64url(this.#seed), group, name, instanceId, ip, port });
  }

  /** Answers a daemon. Never rejects, takes 2 s at most. */
  async answer({ nonce, owner, instance }: Challenge): Promise<ChallengeAnswer> {
    const isNonce = nonce.length >= nonceBytesMin && nonce.length <= nonceBytesMax;
    if (!isNonce || !/^[A-Za-z0-9]{1,128}$/.test(owner)) {
      const why = `expected a nonce of ${nonceBytesMin} to ${nonceBytesMax} bytes and a peer id`;
      return { kind: 'malformed', why };
    }
    if (!this.#registered.has(instance)) await this.#settled();
    const as = this.#registered.get(instance);
    if (as !== undefined) {
      const signature = sign(null, provenBytes(as, owner, nonce), this.#privateKey);
      return { kind: 'signed', signature };
    }
    if (this.#registering.size > 0) return { kind: 'not_yet', why: 'it is being registered' };
    return { kind: 'not_me', why: 'this process is not registered as that instance' };
  }

  /** Waits for registrations on their way, as long as a daemon can be made to wait. */
  async #settled(): Promise<void> {
    if (this.#registering.size === 0 || this.#waiting >= waitingMax) return;
    this.#waiting += 1;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, patienceMs);
    await Promise.race([Promise.all(this.#registering), late.promise]);
    clearTimeout(timer);
    this.#waiting -= 1;
  }
}

function nameOf({ group, name, instanceId }: RegisteredAs): string {
  return `${group}/${name}/${instanceId}`;
}

function readHandover(text: string): { readonly seed: Uint8Array; readonly as: RegisteredAs } {
  try {
    const { seed, ...as } = JSON.parse(text) as RegisteredAs & { readonly seed: string };
    const bytes = fromBase64url(seed);
    if (bytes?.length === keyBytes) return { seed: bytes, as };
  } catch {
    // It is as wrong as one with another key.
  }
  const sentence =
    'handover is not what `disco register` puts into DISCO_IDENTITY: ' +
    'give that variable as it is, or leave handover out';
  throw new DiscoError('INVALID_ARGUMENT', 'CONFIG', sentence);
}

/**
 * The identity check: whoever answers at the address signs a fresh nonce with the key that was
 * registered, or is another process.
 *
 *   no answer, or one that says nothing of who it is ─▶ a failure like others
 *   the signature of the registered key              ─▶ passed
 *   any other answer                                 ─▶ identity_mismatch
 *
 * A path asks over HTTP, none over gRPC. What is signed holds the nonce, this daemon, the instance and
 * its address, so that no answer is good for anything else.
 */
import { status, type ServiceError } from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { base64url, fromBase64url, identityDefinition, provenBytes } from '../base/challenge.ts';
import { isSignedBy } from '../record/signature.ts';
import type { CheckOutcome } from '../registry/check-state.ts';
import type { Check } from '../store/store.ts';
import { callOnce } from './grpc.ts';
import { requestOnce } from './http.ts';
import type { HttpAnswer } from './http.ts';
import type { AskTarget, CheckTarget, ExpectedInstance } from './target.ts';

const nonceBytes = 32;

/** Of trouble that the registered process may have, too. */
const troubledCodes: ReadonlySet<status> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** The signature, or what the run comes to without one. */
type Answer = Uint8Array | CheckOutcome;

/** Asks an expected instance at its address; see `CheckTarget.expected`. */
export const askIdentity: AskTarget = async (target, check, signal) => {
  const { ip, port, expected } = target;
  assert(expected !== undefined, 'who is asked who it is has a key');
  const nonce = randomBytes(nonceBytes);
  const ask = check.path === '' ? askOverGrpc : askOverHttp;
  const answer = await ask(target, expected, nonce, check, signal);
  if (!(answer instanceof Uint8Array)) return answer;
  const key = fromBase64url(expected.key) ?? new Uint8Array();
  const proven = provenBytes({ ...expected, ip, port }, expected.owner, nonce);
  if (isSignedBy(key, proven, answer)) return { hasPassed: true, output: 'proved with its key' };
  return mismatch('it signs with another key, or as another instance');
};

type Ask = (
  target: CheckTarget,
  expected: ExpectedInstance,
  nonce: Uint8Array,
  check: Check,
  signal: AbortSignal,
) => Promise<Answer>;

const askOverGrpc: Ask = async (target, expected, nonce, { tls }, signal) => {
  const { group, name, instanceId, owner } = expected;
  const request = { nonce, owner, group, name, instanceId };
  const method = identityDefinition.Challenge;
  const { error, answer } = await callOnce(target, tls, method, request, signal);
  if (error === null) return answer?.signature ?? new Uint8Array();
  if (isNoGrpc(error)) return mismatch('it does not speak gRPC');
  const said = `${status[error.code]}: ${error.details}`;
  return troubledCodes.has(error.code) ? { hasPassed: false, output: said } : mismatch(said);
};

const askOverHttp: Ask = async (target, expected, nonce, { path, tls }, signal) => {
  const { group, name, instanceId, owner } = expected;
  const instance = `${group}/${name}/${instanceId}`;
  const query = new URLSearchParams({ nonce: base64url(nonce), owner, instance });
  const asked = `${path}${path.includes('?') ? '&' : '?'}${query.toString()}`;
  try {
    const answer = await requestOnce(target, { path: asked, method: 'GET', tls }, signal);
    return signatureIn(answer) ?? refusalOf(answer, path);
  } catch (error) {
    if (signal.aborted || !isNoHttp(error)) throw error;
    return mismatch('it does not speak HTTP');
  }
};

function signatureIn({ status, body }: HttpAnswer): Uint8Array | undefined {
  if (status !== 200) return undefined;
  try {
    const { signature } = JSON.parse(body) as { readonly signature?: unknown };
    return typeof signature === 'string' ? fromBase64url(signature) : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf({ status, said, body }: HttpAnswer, path: string): CheckOutcome {
  const output = body === '' ? said : `${said}: ${body}`;
  const isTroubled = status >= 500 || status === 408 || status === 429;
  return isTroubled ? { hasPassed: false, output } : mismatch(`${path} answers ${output}`);
}

/** Something answered, in another language; a message that only breaks off is a failure like others. */
function isNoHttp(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE';
}

/** The same for gRPC, whose library has words alone for it. */
function isNoGrpc({ code, details }: ServiceError): boolean {
  return code === status.UNAVAILABLE && details.includes('Last error: Protocol error');
}

function mismatch(why: string): CheckOutcome {
  const reason = 'identity_mismatch';
  const output = `${reason}: no proof that this is the process that was registered: ${why}`;
  return { hasPassed: false, reason, output };
}

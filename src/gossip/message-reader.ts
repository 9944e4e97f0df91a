/**
 * What decoded messages say, checked: the half of message.ts that trusts nobody.
 *
 * Sizes and ranges are checked here, and that what must be there is; signatures further on.
 */
import type { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import type { Sealed } from '../record/head.ts';
import { ownerFromKey, publicKeyBytes } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Delta, Frame, Rumor } from './frame.ts';
import { readVersions } from './version.ts';

/** Characters of what a peer tells people when it refuses a link; it goes to the log. */
const sentenceCharsMax = 1_000;

/** Accusations in one rumor: each costs two signatures to check, before anything is known of it. */
export const rumorAccusationsMax = 64;

/** An element's name in a difference. */
const nameBytes = 8;
const noBytes = new Uint8Array(0);

/** What a decoded frame says; undefined when it cannot be read as any. */
export function frameFromWire(message: disco.gossip.v1.Frame): Frame | undefined {
  const { hello, refusal, digest, delta, rumor, check, bye, neighbor } = message;
  const { token, accusation, dismissal, same } = message;
  // What a node in sync says most comes first.
  if (digest != null) return readSealedAs('digest', digest);
  if (same != null) return { kind: 'same' };
  if (delta != null) return readDelta(delta);
  if (hello != null) return readHello(hello);
  if (refusal != null) {
    const { reason = '', sentence = '' } = refusal;
    const isLong = (text: string | null): boolean => (text ?? '').length > sentenceCharsMax;
    if (isLong(reason) || isLong(sentence)) return undefined;
    return { kind: 'refusal', reason: reason ?? '', sentence: sentence ?? '' };
  }
  if (rumor != null) {
    const read = readRumor(rumor);
    return read && { kind: 'rumor', rumor: read };
  }
  if (check != null) {
    const owner = readOwner(check.owner);
    if (owner === undefined) return undefined;
    return { kind: 'check', owner, incarnation: safeInteger(check.incarnation ?? 0) };
  }
  if (bye != null) return { kind: 'bye', reason: bye.reason ?? '' };
  if (neighbor != null) return { kind: 'neighbor', wanted: neighbor.wanted ?? false };
  if (token != null) return readSealedAs('token', token);
  if (accusation != null) return readSealedAs('accusation', accusation);
  if (dismissal != null) return readSealedAs('dismissal', dismissal);
  return readProbe(message) ?? readExchange(message);
}

function readProbe({ ping, pong, askVouch, vouch }: disco.gossip.v1.Frame): Frame | undefined {
  if (ping != null) return { kind: 'ping', nonce: ping.nonce ?? 0 };
  if (pong != null) return { kind: 'pong', nonce: pong.nonce ?? 0 };
  const asked = askVouch ?? vouch;
  const subject = readOwner(asked?.subject);
  if (asked == null || subject === undefined) return undefined;
  return { kind: askVouch == null ? 'vouch' : 'askVouch', subject, nonce: asked.nonce ?? 0 };
}

function readExchange(message: disco.gossip.v1.Frame): Frame | undefined {
  const { moreSymbols, symbols, difference, beyond, pull, page, busy, want, done } = message;
  if (moreSymbols != null) {
    const { exchange, estimator } = moreSymbols;
    return { kind: 'moreSymbols', exchange: exchange ?? 0, estimator: estimator ?? noBytes };
  }
  if (symbols != null) {
    const { exchange, first, symbols: bytes } = symbols;
    const plain = { exchange: exchange ?? 0, first: first ?? 0, symbols: bytes ?? noBytes };
    return { kind: 'symbols', ...plain };
  }
  if (difference != null) {
    const { exchange, want: names } = difference;
    const have = readVersions(difference.have ?? noBytes);
    if (have === undefined || (names ?? noBytes).length % nameBytes !== 0) return undefined;
    return { kind: 'difference', exchange: exchange ?? 0, want: names ?? noBytes, have };
  }
  if (pull != null) return readPull(pull);
  if (page != null) return readPage(page);
  if (want != null) {
    const owners = readVersions(want.owners ?? noBytes);
    return owners && { kind: 'want', exchange: want.exchange ?? 0, owners };
  }
  if (done != null) return { kind: 'done', exchange: done.exchange ?? 0, more: done.more ?? false };
  if (beyond != null) return { kind: 'beyond', exchange: beyond.exchange ?? 0 };
  if (busy != null) return { kind: 'busy', exchange: busy.exchange ?? 0 };
  return undefined;
}

function readPull(pull: disco.gossip.v1.Pull.$Properties): Frame | undefined {
  const held = readVersions(pull.held ?? noBytes);
  const [after, until] = [readOwner(pull.after), readOwner(pull.until)];
  const isBad = isNoKey(pull.after) || isNoKey(pull.until);
  if (held === undefined || isBad) return undefined;
  return { kind: 'pull', exchange: pull.exchange ?? 0, after, until, held };
}

function readPage(page: disco.gossip.v1.Page.$Properties): Frame | undefined {
  const want = readVersions(page.want ?? noBytes);
  const { exchange, packed } = page;
  if (want === undefined || isNoKey(page.next)) return undefined;
  const next = readOwner(page.next);
  return { kind: 'page', exchange: exchange ?? 0, packed: packed ?? noBytes, next, want };
}

function readHello(hello: disco.gossip.v1.Hello.$Properties): Frame | undefined {
  const head = readSealed(hello.head);
  if (head === undefined) return undefined;
  return {
    kind: 'hello',
    cluster: hello.cluster ?? '',
    protocolMin: hello.protocolMin ?? 0,
    protocolMax: hello.protocolMax ?? 0,
    time: safeInteger(hello.time ?? 0),
    head,
    thoughtDead: hello.thoughtDead ?? false,
  };
}

/** Undefined: it names no head. */
export function readDelta(delta: disco.gossip.v1.Delta.$Properties): Delta | undefined {
  const head = readSealed(delta.head);
  if (head === undefined) return undefined;
  return {
    kind: 'delta',
    head,
    whole: delta.whole ?? false,
    records: delta.records ?? [],
    more: delta.more ?? false,
  };
}

/** Undefined: it has neither a head nor accusations, or more than it may. */
export function readRumor(rumor: disco.gossip.v1.Rumor.$Properties): Rumor | undefined {
  const head = readSealed(rumor.head);
  const accusations = (rumor.accusations ?? []).map(readSealed);
  const records = rumor.records ?? [];
  if (accusations.length > rumorAccusationsMax || accusations.includes(undefined)) return undefined;
  // Without a head there is nothing that could vouch for records.
  const isAlone = rumor.head == null && accusations.length > 0 && records.length === 0;
  if (head === undefined && !isAlone) return undefined;
  const previous = safeInteger(rumor.previous ?? 0);
  const plain = { head, previous, records };
  return accusations.length === 0 ? plain : { ...plain, accusations: accusations as Sealed[] };
}

function readSealedAs(
  kind: 'digest' | 'token' | 'accusation' | 'dismissal',
  message: disco.gossip.v1.Sealed.$Properties,
): Frame | undefined {
  const sealed = readSealed(message);
  return sealed && { kind, sealed };
}

function readSealed(
  sealed: disco.gossip.v1.Sealed.$Properties | null | undefined,
): Sealed | undefined {
  if (sealed?.body == null || sealed.signature == null) return undefined;
  return { body: sealed.body, signature: sealed.signature };
}

function readOwner(key: Uint8Array | null | undefined): OwnerId | undefined {
  return key?.length === publicKeyBytes ? ownerFromKey(key) : undefined;
}

/** Neither empty, which says that there is none, nor a key. */
function isNoKey(key: Uint8Array | null | undefined): boolean {
  return key != null && key.length !== 0 && key.length !== publicKeyBytes;
}

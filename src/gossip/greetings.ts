/**
 * Greetings: whether the other end of each link was greeted as it is now.
 *
 *   this end ── hello ──▶ ◀── hello ── other end        each says one, and hears one
 *                         ◀── hello ── again: it does not know this end, and waits for an answer
 *
 * A transport knows a peer by its key alone, and an end lasts until it hears that the other is gone.
 * When packets were lost, only one end may have given up the connection: whoever dials again then
 * has a new link, where the other has its old one still. So a hello that comes on top is answered.
 * When its boot id is another, its process is another, too: it was started again, or two run with
 * one key.
 *
 * Two that mistake each other's answers for questions would go on for ever, so few are given.
 */
import { CellRate } from '../base/cell-rate.ts';
import { readHead } from '../record/head.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';
import { helloTo } from './hello.ts';
import { encodeFrame } from './message.ts';

/** Answers to a process that was greeted: at once, and one a minute in the long run. */
const answersAtOnceMax = 4;
const answersPerSecond = 1 / 60;
const ratedPeersMax = 1_000;

interface Greeted {
  bootId: string | undefined;
  /** Hellos said less those heard; below 0 the other end waits for one. */
  ahead: number;
}

export class Greetings {
  readonly #context: GossipContext;
  readonly #links = new Map<OwnerId, Greeted>();
  readonly #answers = new CellRate<OwnerId>({
    burst: answersAtOnceMax,
    perSecond: answersPerSecond,
    keysMax: ratedPeersMax,
  });

  constructor(context: GossipContext) {
    this.#context = context;
  }

  /** Says hello; a node that has no head of its own yet says nothing. */
  greet(peer: OwnerId): void {
    const hello = helloTo(peer, this.#context);
    if (hello === undefined) return;
    this.#link(peer).ahead += 1;
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(hello) });
  }

  /** A hello came. @returns whether the other end has yet to be greeted, and is to be, now */
  isOwed(peer: OwnerId, sealed: Sealed): boolean {
    const { monoMs } = this.#context.now;
    const link = this.#link(peer);
    const before = link.bootId;
    link.bootId = bootIdOf(peer, sealed, this.#context.identity.cluster) ?? before;
    link.ahead -= 1;
    const isAnother = before !== undefined && link.bootId !== before;
    if (!isAnother && (link.ahead >= 0 || !this.#answers.has(peer, monoMs))) return false;
    if (!isAnother) this.#answers.take(peer, monoMs);
    // Whatever was said before, it was not said to that end.
    link.ahead = -1;
    return true;
  }

  /** The link begins or ends. */
  forget(peer: OwnerId): void {
    this.#links.delete(peer);
  }

  #link(peer: OwnerId): Greeted {
    const known = this.#links.get(peer);
    if (known !== undefined) return known;
    const fresh: Greeted = { bootId: undefined, ahead: 0 };
    this.#links.set(peer, fresh);
    return fresh;
  }
}

/** Undefined: that is no head of this peer. */
function bootIdOf(peer: OwnerId, sealed: Sealed, cluster: string): string | undefined {
  const times = { earliest: 0, latest: Number.MAX_SAFE_INTEGER };
  const read = readHead(sealed, { cluster, headBytesMax: sealed.body.length, ...times });
  return read.kind === 'refused' || read.value.head.owner !== peer
    ? undefined
    : read.value.head.bootId;
}

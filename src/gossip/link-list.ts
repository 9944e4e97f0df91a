/**
 * LinkList: the links that are there, and for how long each is to last.
 *
 *   linked ──hello──▶ greeted ─ wanted by neither end for `idleMs`, or no room ─▶ bye, hung up
 *
 * A link is one thing with two ends: each tells the other whether it wants it.
 */
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';

/** A link that neither end wants is ended after so long. */
const idleMs = 10_000;
/** So long it may take until broadcasts are passed on over a new link: a few of their heartbeats. */
const youngMs = 3_000;

interface Link {
  /** When its hello was accepted, monotonic ms; undefined: it was not yet. */
  greetedAtMs: number | undefined;
  /** Either end said goodbye: its loss says nothing. */
  isEnding: boolean;
  /** What the other end was told last. */
  told: boolean | undefined;
  /** What the other end said last. */
  heard: boolean | undefined;
  /** Since when neither end wants it, monotonic ms. */
  idleSinceMs: number | undefined;
}

export class LinkList {
  readonly #context: GossipContext;
  readonly #links = new Map<OwnerId, Link>();
  /** Undefined when it has to be found anew: it is asked for more often than links change. */
  #greeted: readonly OwnerId[] | undefined;
  #youngUntilMs = -Infinity;

  constructor(context: GossipContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Peers that were greeted, and with whom the link is to last: those to talk to. */
  get greeted(): readonly OwnerId[] {
    this.#greeted ??= [...this.#links].flatMap(([peer, { greetedAtMs, isEnding }]) =>
      greetedAtMs !== undefined && !isEnding ? peer : [],
    );
    return this.#greeted;
  }

  /** Those of them that were greeted a moment ago. */
  get young(): readonly OwnerId[] {
    const { monoMs } = this.#context.now;
    // Asked with each rumor.
    if (monoMs >= this.#youngUntilMs) return [];
    const isYoung = ({ greetedAtMs = -Infinity }: Link): boolean => monoMs < greetedAtMs + youngMs;
    return this.greeted.filter((peer) => isYoung(this.#at(peer)));
  }

  has(peer: OwnerId): boolean {
    return this.#links.has(peer);
  }

  isGreeted(peer: OwnerId): boolean {
    return this.#links.get(peer)?.greetedAtMs !== undefined;
  }

  isEnding(peer: OwnerId): boolean {
    return this.#links.get(peer)?.isEnding === true;
  }

  /** A connection is there, or another one in place of an older. */
  open(peer: OwnerId): void {
    const nothing = { told: undefined, heard: undefined, idleSinceMs: undefined };
    this.#links.set(peer, { greetedAtMs: undefined, isEnding: false, ...nothing });
    this.#greeted = undefined;
  }

  /** @returns whether there was a link with that peer */
  greet(peer: OwnerId): boolean {
    const link = this.#links.get(peer);
    if (link === undefined) return false;
    link.greetedAtMs = this.#context.now.monoMs;
    this.#youngUntilMs = link.greetedAtMs + youngMs;
    this.#greeted = undefined;
    return true;
  }

  /** The other end says whether it wants this link. */
  heard(peer: OwnerId, wanted: boolean): void {
    const link = this.#links.get(peer);
    if (link !== undefined) link.heard = wanted;
  }

  /** Its end will say nothing about anybody's life. @returns whether there is such a link */
  expectEnd(peer: OwnerId): boolean {
    const link = this.#links.get(peer);
    if (link === undefined) return false;
    this.#letEnd(link);
    return true;
  }

  /** The connection is gone. @returns whether a peer was lost with it, that should be there */
  close(peer: OwnerId): boolean {
    const link = this.#links.get(peer);
    this.#links.delete(peer);
    this.#greeted = undefined;
    // A connection over which nothing was ever said may be a dial that the other gave up.
    return link !== undefined && !link.isEnding && link.greetedAtMs !== undefined;
  }

  /** Tells the other ends what they do not know: whether this node wants their links. */
  tellViews(wanted: ReadonlySet<OwnerId>): void {
    for (const [peer, link] of this.#links) {
      const isWanted = wanted.has(peer);
      if (link.greetedAtMs === undefined || link.isEnding || link.told === isWanted) continue;
      link.told = isWanted;
      const bytes = encodeFrame({ kind: 'neighbor', wanted: isWanted });
      this.#context.emit({ kind: 'send', peer, bytes });
    }
  }

  /** Ends the links that neither end has wanted for long enough. */
  endIdle(wanted: ReadonlySet<OwnerId>): void {
    const { monoMs } = this.#context.now;
    for (const [peer, link] of this.#links) {
      const isWanted = wanted.has(peer) || link.heard === true;
      if (isWanted || link.isEnding) link.idleSinceMs = undefined;
      else link.idleSinceMs ??= monoMs;
      if (link.idleSinceMs !== undefined && monoMs - link.idleSinceMs >= idleMs)
        this.#end(peer, link, 'not a neighbor');
    }
  }

  /** Over the bound a link goes that the other end does not want either, else the newcomer. */
  makeRoom(newcomer: OwnerId, wanted: ReadonlySet<OwnerId>): void {
    const beyond = this.greeted.filter((peer) => !wanted.has(peer));
    if (beyond.length <= 2 * this.#context.config.neighborsK) return;
    const peer = beyond.find((other) => this.#links.get(other)?.heard === false) ?? newcomer;
    this.#end(peer, this.#at(peer), 'no room for more links here');
  }

  #end(peer: OwnerId, link: Link, reason: string): void {
    const bytes = encodeFrame({ kind: 'bye', reason });
    this.#context.emit({ kind: 'send', peer, bytes });
    this.#context.emit({ kind: 'hangUp', peer });
    this.#letEnd(link);
  }

  /** A link that there is. */
  #at(peer: OwnerId): Link {
    return this.#links.get(peer) as Link;
  }

  #letEnd(link: Link): void {
    link.isEnding = true;
    this.#greeted = undefined;
  }
}

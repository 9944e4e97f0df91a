/**
 * SimNetwork: the transport contract on virtual time, with everything that networks do.
 *
 *   process ── SimTransport ──┬── frames ────▶ Link (TCP) ──▶ SimTransport ── process
 *                             └── rumors ─ Mesh (gossipsub) ─▶ the same Link
 *
 * Frames are copied, delayed and retransmitted, never lost by an open link. Rumors are lost,
 * doubled and overtaken hop by hop. A cut stalls or breaks the links that cross it, by chance, and
 * lets no dial through; where it cuts one direction alone, the other still carries what TCP sends
 * without an answer. A process that dies closes its links at once, and its address refuses.
 */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';
import { Link } from './link.ts';
import type { LinkConditions } from './link.ts';
import type { MeshOptions } from './mesh.ts';
import type { NodeProcess } from './node-process.ts';
import { SimTransport } from './sim-transport.ts';

export interface NetworkOptions {
  /** One-way mean, ms, and the share by which it varies, uniformly. */
  readonly latencyMs: number;
  readonly latencyJitter: number;
  /** Shares of packets and rumors, 0 to 1. */
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly mesh: MeshOptions;
}

/** Whether nothing gets from the one place to the other. Places are numbers of nodes. */
export type Cut = (from: number, to: number) => boolean;

/** Time after which the kernel or a middlebox notices that a path is gone. */
const detectionMsMax = 5_000;
/** A connection on which nothing gets through for so long is given up. */
const stallMsMax = 60_000;

export class SimNetwork implements LinkConditions {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: NetworkOptions;
  readonly #listening = new Map<string, SimTransport>();
  readonly #links = new Set<Link>();
  readonly #ends = new Map<Link, readonly [SimTransport, SimTransport]>();
  readonly #cuts = new Set<Cut>();
  /** What happened to connections, by name. */
  readonly events = new Map<string, number>([
    ['a link broke under a cut', 0],
    ['a silent link went on after a cut', 0],
    ['a packet was sent too often and its link broke', 0],
  ]);
  #joined = 0;

  constructor(clock: Clock, random: Random, options: NetworkOptions) {
    this.clock = clock;
    this.random = random;
    this.options = options;
  }

  get loss(): number {
    return this.options.loss;
  }

  delayMs(): number {
    const { latencyMs, latencyJitter } = this.options;
    return this.random.jitter(latencyMs, latencyJitter);
  }

  /** @param place number of the node: cuts are told by places, and two processes may share one */
  join(self: OwnerId, address: string, place: number, process: NodeProcess): SimTransport {
    return new SimTransport(this, { self, address, place, process, index: this.#joined++ });
  }

  at(address: string): SimTransport | undefined {
    return this.#listening.get(address);
  }

  listen(address: string, transport: SimTransport): void {
    this.#listening.set(address, transport);
  }

  unlisten(address: string, transport: SimTransport): void {
    if (this.#listening.get(address) === transport) this.#listening.delete(address);
  }

  /** A new connection; both ends are told by their transports. */
  connect(dialer: SimTransport, listener: SimTransport): Link {
    const link = new Link(this.clock, this.random, this, (broken) => this.#broke(broken));
    this.#links.add(link);
    this.#ends.set(link, [dialer, listener]);
    return link;
  }

  isCut(from: number, to: number): boolean {
    for (const cut of this.#cuts) if (cut(from, to)) return true;
    return false;
  }

  /** @returns what heals it */
  cut(cut: Cut): () => void {
    this.#cuts.add(cut);
    for (const link of this.#crossing()) this.#strike(link);
    return () => {
      this.#cuts.delete(cut);
      for (const link of this.#links) {
        const [a, b] = this.#ends.get(link) as [SimTransport, SimTransport];
        if (!link.isStalled || this.isCut(a.place, b.place) || this.isCut(b.place, a.place))
          continue;
        this.#note('a silent link went on after a cut');
        link.resume();
      }
    };
  }

  /** Breaks each link with that probability, as routers that lose their tables do. */
  breakLinks(share: number): void {
    for (const link of this.#links) if (this.random.next() < share) link.break();
  }

  #crossing(): Link[] {
    return [...this.#links].filter((link) => {
      const [a, b] = this.#ends.get(link) as [SimTransport, SimTransport];
      return this.isCut(a.place, b.place) || this.isCut(b.place, a.place);
    });
  }

  /** Half of the links are found broken soon; the others are silent until TCP gives them up. */
  #strike(link: Link): void {
    const [a, b] = this.#ends.get(link) as [SimTransport, SimTransport];
    const [isThereCut, isBackCut] = [this.isCut(a.place, b.place), this.isCut(b.place, a.place)];
    const [there, back] = link.lanes;
    const wasStalled = link.isStalled;
    link.stall(isThereCut && isBackCut ? undefined : isThereCut ? back : there);
    if (wasStalled) return;
    const isNoticed = this.random.next() < 0.5;
    const waitMs = isNoticed ? this.random.next() * detectionMsMax : stallMsMax;
    this.clock.schedule(waitMs, () => {
      if (!link.isOpen || !(link.isStalled || isNoticed)) return;
      this.#note('a link broke under a cut');
      link.break();
    });
  }

  #broke(link: Link): void {
    const ends = this.#ends.get(link);
    if (link.isExhausted) this.#note('a packet was sent too often and its link broke');
    this.#links.delete(link);
    this.#ends.delete(link);
    if (ends === undefined) return;
    ends[0].lost(link);
    ends[1].lost(link);
  }

  #note(event: string): void {
    this.events.set(event, (this.events.get(event) ?? 0) + 1);
  }
}

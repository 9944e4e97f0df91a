/**
 * Link: one TCP connection between two simulated processes.
 *
 *   open ──▶ stalled (nothing gets through, both ends believe in it) ──▶ open again, or broken
 *              └ one way: what the cut leaves open still carries a window, since no ACK comes back
 *     └────▶ closing (FIN on its way) ──▶ closed
 *
 * Frames of one direction arrive whole, in order, each once. A lost packet shows as a delay: it is
 * sent again after 200 ms, then after twice as long, and so on; a connection on which nothing gets
 * through for too long breaks. What was under way on a broken one is lost.
 */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

/** Tries after which a connection is given up, 200 ms x (2^6 - 1) = 13 s after the first. */
const retransmissionsMax = 6;
const retransmitMs = 200;
/** After a stall TCP tries again within its last backoff, at most this. */
const resumeMsMax = 10_000;
/** What TCP sends without hearing that any of it came: 10 segments (RFC 6928). */
export const windowBytesMax = 14_600;
/** Unread bytes of one direction; what comes on top is refused. */
export const queuedBytesMax = 16 * 1024 * 1024;

export interface LinkConditions {
  /** One way, ms. */
  delayMs(): number;
  readonly loss: number;
}

interface Parcel {
  readonly order: number;
  readonly bytes: number;
  readonly deliver: () => void;
  readonly isSpared: boolean;
}

/** One direction. */
export class Lane {
  /** Bytes that were sent and not read yet. */
  queuedBytes = 0;
  /** What the reader takes in a second; Infinity: everything at once. */
  bytesPerSecond = Infinity;
  bytesMax = queuedBytesMax;
  lastArrivalMs = 0;
  readyMs = 0;
  sent = 0;
  arrived = 0;
  /** Of a stalled link: bytes that still get through in this direction. */
  windowBytes = 0;
  readonly stalled: Parcel[] = [];
  /** Behind one that is sent again. */
  readonly early = new Map<number, Parcel>();
}

export class Link {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #conditions: LinkConditions;
  /** Tells both ends that it is over, at once. */
  readonly #broke: (link: Link) => void;
  isOpen = true;
  /** A packet was sent again too often. */
  isExhausted = false;
  #stalledAtMs: number | undefined;

  constructor(
    clock: Clock,
    random: Random,
    conditions: LinkConditions,
    broke: (link: Link) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#conditions = conditions;
    this.#broke = broke;
  }

  get isStalled(): boolean {
    return this.#stalledAtMs !== undefined;
  }

  /**
   * @param isSpared no packet of it gets lost: its sender has thrown that die already
   * @returns false when the reader is so far behind that it was dropped
   */
  send(lane: Lane, bytes: number, deliver: () => void, isSpared = false): boolean {
    if (!this.isOpen || lane.queuedBytes + bytes > lane.bytesMax) return false;
    lane.queuedBytes += bytes;
    this.#transmit(lane, { order: lane.sent++, bytes, deliver, isSpared });
    return true;
  }

  /**
   * From now on nothing gets through; of a link that is stalled already, even less.
   *
   * @param open a direction in which a window of bytes still does
   */
  stall(open?: Lane): void {
    for (const lane of this.lanes) {
      const leftBytes = this.isStalled ? lane.windowBytes : windowBytesMax;
      lane.windowBytes = lane === open ? leftBytes : 0;
    }
    this.#stalledAtMs ??= this.#clock.now().monoMs;
  }

  /** The network is whole again: TCP goes on where it was, after its backoff. */
  resume(): void {
    if (this.#stalledAtMs === undefined) return;
    const stalledMs = this.#clock.now().monoMs - this.#stalledAtMs;
    const backoffMs = this.#random.next() * Math.min(resumeMsMax, stalledMs);
    const stalledAtMs = this.#stalledAtMs;
    this.#clock.schedule(backoffMs, () => {
      if (this.#stalledAtMs === stalledAtMs) this.#goOn();
    });
  }

  /** Lanes of both directions, to be set by the owner of the link. */
  readonly lanes: readonly [Lane, Lane] = [new Lane(), new Lane()];

  break(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#broke(this);
  }

  #goOn(): void {
    this.#stalledAtMs = undefined;
    for (const lane of this.lanes) {
      const parcels = lane.stalled.splice(0).sort((a, b) => a.order - b.order);
      for (const parcel of parcels) this.#transmit(lane, parcel);
    }
  }

  #transmit(lane: Lane, parcel: Parcel): void {
    if (this.isStalled && lane.windowBytes === 0) {
      lane.stalled.push(parcel);
      return;
    }
    const nowMs = this.#clock.now().monoMs;
    const waitMs = parcel.isSpared ? 0 : this.#retransmissionsMs();
    if (waitMs === undefined) {
      this.isExhausted = true;
      this.#clock.schedule(retransmitMs * 2 ** retransmissionsMax, () => this.break());
      return;
    }
    lane.readyMs = Math.max(lane.readyMs, nowMs) + (parcel.bytes * 1_000) / lane.bytesPerSecond;
    const arrivalMs = lane.readyMs + waitMs + this.#conditions.delayMs();
    lane.lastArrivalMs = Math.max(lane.lastArrivalMs, arrivalMs);
    this.#clock.schedule(lane.lastArrivalMs - nowMs, () => this.#arrive(lane, parcel));
  }

  #arrive(lane: Lane, parcel: Parcel): void {
    if (!this.isOpen) return;
    if (this.isStalled && !passesWindow(lane, parcel)) {
      lane.stalled.push(parcel);
      return;
    }
    lane.early.set(parcel.order, parcel);
    for (let next; this.isOpen && (next = lane.early.get(lane.arrived)) !== undefined;) {
      lane.early.delete(lane.arrived++);
      next.deliver();
    }
  }

  /** ms lost to packets that were sent again; undefined when that was too often. */
  #retransmissionsMs(): number | undefined {
    const { loss } = this.#conditions;
    let waitMs = 0;
    if (loss === 0) return waitMs;
    for (let tries = 0; this.#random.next() < loss; tries++) {
      if (tries === retransmissionsMax) return undefined;
      waitMs += retransmitMs * 2 ** tries;
    }
    return waitMs;
  }
}

/** What does not fit the window closes it: nothing overtakes it. */
function passesWindow(lane: Lane, { bytes }: Parcel): boolean {
  const isOpen = lane.windowBytes > 0 && bytes <= lane.windowBytes;
  lane.windowBytes = isOpen ? lane.windowBytes - bytes : 0;
  return isOpen;
}

/**
 * The constants and formulas of SWIM as memberlist has it, with or without Lifeguard.
 *
 * Sources: Das, Gupta, Motivala, "SWIM", DSN 2002; Dadgar, Phillips, Currey, "Lifeguard", DSN 2018
 * (arXiv 1707.00788) §IV; memberlist's documented defaults for a LAN.
 */

export interface SwimOptions {
  readonly probeIntervalMs: number;
  /** How long an answer to a direct ping is waited for. */
  readonly probeTimeoutMs: number;
  /** Local health stretches the timeout as it does the interval. */
  readonly isTimeoutScaled: boolean;
  /** Share of the timeout after which a relay that heard nothing says so. */
  readonly nackShare: number;
  /** How many others are asked to ping a node that did not answer. */
  readonly indirectChecks: number;
  readonly gossipIntervalMs: number;
  readonly gossipNodes: number;
  /** For how long the dead are still told of things, their own death among them. */
  readonly gossipToTheDeadMs: number;
  readonly retransmitMult: number;
  /** The paper's alpha. */
  readonly suspicionMult: number;
  /** The paper's beta: how much longer a suspicion lasts that nobody confirms. */
  readonly suspicionMaxTimeoutMult: number;
  /** The score of local health stays below it. */
  readonly awarenessMax: number;
  /** Up to 32 nodes; more of them wait longer. */
  readonly pushPullIntervalMs: number;
  readonly tcpTimeoutMs: number;
  /** Payload of a packet. */
  readonly packetBytesMax: number;
  /** Lifeguard's three parts. */
  readonly lhaProbe: boolean;
  readonly lhaSuspicion: boolean;
  readonly buddySystem: boolean;
}

const lan = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  isTimeoutScaled: true,
  nackShare: 0.8,
  indirectChecks: 3,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  retransmitMult: 4,
  suspicionMult: 5,
  suspicionMaxTimeoutMult: 6,
  awarenessMax: 9,
  pushPullIntervalMs: 30_000,
  tcpTimeoutMs: 10_000,
  packetBytesMax: 1_400,
};
/** Where the code that is shipped differs from the paper: 8 s at most, and later nacks. */
const shipped = { suspicionMult: 4, isTimeoutScaled: false, nackShare: 1, awarenessMax: 8 };
const none = { lhaProbe: false, lhaSuspicion: false, buddySystem: false };
const all = { lhaProbe: true, lhaSuspicion: true, buddySystem: true };

/** The configurations of the paper (§IV), with alpha 5 and beta 6, and what memberlist ships. */
export const configurations = {
  swim: { ...lan, ...none },
  'lha-probe': { ...lan, ...none, lhaProbe: true },
  'lha-suspicion': { ...lan, ...none, lhaSuspicion: true },
  'buddy-system': { ...lan, ...none, buddySystem: true },
  lifeguard: { ...lan, ...all },
  memberlist: { ...lan, ...all, ...shipped },
} as const satisfies Readonly<Record<string, SwimOptions>>;

export type Configuration = keyof typeof configurations;

/** Above so many nodes the full exchange becomes rarer. */
const pushPullNodes = 32;

/** The shortest time for which a node is suspected before it is called dead, ms. */
export function suspicionMs(mult: number, nodes: number, probeIntervalMs: number): number {
  const scale = Math.max(1, Math.log10(Math.max(1, nodes)));
  return (mult * Math.trunc(scale * 1_000) * probeIntervalMs) / 1_000;
}

/** How often each rumor is sent on by one node. */
export function retransmitLimit(mult: number, nodes: number): number {
  return mult * Math.ceil(Math.log10(nodes + 1));
}

/** Between two full exchanges that one node begins, ms. */
export function pushPullMs(intervalMs: number, nodes: number): number {
  if (nodes <= pushPullNodes) return intervalMs;
  return (Math.ceil(Math.log2(nodes) - Math.log2(pushPullNodes)) + 1) * intervalMs;
}

/**
 * One suspicion: how long it lasts, the shorter the more others have it, too.
 *
 * With k expected confirmations it starts at `maxMs` and reaches `minMs` at the k-th:
 * max(min, max - (max - min) * log(c + 1) / log(k + 1)). With none expected it lasts `minMs`.
 */
export class Suspicion {
  readonly startMs: number;
  readonly #k: number;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #from: Set<number>;
  #confirmations = 0;

  /** @param from who suspects; the same one confirms nothing */
  constructor(from: number, k: number, minMs: number, maxMs: number, startMs: number) {
    this.#k = k;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.startMs = startMs;
    this.#from = new Set([from]);
  }

  get confirmations(): number {
    return this.#confirmations;
  }

  /** When it ends in death, unless it is refuted; may be past. */
  get dueMs(): number {
    if (this.#k < 1) return this.startMs + this.#minMs;
    const share = Math.log(this.#confirmations + 1) / Math.log(this.#k + 1);
    const lastsMs = Math.floor(this.#maxMs - share * (this.#maxMs - this.#minMs));
    return this.startMs + Math.max(this.#minMs, lastsMs);
  }

  /** @returns whether that is news, to be told on */
  confirm(from: number): boolean {
    if (this.#confirmations >= this.#k || this.#from.has(from)) return false;
    this.#from.add(from);
    this.#confirmations += 1;
    return true;
  }
}

/** Lifeguard's local health: 0 is well, and every timeout is stretched by the score and one. */
export class Awareness {
  readonly #max: number;
  #score = 0;

  /** @param max the score stays below it; 1 for none of this */
  constructor(max: number) {
    this.#max = max;
  }

  get score(): number {
    return this.#score;
  }

  apply(delta: number): void {
    this.#score = Math.min(this.#max - 1, Math.max(0, this.#score + delta));
  }

  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}

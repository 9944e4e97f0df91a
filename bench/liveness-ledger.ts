/**
 * What every node of a cluster saw of every other one, on the monotonic clock that all processes
 * of a host share.
 *
 * A sighting is a change: while an observer shows a subject, being told so again is none. Each
 * observer's come in the order of their times; those of two observers may come in any order, as
 * they are told in batches.
 */
export type SightingKind = 'shown' | 'hidden' | 'suspected';

export interface Sighting {
  readonly kind: SightingKind;
  readonly observer: number;
  readonly subject: number;
  readonly atMs: number;
}

/** When who need not show whom. */
export interface Excuse {
  readonly fromMs: number;
  toMs: number;
  readonly covers: (observer: number, subject: number) => boolean;
}

/** What should not have happened, and what only nearly did. */
export interface Slips {
  /** Times that an observer hid a subject which lived and which it could reach. */
  readonly falseDeaths: number;
  /** Subjects that this happened to. */
  readonly wronged: number;
  /** For how long, over all pairs; those still hidden are counted up to the end. */
  readonly wronglyHiddenMs: number;
  readonly suspicions: number;
}

const sightingsMax = 1_000_000;

export class Ledger {
  readonly nodes: number;
  readonly sightings: Sighting[] = [];
  /** By observer and subject. */
  readonly #shown: boolean[][];
  readonly #listeners = new Set<() => void>();

  constructor(nodes: number) {
    this.nodes = nodes;
    this.#shown = Array.from({ length: nodes }, () => Array.from({ length: nodes }, () => false));
  }

  /** @throws Error beyond a million: then something flaps without end */
  note(sighting: Sighting): void {
    const { kind, observer, subject } = sighting;
    if (observer === subject || !this.#isNode(observer) || !this.#isNode(subject)) return;
    const row = this.#shown[observer] as boolean[];
    if (kind !== 'suspected') {
      if (row[subject] === (kind === 'shown')) return;
      row[subject] = kind === 'shown';
    }
    if (this.sightings.length >= sightingsMax) throw new Error('over a million sightings');
    this.sightings.push(sighting);
    for (const listener of this.#listeners) listener();
  }

  /** The observer's process is gone: what it showed is no sighting of anything. */
  forget(observer: number): void {
    this.#shown[observer]?.fill(false);
  }

  shows(observer: number, subject: number): boolean {
    return this.#shown[observer]?.[subject] ?? false;
  }

  /** Each shows each other one. */
  get isComplete(): boolean {
    return this.#shown.every((row, observer) =>
      row.every((shown, subject) => shown || observer === subject),
    );
  }

  /** The first such sighting from then on; Infinity: none. */
  firstMs(kind: SightingKind, observer: number, subject: number, fromMs: number): number {
    let firstMs = Infinity;
    for (let index = this.sightings.length - 1; index >= 0; index--) {
      const each = this.sightings[index] as Sighting;
      // Batches delay what is told by less than this.
      if (each.atMs < fromMs - 10_000) break;
      if (each.kind !== kind || each.observer !== observer || each.subject !== subject) continue;
      if (each.atMs >= fromMs) firstMs = Math.min(firstMs, each.atMs);
    }
    return firstMs;
  }

  /** @returns whether it became true within the time */
  async until(isTrue: () => boolean, withinMs: number): Promise<boolean> {
    if (isTrue()) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = (): void => {
      if (isTrue()) resolve(true);
    };
    const timer = setTimeout(() => resolve(false), withinMs);
    this.#listeners.add(look);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(look);
    }
  }

  /** What went wrong in that time, apart from what is excused when it happens. */
  slips(fromMs: number, toMs: number, excuses: readonly Excuse[] = []): Slips {
    const isExcused = ({ observer, subject, atMs }: Sighting): boolean =>
      excuses.some(
        (excuse) =>
          excuse.fromMs <= atMs && atMs <= excuse.toMs && excuse.covers(observer, subject),
      );
    const hiddenSinceMs = new Map<string, number>();
    const wronged = new Set<number>();
    let falseDeaths = 0;
    let suspicions = 0;
    let wronglyHiddenMs = 0;
    const inOrder = this.sightings
      .filter(({ atMs }) => fromMs <= atMs && atMs <= toMs)
      .toSorted((a, b) => a.atMs - b.atMs);
    for (const sighting of inOrder) {
      const { kind, observer, subject, atMs } = sighting;
      const pair = `${observer} ${subject}`;
      if (kind === 'shown') {
        wronglyHiddenMs += atMs - (hiddenSinceMs.get(pair) ?? atMs);
        hiddenSinceMs.delete(pair);
      } else if (!isExcused(sighting)) {
        if (kind === 'suspected') suspicions++;
        else {
          falseDeaths++;
          wronged.add(subject);
          hiddenSinceMs.set(pair, atMs);
        }
      }
    }
    for (const sinceMs of hiddenSinceMs.values()) wronglyHiddenMs += toMs - sinceMs;
    return { falseDeaths, wronged: wronged.size, wronglyHiddenMs, suspicions };
  }

  #isNode(index: number): boolean {
    return Number.isInteger(index) && index >= 0 && index < this.nodes;
  }
}

/** The kernel's CLOCK_MONOTONIC, which is one for all processes and network namespaces. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

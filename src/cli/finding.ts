/** One answer of `disco doctor`. */

/** wrong: has to be mended; warning: may have to; unknown: could not be looked at. */
export type Verdict = 'ok' | 'warning' | 'wrong' | 'unknown';

export interface Finding {
  /** What was asked: a word for programs. */
  readonly check: string;
  readonly verdict: Verdict;
  /** One sentence for people. */
  readonly what: string;
  /** What to do; empty when there is nothing. */
  readonly mend: string;
}

/** @param mend empty when there is nothing to do */
export function finding(check: string, verdict: Verdict, what: string, mend = ''): Finding {
  return { check, verdict, what, mend };
}

/** `1 seed node`, `2 seed nodes`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

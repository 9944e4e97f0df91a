/**
 * CheckState: what the runs of one check come to.
 *
 *             failures ≥ beforeWarning          failures ≥ beforeCritical
 *   passing ──────────────────────────▶ warning ─────────────────────────▶ critical
 *      ▲                                   │                                  │
 *      └──────── successes ≥ beforePassing ┴──────────────────────────────────┘
 *
 * All counts are of runs in a row, so a failure alone never heals and a success alone never harms:
 * the way up leads to passing at once, the way down is never walked backwards by failing less.
 * Proof that the instance is not who answers is no failure to be counted: it is critical at once.
 */
import type { Health } from '../record/record.ts';
import type { Check } from '../store/store.ts';

/** What checks can find: maintenance is an operator's word. */
export type CheckHealth = Exclude<Health, 'maintenance'>;

export interface CheckState {
  readonly health: CheckHealth;
  /** In a row, the last run included; one of the two is 0. */
  readonly successes: number;
  readonly failures: number;
}

export type CheckLimits = Pick<
  Check,
  'successesBeforePassing' | 'failuresBeforeWarning' | 'failuresBeforeCritical'
>;

/** How one run ended. */
export interface CheckOutcome {
  readonly hasPassed: boolean;
  /** What was answered, or what went wrong: one line, see `checkOutput`. */
  readonly output: string;
  /** Only when it did not pass, and what it found out is certain. */
  readonly reason?: 'identity_mismatch';
}

export interface CheckResult extends CheckOutcome {
  /** When it ended; µs since the epoch. */
  readonly time: number;
  readonly durationMs: number;
}

/** A check and what it found, for those who ask. */
export interface CheckReport {
  readonly check: Check;
  readonly health: CheckHealth;
  /** Newest first, `resultsMax` at most; empty before the first run ended. */
  readonly results: readonly CheckResult[];
}

export const resultsMax = 5;
export const outputCharsMax = 512;
/** How far apart runs drift that began together: a share of the interval. */
const jitterShare = 0.1;

/** @param health what the instance's record tells now; maintenance hides what was found before it */
export function firstState(health: Health): CheckState {
  return { health: health === 'maintenance' ? 'critical' : health, successes: 0, failures: 0 };
}

export function nextState(
  state: CheckState,
  { hasPassed, reason }: Pick<CheckOutcome, 'hasPassed' | 'reason'>,
  limits: CheckLimits,
): CheckState {
  if (hasPassed) {
    const successes = state.successes + 1;
    const isUp = successes >= limits.successesBeforePassing;
    return { health: isUp ? 'passing' : state.health, successes, failures: 0 };
  }
  const failures = state.failures + 1;
  if (reason !== undefined) return { health: 'critical', successes: 0, failures };
  return { health: worse(state.health, afterFailures(failures, limits)), successes: 0, failures };
}

function afterFailures(failures: number, limits: CheckLimits): CheckHealth {
  if (failures >= limits.failuresBeforeCritical) return 'critical';
  return failures >= limits.failuresBeforeWarning ? 'warning' : 'passing';
}

const order: readonly CheckHealth[] = ['passing', 'warning', 'critical'];

function worse(a: CheckHealth, b: CheckHealth): CheckHealth {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

/** The worst of them; passing without any. */
export function worstHealth(states: readonly { readonly health: CheckHealth }[]): CheckHealth {
  return states.reduce<CheckHealth>((worst, { health }) => worse(worst, health), 'passing');
}

/**
 * Monotonic ms at which a check runs first.
 *
 * After a registration somebody waits for it, so it runs once the delay is over. Those that a daemon
 * finds at its start have a health already: they are spread over their interval.
 *
 * @param chance uniform in [0, 1)
 */
export function firstRunMs(check: Check, isNew: boolean, chance: number, nowMs: number): number {
  return nowMs + (isNew ? check.initialDelayMs : check.intervalMs * chance);
}

/**
 * Monotonic ms at which it runs next: an interval, spread by a tenth, after the last run began, and
 * not before that run ended.
 *
 * @param chance uniform in [0, 1)
 */
export function nextRunMs(check: Check, chance: number, beganMs: number, nowMs: number): number {
  const spread = 1 - jitterShare + 2 * jitterShare * chance;
  return Math.max(nowMs, beganMs + check.intervalMs * spread);
}

/** What was answered as one line that a terminal takes, of `outputCharsMax` characters at most. */
export function checkOutput(text: string): string {
  // What is cut off is not looked at: an answer may be long.
  const head = text.slice(0, 2 * outputCharsMax);
  const line = head
    .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .toWellFormed();
  const isCut = line.length > outputCharsMax || text.length > head.length;
  return isCut ? `${line.slice(0, outputCharsMax - 1).toWellFormed()}…` : line;
}

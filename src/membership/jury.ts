/**
 * Jury: how long a suspicion lasts, and when accusations make a node dead. Nothing but arithmetic.
 *
 *   accused by one or two                                    the accusers' side
 *      heard ─────────────────────────── suspicion time ───────┐ signs `confirmed`
 *        │ suspect                                             ▼
 *        └─────────────────────────────────────────────── confirmed heard ── 1 s ──▶ dead
 *
 *   accused by three
 *      heard ── heard ── heard ── window ──▶ dead
 *        │ suspect         │
 *        └─────────────────┴─ or its higher incarnation, at any time ──▶ alive
 *
 * Three independent observers cannot all have a bad link, so they wait only for the subject's own
 * word: once there and back. Where three say that its host refused them, it is not a slow process
 * whose word may come late: it is nobody, or three liars, so the way alone is waited for. One or two
 * may be wrong, so they wait until they had time to find out themselves. Who hears of it later, because it was away, waits no longer than for the subject's
 * word either: the suspicion time is over for whoever confirmed it, and it is signed for.
 *
 * More accusers never make it later.
 */

/** Accusers that are believed without waiting for the suspicion time. */
export const quorum = 3;

/** In a cluster of so many everybody looks for itself when one is refused: sooner than by a jury. */
const lookersMax = 64;

/**
 * Whether all who hear of an accusation dial the accused themselves.
 *
 * @param isRefused by the accused's host
 */
export function allLook(isRefused: boolean, owners: number): boolean {
  return isRefused && owners <= lookersMax;
}

/** Shortest suspicion time, ms: in a cluster of few, or of which many accuse. */
export const suspicionFloorMs = 2_000;
/** Shortest at ten members, as memberlist scales it: with the digits of their number. */
const suspicionMsPerDigit = 2_500;
/** How much longer it is for who accuses alone. */
const suspicionStretch = 3;

export const refutationMinMs = 20;
export const refutationMaxMs = 1_000;

/** What one accuser means to a verdict. */
export interface Testimony {
  /** Monotonic ms from which on its accusation counts. */
  readonly heardMs: number;
  /** The same for its confirmation; Infinity: it did not confirm. */
  readonly confirmedMs: number;
  /** Its reason: nobody listens at the subject's address. */
  readonly isRefused: boolean;
}

/** How long the subject has to answer once three accuse it, ms. */
export interface RefutationWindows {
  /** Whatever their reasons are. */
  readonly anyMs: number;
  /** When three were refused. */
  readonly refusedMs: number;
}

/**
 * How long an accuser goes on trying before it signs `confirmed`, ms. Lifeguard's shape (Dadgar,
 * Phillips, Currey, DSN 2018, section IV-B): it falls with the logarithm of the confirmations.
 *
 * @param members who lives, ourselves and the subject among them
 * @param confirmations accusers beside ourselves
 */
export function suspicionMs(members: number, confirmations: number): number {
  const min = Math.max(suspicionFloorMs, suspicionMsPerDigit * Math.log10(Math.max(1, members)));
  // In a cluster of two or three there is hardly anybody who could confirm.
  const expected = Math.min(quorum - 1, members - 2);
  if (expected < 1 || confirmations >= expected) return min;
  const part = Math.log(confirmations + 1) / Math.log(expected + 1);
  return min * (suspicionStretch - (suspicionStretch - 1) * part);
}

/**
 * How long the subject has to answer once three accuse it, ms: there and back, twice.
 *
 * @param rttMs round trip to it, or to peers in general; undefined: not known
 */
export function refutationMs(rttMs: number | undefined): number {
  if (rttMs === undefined) return refutationMaxMs;
  return Math.min(refutationMaxMs, Math.max(refutationMinMs, 4 * rttMs));
}

/** Monotonic ms from which on the accused is dead; Infinity: it is suspect as long as this is all. */
export function deadAtMs(
  testimonies: readonly Testimony[],
  { anyMs, refusedMs }: RefutationWindows,
): number {
  const confirmed = Math.min(...testimonies.map(({ confirmedMs }) => confirmedMs));
  const refused = testimonies.filter(({ isRefused }) => isRefused);
  return Math.min(
    quorumAtMs(testimonies) + anyMs,
    quorumAtMs(refused) + refusedMs,
    confirmed + Math.max(anyMs, refutationMaxMs),
  );
}

function quorumAtMs(testimonies: readonly Testimony[]): number {
  const heard = testimonies.map(({ heardMs }) => heardMs).sort((a, b) => a - b);
  return heard[quorum - 1] ?? Infinity;
}

/** Vouchers: who of the linked peers is asked whether another one lives. */
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Phase } from './probed-peer.ts';

/** How many others are asked to probe a peer that does not answer. */
const vouchersMax = 3;

/** Those first of whom nothing bad is known, the silent and the unheard never: at most three. */
export function chooseVouchers(
  peers: ReadonlyMap<OwnerId, { readonly phase: Phase }>,
  subject: OwnerId,
  random: Random,
): OwnerId[] {
  const others = [...peers].filter(([peer]) => peer !== subject);
  const inPhase = (...phases: readonly Phase[]): OwnerId[] =>
    others.filter(([, { phase }]) => phases.includes(phase)).map(([peer]) => peer);
  const chosen = random.sample(inPhase('resting'), vouchersMax);
  const missing = vouchersMax - chosen.length;
  return [...chosen, ...random.sample(inPhase('waiting', 'vouching'), missing)];
}

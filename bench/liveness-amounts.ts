/** How much of a case is done, as the command line says it. */
import { systemNames, type SystemName } from './liveness-cluster.ts';

/** @throws Error with a sentence, for what is no number from `min` up */
export function amount(flag: string, given: string, min: number): number {
  const value = Number(given);
  if (given.trim() === '' || !(value >= min))
    throw new Error(`--${flag} ${given}: a number from ${min} up`);
  return value;
}

/**
 * Minutes for each system: `30` for all of them, or `disco=30,serf=5` for those that are named.
 *
 * @throws Error with a sentence
 */
export function minutesOf(given: string): Readonly<Partial<Record<SystemName, number>>> {
  const isForAll = !given.includes('=');
  if (isForAll) {
    const minutes = amount('minutes', given, 0);
    return Object.fromEntries(systemNames.map((name) => [name, minutes]));
  }
  return Object.fromEntries(
    given.split(',').map((part) => {
      const [name = '', minutes = ''] = part.split('=');
      if (!systemNames.some((each) => each === name))
        throw new Error(`--minutes ${given}: 30, or disco=30,serf=5 of ${systemNames.join(', ')}`);
      return [name, amount('minutes', minutes, 0)];
    }),
  );
}

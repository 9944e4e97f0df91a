/**
 * An instance as calls go to it: its newest statement, and what this process knows of it beyond.
 *
 * A target outlives the statements about its instance: one object an instance, for as long as the
 * view lists it.
 */
import type { Health, Instance } from './instance.ts';

export class Target {
  /** The newest statement. */
  instance: Instance;
  /** Calls under way from this process, as call() counts them. */
  outstanding = 0;
  /** Calls in a row that failed, up to now. */
  failures = 0;
  /** Left alone for a while, since calls to it failed. */
  ejected = false;

  constructor(instance: Instance) {
    this.instance = instance;
  }
}

/**
 * Whom to choose among: the passing, or the warning when none passes. What is critical or in
 * maintenance is never chosen.
 */
export function healthiest<T>(list: readonly T[], healthOf: (item: T) => Health): readonly T[] {
  const passing = list.filter((item) => healthOf(item) === 'passing');
  return passing.length > 0 ? passing : list.filter((item) => healthOf(item) === 'warning');
}

/** Those of the healthiest that are not ejected; when all of them are, the healthiest all the same. */
export function candidatesAmong(targets: readonly Target[]): readonly Target[] {
  const admitted = healthiest(
    targets.filter(({ ejected }) => !ejected),
    healthOfTarget,
  );
  return admitted.length > 0 ? admitted : healthiest(targets, healthOfTarget);
}

function healthOfTarget({ instance }: Target): Health {
  return instance.health;
}

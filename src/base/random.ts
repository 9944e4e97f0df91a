/**
 * Chance, as an argument: a small seeded generator, so that a run can be played again.
 *
 * sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state. Not for secrets: keys, boot ids and
 * tokens come from node:crypto.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, below). */
  int(below: number): number;
  /** `value` spread by +-`share`, uniformly: jitter(1000, 0.2) lies in [800, 1200). */
  jitter(value: number, share: number): number;
  /** One element, or undefined of an empty list. */
  pick<T>(list: readonly T[]): T | undefined;
  /** Up to `count` distinct elements in random order. */
  sample<T>(list: readonly T[], count: number): T[];
}

/** @param randomSeed any 32-bit integer; equal random seeds give equal sequences */
export function seededRandom(randomSeed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = randomSeed | 0;
  let counter = 1;
  const next32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // The first outputs still show the random seed.
  for (let i = 0; i < 12; i++) next32();
  const next = (): number => next32() / 0x1_0000_0000;
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    jitter: (value, share) => value * (1 - share + 2 * share * next()),
    pick: (list) => list[int(list.length)],
    sample: (list, count) => {
      const rest = [...list];
      const taken = Math.min(count, rest.length);
      for (let i = 0; i < taken; i++) {
        const j = i + int(rest.length - i);
        [rest[i], rest[j]] = [rest[j] as never, rest[i] as never];
      }
      return rest.slice(0, taken);
    },
  };
}

/** Made-up elements: uniform like those of real heads, and equal on every run. */
import { seededRandom } from '../../src/base/random.ts';
import type { Random } from '../../src/base/random.ts';
import { elementKey, elementOf } from '../../src/gossip/element.ts';
import type { Element } from '../../src/gossip/element.ts';
import { Sketch } from '../../src/gossip/sketch.ts';

export const testKey = elementKey(Uint8Array.from({ length: 16 }, (_, index) => index * 17));

export function randomBytes(random: Random, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.int(256));
}

export function makeElements(count: number, randomSeed: number): Element[] {
  const random = seededRandom(randomSeed);
  return Array.from({ length: count }, () => elementOf(randomBytes(random, 32), testKey));
}

export function sketchOf(elements: readonly Element[], symbolsMax = 256): Sketch {
  const sketch = new Sketch(symbolsMax);
  for (const element of elements) sketch.add(element);
  return sketch;
}

/** All that a sketch says, as text. */
export function textOf(sketch: Sketch): string {
  const parts = [sketch.setHash(), sketch.estimator(), sketch.symbols(0, sketch.symbolsMax)];
  return [sketch.count, ...parts.map((part) => Buffer.from(part).toString('hex'))].join(' ');
}

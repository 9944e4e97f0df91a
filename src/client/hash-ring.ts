/**
 * The same instance for the same key, in every process that sees the same instances; when one
 * goes, only its keys move, and when one comes, keys move only to it.
 *
 * Multi-probe consistent hashing (Appleton, O'Reilly 2015): instances stand at points of a ring, a
 * key looks from 21 places and takes the point that is nearest behind any of them. That is as even
 * as a ring with hundreds of points an instance, and needs 8: a change sorts 8 n numbers.
 */
import { DiscoError } from '../base/error.ts';
import { instanceKey } from './instance.ts';
import type { Policy } from './policy.ts';
import type { Target } from './target.ts';

const pointsPerTarget = 8;
const probes = 21;
const ringSize = 2 ** 32;
/** A point and whose it is in one double: 32 bits above 21. */
const ownersMax = 2 ** 21;

export class HashRing implements Policy {
  #candidates: readonly Target[] = [];
  /** Rising positions. */
  #points = new Uint32Array(0);
  /** Index of the candidate at each of them. */
  #owners = new Uint32Array(0);
  /** Where the points of each of the ring's equal sections begin, so that nothing is searched. */
  #sections = new Uint32Array(1);
  #shift = 31;

  take(candidates: readonly Target[]): void {
    const before = this.#candidates;
    this.#candidates = candidates;
    const isSame =
      candidates.length === before.length && candidates.every((it, at) => it === before[at]);
    if (!isSame) this.#build(candidates);
  }

  /** @throws DiscoError INVALID_ARGUMENT/USAGE without a key */
  pick(key: string | undefined): Target | undefined {
    if (key === undefined) {
      throw new DiscoError(
        'INVALID_ARGUMENT',
        'USAGE',
        'consistent_hash chooses by a key; give one, such as a user id',
      );
    }
    if (this.#points.length === 0) return undefined;
    const hash = hashText(key);
    const stride = mix(hash ^ 0x9e3779b9) | 1;
    let nearest = ringSize;
    let found = 0;
    for (let probe = 0; probe < probes; probe++) {
      const place = (hash + Math.imul(probe, stride)) >>> 0;
      const at = this.#firstFrom(place);
      const distance = ((this.#points[at] ?? 0) - place) >>> 0;
      if (distance >= nearest) continue;
      nearest = distance;
      found = at;
    }
    return this.#candidates[this.#owners[found] ?? 0];
  }

  #build(candidates: readonly Target[]): void {
    const count = candidates.length * pointsPerTarget;
    const packed = new Float64Array(count);
    for (const [owner, { instance }] of candidates.entries()) {
      const seed = hashText(instanceKey(instance));
      for (let nth = 0; nth < pointsPerTarget; nth++) {
        const point = mix(seed + Math.imul(nth + 1, 0x85ebca6b));
        packed[owner * pointsPerTarget + nth] = point * ownersMax + owner;
      }
    }
    packed.sort();
    this.#points = Uint32Array.from(packed, (pair) => Math.floor(pair / ownersMax));
    this.#owners = Uint32Array.from(packed, (pair) => pair % ownersMax);
    this.#divide();
  }

  /** About as many sections as points, at least two. */
  #divide(): void {
    const bits = Math.max(1, Math.ceil(Math.log2(this.#points.length || 1)));
    this.#shift = 32 - bits;
    this.#sections = new Uint32Array(2 ** bits);
    let at = 0;
    for (let section = 0; section < this.#sections.length; section++) {
      const begins = section * 2 ** this.#shift;
      while (at < this.#points.length && (this.#points[at] ?? 0) < begins) at += 1;
      this.#sections[section] = at;
    }
  }

  /** Index of the first point at or behind a place; the ring has no end. */
  #firstFrom(place: number): number {
    const points = this.#points;
    let at = this.#sections[place >>> this.#shift] ?? 0;
    while (at < points.length && (points[at] ?? 0) < place) at += 1;
    return at < points.length ? at : 0;
  }
}

/** FNV-1a over the text's code units, mixed; 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return mix(hash);
}

/** The finalizer of MurmurHash3: every bit of the input moves half of the output's; 32 bits. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

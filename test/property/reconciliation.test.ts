/** Sketches against a dumb twin: two lists of ids laid side by side. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { idKey } from '../../src/gossip/element.ts';
import type { Element, Id } from '../../src/gossip/element.ts';
import { decodeDifference } from '../../src/gossip/sketch-decoder.ts';
import type { SketchDifference } from '../../src/gossip/sketch-decoder.ts';
import { Sketch, symbolBytes } from '../../src/gossip/sketch.ts';
import { makeElements, sketchOf, textOf } from '../gossip/elements.ts';
import { holds } from './histories.ts';

const keysOf = (ids: readonly Id[]) =>
  ids.map(({ lo, hi }) => idKey(lo, hi)).toSorted((a, b) => a - b);

/** The twin: what is in `these` and not in `others`, found by comparing all of both. */
function missing(these: readonly Element[], others: readonly Element[]): number[] {
  const held = new Set(keysOf(others));
  return keysOf(these).filter((key) => !held.has(key));
}

const symbolsMax = 1_024;

/** Reads symbols in doubling batches until they decode, as peers do. */
function reconcile(mine: Sketch, theirs: Sketch): { symbols: number; found: SketchDifference } {
  for (let symbols = 4; ; symbols = Math.min(2 * symbols, symbolsMax)) {
    const found = decodeDifference(mine, theirs.symbols(0, symbols));
    if (found.kind !== 'undecided' || symbols === symbolsMax) return { symbols, found };
  }
}

const sets = fc.record({
  common: fc.nat(5_000),
  mine: fc.nat(250),
  theirs: fc.nat(250),
  randomSeed: fc.integer(),
});

t.test('both sides find the difference that comparing all elements finds', (t) => {
  let decoded = 0;
  holds(
    t,
    60,
    fc.property(sets, ({ common, mine, theirs, randomSeed }) => {
      const elements = makeElements(common + mine + theirs, randomSeed);
      const left = elements.slice(0, common + mine);
      const right = [...elements.slice(0, common), ...elements.slice(common + mine)];
      const [a, b] = [sketchOf(left, symbolsMax), sketchOf(right, symbolsMax)];
      for (const [own, other, ownSet, otherSet] of [
        [a, b, left, right],
        [b, a, right, left],
      ] as const) {
        const { symbols, found } = reconcile(own, other);
        assert.ok(found.kind === 'decoded', `${found.kind} after ${symbols} symbols`);
        assert.ok(symbols <= Math.max(32, 4 * (mine + theirs)), `${symbols} symbols`);
        assert.deepEqual(keysOf(found.mine), missing(ownSet, otherSet));
        assert.deepEqual(keysOf(found.theirs), missing(otherSet, ownSet));
        decoded += 1;
      }
      assert.equal(
        Buffer.compare(a.setHash(), b.setHash()) === 0,
        mine + theirs === 0,
        'set hashes are equal exactly when the sets are',
      );
    }),
  );
  t.ok(decoded >= 120, `${decoded} differences`);
  t.end();
});

const steps = fc.array(fc.record({ element: fc.nat(59), fork: fc.boolean() }), {
  maxLength: 200,
  size: 'max',
});

t.test('whatever came and went, a sketch is that of the set that is left', (t) => {
  const elements = makeElements(60, 1);
  holds(
    t,
    200,
    fc.property(steps, (history) => {
      const held = new Set<Element>();
      let sketch = new Sketch(64);
      for (const step of history) {
        const element = elements[step.element] as Element;
        const before = textOf(sketch);
        const origin = sketch;
        if (step.fork) sketch = origin.fork();
        if (held.delete(element)) sketch.remove(element);
        else {
          held.add(element);
          sketch.add(element);
        }
        if (step.fork) assert.equal(textOf(origin), before);
      }
      assert.equal(sketch.count, held.size);
      assert.equal(textOf(sketch), textOf(sketchOf([...held], 64)));
    }),
  );
  t.end();
});

/** As long as the lengths say: by itself fast-check makes short ones. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 1_400, size: 'max' }),
  fc
    .nat(80)
    .chain((symbols) =>
      fc.uint8Array({ minLength: symbols * symbolBytes, maxLength: symbols * symbolBytes }),
    ),
);

t.test(
  'bytes of any kind are taken for what they are, and decode to no more ids than symbols',
  (t) => {
    const mine = sketchOf(makeElements(40, 2), 64);
    holds(
      t,
      500,
      fc.property(anyBytes, (bytes) => {
        const found = decodeDifference(mine, bytes);
        assert.equal(
          found.kind === 'malformed',
          bytes.length % symbolBytes !== 0 || bytes.length > 64 * symbolBytes,
        );
        assert.notEqual(found.kind, 'decoded');
      }),
    );
    t.end();
  },
);

/** When nodes ask: rounds of gossip are about as long as they should be, and no two are alike. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import type { Effect } from '../../src/gossip/context.ts';
import { Engine } from '../../src/gossip/engine.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { testConfig } from '../gossip/cluster.ts';
import { startMicros } from '../record/fixtures.ts';
import { makeIdentity, startNode } from '../registry/fixtures.ts';
import { holds } from './histories.ts';

const rounds = 20;

/** Monotonic ms of the first rounds of a node that is alone. */
function roundsOf(randomSeed: number): number[] {
  const registry = startNode();
  const config = { ...testConfig, joinTimeoutMs: 0 };
  const random = seededRandom(randomSeed);
  const parts = { registry, identity: makeIdentity(1), verifier: ed25519Verifier, config, random };
  const engine = new Engine({ ...parts, seeds: [] });
  const at = (monoMs: number) => ({ monoMs, wallMicros: startMicros + monoMs * 1_000 });
  const wakeOf = (effects: readonly Effect[]): number => {
    const wakes = effects.flatMap((effect) => (effect.kind === 'wakeAt' ? [effect.monoMs] : []));
    return wakes.at(-1) as number;
  };
  const times = [wakeOf(engine.step({ kind: 'start' }, at(0)))];
  while (times.length < rounds)
    times.push(wakeOf(engine.step({ kind: 'wake' }, at(times.at(-1) as number))));
  return times;
}

function lengthsOf(randomSeed: number): number[] {
  const times = roundsOf(randomSeed);
  return times.slice(1).map((time, index) => time - (times[index] as number));
}

t.test('rounds are an interval long, give or take a fifth, and nodes drift apart', (t) => {
  const { gossipIntervalMs } = testConfig;
  holds(
    t,
    30,
    fc.property(fc.nat(), (randomSeed) => {
      const lengths = lengthsOf(randomSeed);
      const longest = Math.max(...lengths);
      const shortest = Math.min(...lengths);
      assert.ok(shortest >= 0.8 * gossipIntervalMs && longest <= 1.2 * gossipIntervalMs);
      assert.ok(longest - shortest > 0.1 * gossipIntervalMs, `${shortest} to ${longest} ms`);
      assert.notDeepEqual(lengths, lengthsOf(randomSeed + 1));
    }),
  );
  t.end();
});

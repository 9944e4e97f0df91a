/** The state of a check, counted step by step, against a twin that looks at the whole history. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { firstState, nextState, worstHealth } from '../../src/registry/check-state.ts';
import type { CheckHealth, CheckLimits } from '../../src/registry/check-state.ts';
import { holds } from './histories.ts';

/** The longest stretch of equal runs in a history. */
function longest(history: readonly boolean[], wanted: boolean): number {
  const text = history.map((hasPassed) => (hasPassed === wanted ? 'x' : ' ')).join('');
  return Math.max(...text.split(' ').map((stretch) => stretch.length));
}

/** Passing after enough successes in a row; since then, what the longest row of failures makes it. */
function twin(first: CheckHealth, history: readonly boolean[], limits: CheckLimits): CheckHealth {
  const enough = limits.successesBeforePassing;
  const ends = history.map((_, index) => index + 1);
  const isUp = (end: number): boolean =>
    end >= enough && history.slice(end - enough, end).every(Boolean);
  const upAt = ends.findLast(isUp);
  const failures = longest(history.slice(upAt ?? 0), false);
  const isCritical = failures >= limits.failuresBeforeCritical;
  const isWarning = failures >= limits.failuresBeforeWarning;
  const base = { health: upAt === undefined ? first : 'passing' } as const;
  const found = isCritical ? 'critical' : isWarning ? 'warning' : 'passing';
  return worstHealth([base, { health: found }]);
}

const inARow = fc.integer({ min: 1, max: 5 });
const limitsOf = fc
  .record({ successesBeforePassing: inARow, failuresBeforeWarning: inARow, more: fc.nat(4) })
  .map(({ more, ...limits }): CheckLimits => {
    return { ...limits, failuresBeforeCritical: limits.failuresBeforeWarning + more };
  });
const healths = fc.constantFrom<CheckHealth>('passing', 'warning', 'critical');
const histories = fc.array(fc.boolean(), { maxLength: 40 });

t.test('counting run by run comes to what the whole history says', (t) => {
  const reached = new Set<string>();
  holds(
    t,
    500,
    fc.property(healths, histories, limitsOf, (first, history, limits) => {
      let state = firstState(first);
      for (const [index, hasPassed] of history.entries()) {
        const { health } = state;
        state = nextState(state, { hasPassed }, limits);
        assert.equal(state.health, twin(first, history.slice(0, index + 1), limits));
        reached.add(`${health} ${state.health}`);
      }
    }),
  );
  // From each state to each, but for the one way there is not: from critical to warning.
  t.equal(reached.size, 3 * 3 - 1);
  t.notOk(reached.has('critical warning'));
  t.end();
});

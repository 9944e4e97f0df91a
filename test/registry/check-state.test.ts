import t from 'tap';
import { checkOutput, firstRunMs, firstState, nextRunMs } from '../../src/registry/check-state.ts';
import { nextState, outputCharsMax, worstHealth } from '../../src/registry/check-state.ts';
import type { CheckHealth, CheckLimits } from '../../src/registry/check-state.ts';
import type { Health } from '../../src/record/record.ts';
import { makeCheck } from '../contract/store-contract.ts';

interface Row {
  readonly say: string;
  readonly from: Health;
  /** successesBeforePassing, failuresBeforeWarning, failuresBeforeCritical. */
  readonly limits: readonly [number, number, number];
  /** A run each: `+` passed, `-` failed, `!` another process answered. */
  readonly runs: string;
  /** The health after each: p, w, c. */
  readonly healths: string;
}

const table: readonly Row[] = [
  { say: 'one success is enough', from: 'critical', limits: [1, 1, 3], runs: '+', healths: 'p' },
  {
    say: 'what never passed is critical, however few failures it has',
    from: 'critical',
    limits: [1, 1, 3],
    runs: '-----',
    healths: 'ccccc',
  },
  {
    say: 'failures lead over warning to critical, and one success back',
    from: 'passing',
    limits: [1, 1, 3],
    runs: '---+-',
    healths: 'wwcpw',
  },
  {
    say: 'equal limits leave warning out',
    from: 'passing',
    limits: [1, 2, 2],
    runs: '-+--+',
    healths: 'pppcp',
  },
  {
    say: 'a success between failures begins their count anew',
    from: 'passing',
    limits: [1, 2, 3],
    runs: '--+--+---',
    healths: 'pwppwppwc',
  },
  {
    say: 'a failure between successes begins their count anew',
    from: 'critical',
    limits: [3, 1, 3],
    runs: '++-+++',
    healths: 'cccccp',
  },
  {
    say: 'too few successes do not heal, nor make the next failures count for less',
    from: 'passing',
    limits: [2, 1, 3],
    runs: '-+-+--+---+++',
    healths: 'wwwwwwwwwccpp',
  },
  {
    say: 'what was warning before a restart goes on from there',
    from: 'warning',
    limits: [1, 2, 3],
    runs: '---',
    healths: 'wwc',
  },
  {
    say: 'proof of another process is critical at once, however much patience there is',
    from: 'passing',
    limits: [1, 4, 5],
    runs: '!+--!-+',
    healths: 'cpppccp',
  },
  {
    say: 'after such a proof it takes as many successes as ever',
    from: 'warning',
    limits: [2, 2, 3],
    runs: '!+!++',
    healths: 'ccccp',
  },
  {
    say: 'maintenance hides what was known, so it has to pass',
    from: 'maintenance',
    limits: [2, 1, 1],
    runs: '++-',
    healths: 'cpc',
  },
];

for (const { say, from, limits, runs, healths } of table) {
  t.test(`${say}: ${runs} from ${from} with ${limits.join(', ')} is ${healths}`, (t) => {
    const [successesBeforePassing, failuresBeforeWarning, failuresBeforeCritical] = limits;
    const bounds: CheckLimits = {
      successesBeforePassing,
      failuresBeforeWarning,
      failuresBeforeCritical,
    };
    let state = firstState(from);
    const after = [...runs].map((run) => {
      const reason = run === '!' && { reason: 'identity_mismatch' as const };
      state = nextState(state, { hasPassed: run === '+', ...reason }, bounds);
      return state.health.charAt(0);
    });
    t.equal(after.join(''), healths);
    t.end();
  });
}

t.test('the worst of several checks counts, and without any nothing is wrong', (t) => {
  const worst = (...healths: CheckHealth[]) => worstHealth(healths.map((health) => ({ health })));
  t.equal(worst(), 'passing');
  t.equal(worst('passing', 'warning', 'passing'), 'warning');
  t.equal(worst('critical', 'warning'), 'critical');
  t.equal(worst('warning', 'critical'), 'critical');
  t.end();
});

t.test(
  'a new check runs after its delay, one of an earlier life somewhere in its interval',
  (t) => {
    const check = makeCheck({ intervalMs: 1_000, initialDelayMs: 300 });
    t.equal(firstRunMs(check, true, 0.5, 50), 350);
    t.equal(firstRunMs(check, false, 0, 50), 50);
    t.equal(firstRunMs(check, false, 0.5, 50), 550);
    t.end();
  },
);

t.test(
  'runs are an interval apart by their begin, a tenth more or less, and never overlap',
  (t) => {
    const check = makeCheck({ intervalMs: 1_000 });
    t.equal(nextRunMs(check, 0, 100, 110), 1_000);
    t.equal(nextRunMs(check, 0.5, 100, 110), 1_100);
    t.equal(nextRunMs(check, 0.999_999, 100, 110) < 1_200, true);
    t.equal(nextRunMs(check, 0, 100, 1_050), 1_050, 'the last run took longer than that');
    t.end();
  },
);

t.test('an output is one line without anything that draws on a terminal', (t) => {
  t.equal(checkOutput('  OK\r\n\tall\u001b[31m good\u2028\n'), 'OK all [31m good');
  t.equal(checkOutput(''), '');
  t.equal(checkOutput('\ud800x'), '\ufffdx');
  t.end();
});

t.test('an output is cut where it says so, whole up to the bound', (t) => {
  const whole = 'x'.repeat(outputCharsMax);
  t.equal(checkOutput(whole), whole);
  t.equal(checkOutput(`${whole}x`), `${'x'.repeat(outputCharsMax - 1)}…`);
  t.equal(checkOutput('x'.repeat(10_000_000)).length, outputCharsMax);
  t.match(checkOutput(`${' '.repeat(5_000)}x`), /…$/, 'cut although it shrank');
  const split = checkOutput(`${'x'.repeat(outputCharsMax - 2)}\u{1f600}yy`);
  t.equal(split, `${'x'.repeat(outputCharsMax - 2)}\ufffd…`);
  t.end();
});

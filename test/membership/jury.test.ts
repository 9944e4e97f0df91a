import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import {
  deadAtMs,
  quorum,
  refutationMaxMs,
  refutationMinMs,
  refutationMs,
  suspicionFloorMs,
  suspicionMs,
} from '../../src/membership/jury.ts';
import type { Testimony } from '../../src/membership/jury.ts';
import { holds } from '../property/histories.ts';

/** Members, and the suspicion time in ms with no, one and two confirmations. */
const suspicions: readonly (readonly [number, number, number, number])[] = [
  [1, 2_000, 2_000, 2_000],
  [2, 2_000, 2_000, 2_000],
  [3, 6_000, 2_000, 2_000],
  [4, 6_000, 3_476, 2_000],
  [10, 7_500, 4_345, 2_500],
  [25, 10_485, 6_075, 3_495],
  [100, 15_000, 8_691, 5_000],
  [1_000, 22_500, 13_036, 7_500],
  [10_000, 30_000, 17_381, 10_000],
];

for (const [members, ...expected] of suspicions)
  t.test(`among ${members} an accuser waits ${expected.join(', ')} ms`, (t) => {
    const waited = [0, 1, 2].map((confirmations) =>
      Math.round(suspicionMs(members, confirmations)),
    );
    t.strictSame(waited, expected);
    t.end();
  });

t.test('the suspicion time falls with confirmations and rises with members', (t) => {
  holds(
    t,
    500,
    fc.property(fc.nat(100_000), fc.nat(20), (members, confirmations) => {
      const ms = suspicionMs(members, confirmations);
      assert.ok(ms >= suspicionFloorMs && ms <= 3 * suspicionMs(members, 20));
      assert.ok(suspicionMs(members, confirmations + 1) <= ms);
      // Among two and three the number of those who could confirm rises, too.
      if (members >= 4) assert.ok(suspicionMs(members + 1, confirmations) >= ms);
    }),
  );
  t.end();
});

t.test('the window is four round trips within its bounds, and the longest for a guess', (t) => {
  const windows = [0, 0.3, 5, 6, 100, 250, 251, 60_000].map(refutationMs);
  t.strictSame(windows, [20, 20, 20, 24, 400, 1_000, 1_000, 1_000]);
  t.equal(refutationMs(undefined), refutationMaxMs);
  t.equal(refutationMs(1), refutationMinMs);
  t.end();
});

const confirmed = (heardMs: number, confirmedMs: number): Testimony => ({
  heardMs,
  confirmedMs,
  isRefused: false,
});
const heard = (heardMs: number): Testimony => confirmed(heardMs, Infinity);
const refused = (heardMs: number): Testimony => ({ ...heard(heardMs), isRefused: true });

interface Case {
  readonly say: string;
  readonly testimonies: readonly Testimony[];
  /** For any reason, ms; where its host refused them it is 30 ms. */
  readonly windowMs: number;
  readonly deadAt: number;
}

const cases: readonly Case[] = [
  { say: 'nobody accuses', testimonies: [], windowMs: 20, deadAt: Infinity },
  { say: 'one accuses', testimonies: [heard(5)], windowMs: 20, deadAt: Infinity },
  { say: 'two accuse', testimonies: [heard(5), heard(6)], windowMs: 20, deadAt: Infinity },
  {
    say: 'three accuse: a window after the third',
    testimonies: [heard(900), heard(5), heard(60)],
    windowMs: 20,
    deadAt: 920,
  },
  {
    say: 'four accuse: a window after the third, not after the last',
    testimonies: [heard(5), heard(60), heard(900), heard(2_000)],
    windowMs: 400,
    deadAt: 1_300,
  },
  {
    say: 'one confirms: a second later, however short the window',
    testimonies: [confirmed(5, 8_000)],
    windowMs: 20,
    deadAt: 9_000,
  },
  {
    say: 'two confirm: a second after the first of them',
    testimonies: [confirmed(5, 8_500), confirmed(7, 8_000)],
    windowMs: 20,
    deadAt: 9_000,
  },
  {
    say: 'two confirm when a third accuses: whatever comes first',
    testimonies: [confirmed(5, 8_000), confirmed(7, 8_000), heard(8_100)],
    windowMs: 20,
    deadAt: 8_120,
  },
  {
    say: 'a confirmation is all that is heard, by one who was away',
    testimonies: [confirmed(70, 70)],
    windowMs: 1_000,
    deadAt: 1_070,
  },
  {
    say: 'three confirmations are all that is heard',
    testimonies: [confirmed(70, 70), confirmed(71, 71), confirmed(72, 72)],
    windowMs: 200,
    deadAt: 272,
  },
  {
    say: 'three were refused: the way alone is waited for',
    testimonies: [refused(5), refused(60), refused(900)],
    windowMs: 400,
    deadAt: 930,
  },
  {
    say: 'two were refused and one heard nothing: a busy process would have its time',
    testimonies: [refused(5), heard(60), refused(900)],
    windowMs: 400,
    deadAt: 1_300,
  },
  {
    say: 'three heard nothing before a third is refused: whatever comes first',
    testimonies: [refused(5), heard(60), heard(61), refused(100), refused(900)],
    windowMs: 400,
    deadAt: 461,
  },
];

for (const { say, testimonies, windowMs, deadAt } of cases)
  t.test(`${say}: dead at ${deadAt} ms`, (t) => {
    const windows = { anyMs: windowMs, refusedMs: 30 };
    t.equal(deadAtMs(testimonies, windows), deadAt);
    t.equal(deadAtMs(testimonies.toReversed(), windows), deadAt, 'in whatever order');
    t.end();
  });

const testimony = fc
  .tuple(fc.nat(10_000), fc.option(fc.nat(10_000)), fc.boolean())
  .map(([heardMs, later, isRefused]) => ({
    heardMs,
    confirmedMs: later === null ? Infinity : heardMs + later,
    isRefused,
  }));
const window = fc.integer({ min: refutationMinMs, max: refutationMaxMs });
const windows = fc.record({ anyMs: window, refusedMs: window });

t.test('one accuser or one confirmation more never makes it later', (t) => {
  holds(
    t,
    500,
    fc.property(
      fc.array(testimony, { maxLength: 8 }),
      testimony,
      windows,
      (testimonies, one, given) => {
        const before = deadAtMs(testimonies, given);
        assert.ok(deadAtMs([...testimonies, one], given) <= before);
        const after = deadAtMs([...testimonies, one], given);
        const less = [
          { ...one, confirmedMs: Infinity },
          { ...one, isRefused: false },
        ];
        // What costs less than the other window is no reason to wait for longer.
        if (given.refusedMs > given.anyMs) less.pop();
        for (const each of less) assert.ok(after <= deadAtMs([...testimonies, each], given));
      },
    ),
  );
  t.end();
});

t.test(`with fewer than ${quorum} accusers there is no verdict within a second`, (t) => {
  holds(
    t,
    500,
    fc.property(fc.array(testimony, { maxLength: quorum - 1 }), (testimonies) => {
      const first = Math.min(...testimonies.map(({ heardMs }) => heardMs));
      assert.ok(
        testimonies.length === 0 ||
          deadAtMs(testimonies, { anyMs: 20, refusedMs: 20 }) >= first + 1_000,
      );
    }),
  );
  t.end();
});

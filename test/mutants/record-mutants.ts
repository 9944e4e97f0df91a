/** Mistakes in what is said: heads, records, and which of them win. */
import type { Mutant } from './mutant.ts';

const mergeLaws = 'test/property/merge.test.ts';
const advances = 'test/property/own-state.test.ts';
const recordSets = 'test/property/record-set.test.ts';
const flippedBits = 'test/property/flipped-bit.test.ts';

export const recordMutants: readonly Mutant[] = [
  {
    name: 'equal-head-replaces',
    what: '>= in place of >: of two heads with one lastUpdate the one that comes last wins',
    file: 'src/record/merge.ts',
    edits: [
      {
        find: "return order > 0 ? 'newer' : 'stale';",
        replace: "return head.head.lastUpdate >= held.head.head.lastUpdate ? 'newer' : 'stale';",
      },
    ],
    tests: [mergeLaws],
  },
  {
    name: 'equivocation-first-wins',
    what: 'of two heads with one lastUpdate the one that came first stays',
    file: 'src/record/head.ts',
    edits: [
      {
        find: 'return a.head.lastUpdate - b.head.lastUpdate || compareBytes(a.hash, b.hash);',
        replace: 'return a.head.lastUpdate - b.head.lastUpdate;',
      },
    ],
    tests: [mergeLaws],
  },
  {
    name: 'root-not-checked',
    what: 'records that do not add up to the root of their head are taken',
    file: 'src/record/merge.ts',
    edits: [
      {
        find: 'if (set.count !== head.head.count || !equalBytes(set.root, head.head.root))',
        replace: 'if (set.count !== head.head.count)',
      },
      {
        find: "  assert(equalBytes(state.set.root, head.root), 'the set has the root that its head commits to');\n",
        replace: '',
      },
    ],
    tests: ['test/record/merge.test.ts'],
  },
  {
    name: 'count-and-root-not-checked',
    what: 'a head is taken with whatever records came with it',
    file: 'src/record/merge.ts',
    edits: [
      {
        find: 'if (set.count !== head.head.count || !equalBytes(set.root, head.head.root))',
        replace: 'if (head.head.count < 0)',
      },
      {
        find: '  const { head } = state.head;\n  assert(',
        replace: '  const { head } = state.head;\n  if (head.count >= 0) return;\n  assert(',
      },
    ],
    tests: ['test/record/merge.test.ts'],
  },
  {
    name: 'whole-is-added',
    what: 'a whole owner is added to what was held instead of replacing it',
    file: 'src/record/merge.ts',
    edits: [
      {
        find: 'whole ? RecordSet.empty.with(puts, []) : before.with(puts, leaving)',
        replace: 'before.with(puts, whole ? [] : leaving)',
      },
    ],
    tests: [mergeLaws],
  },
  {
    name: 'floor-not-followed',
    what: 'receivers keep the tombstones that the new floor has passed',
    file: 'src/record/merge.ts',
    edits: [
      {
        find: '  return [...held.set.records()].filter(isForgotten);',
        replace: '  return [...held.set.records()].filter(isForgotten).slice(0, 0);',
      },
    ],
    tests: [advances],
  },
  {
    name: 'older-record-kept',
    what: 'of two versions of a record the older stays',
    file: 'src/record/merge.ts',
    edits: [
      {
        find: 'return old === undefined || old.record.lastUpdate < record.lastUpdate;',
        replace: 'return old === undefined || old.record.lastUpdate > record.lastUpdate;',
      },
    ],
    tests: [advances],
  },
  {
    name: 'other-owner-not-refused',
    what: "another owner's records are taken under a head",
    file: 'src/record/merge.ts',
    edits: [
      {
        find: "if (record.owner !== head.head.owner) return 'OWNER_MISMATCH';",
        replace: '',
      },
    ],
    tests: [flippedBits],
  },
  {
    name: 'root-without-tombstones',
    what: 'the root does not commit to tombstones',
    file: 'src/record/record-set.ts',
    edits: [
      {
        find: '...records.map((record) => record.hash)',
        replace: '...records.filter(({ record }) => !record.deleted).map(({ hash }) => hash)',
      },
    ],
    tests: [recordSets],
  },
  {
    name: 'clock-ahead-not-checked',
    what: 'heads from the future are taken',
    file: 'src/record/head.ts',
    edits: [{ find: "if (lastUpdate > rules.latest) return 'CLOCK_AHEAD';", replace: '' }],
    tests: ['test/property/freshness.test.ts'],
  },
  {
    name: 'expired-not-checked',
    what: 'heads are taken however old they are',
    file: 'src/record/head.ts',
    edits: [{ find: "if (lastUpdate < rules.earliest) return 'EXPIRED';", replace: '' }],
    tests: ['test/property/freshness.test.ts'],
  },
];

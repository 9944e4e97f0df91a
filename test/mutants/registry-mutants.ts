/** Mistakes in what a node does with what it and others say. */
import type { Mutant } from './mutant.ts';

const advances = 'test/property/own-state.test.ts';
const brakes = 'test/property/brake.test.ts';
const lives = 'test/property/registry.test.ts';
const flippedBits = 'test/property/flipped-bit.test.ts';

const ownState = 'src/registry/own-state.ts';

export const registryMutants: readonly Mutant[] = [
  {
    name: 'taken-back-is-adopted',
    what: 'a tombstone is given up before the past is known of which it tells',
    file: 'src/registry/registry.ts',
    edits: [
      {
        find: 'isReborn ? { ...this.#config, tombstoneGraceMs: Infinity } : this.#config,',
        replace: 'this.#config,',
      },
    ],
    tests: ['test/registry/registry-restart.test.ts'],
  },
  {
    name: 'tombstone-skipped',
    what: 'deregistering removes the record and leaves no tombstone',
    file: ownState,
    edits: [
      {
        find: 'return write(draft, tombstoneOf(old.record, lastUpdate), bounds);',
        replace:
          'draft.set = draft.set.with([], [old]); draft.puts.delete(old.key); draft.collected.push(old); return done;',
      },
    ],
    tests: [advances],
  },
  {
    name: 'floor-too-early',
    what: 'the floor rises over tombstones whose grace is not over',
    file: ownState,
    edits: [{ find: 'wallMicros - bounds.tombstoneGraceMs * 1000', replace: 'wallMicros' }],
    tests: [advances],
  },
  {
    name: 'floor-over-what-is-kept',
    what: 'the floor rises over tombstones that are still held',
    file: ownState,
    edits: [
      {
        find: 'draft.floor = Math.max(draft.floor, tombstones.at(-1)?.record.lastUpdate ?? 0);',
        replace: 'draft.floor = draft.lastUpdate;',
      },
    ],
    tests: [advances],
  },
  {
    name: 'floor-not-raised',
    what: 'tombstones are given up without raising the floor over them',
    file: ownState,
    edits: [
      {
        find: 'draft.floor = Math.max(draft.floor, tombstones.at(-1)?.record.lastUpdate ?? 0);',
        replace: '',
      },
    ],
    tests: [advances],
  },
  {
    name: 'stamp-is-wall-clock',
    what: 'the wall clock in place of a lastUpdate that rises',
    file: ownState,
    edits: [
      {
        find: '(draft.lastUpdate = Math.max(wallMicros, draft.lastUpdate + 1))',
        replace: '(draft.lastUpdate = wallMicros)',
      },
    ],
    tests: [advances],
  },
  {
    name: 'stamp-may-repeat',
    what: 'a stamp is not less than the last one, but may be the same',
    file: ownState,
    edits: [{ find: 'draft.lastUpdate + 1)', replace: 'draft.lastUpdate)' }],
    tests: [advances],
  },
  {
    name: 'reclaim-without-restamp',
    what: 'a reclaim goes above the newer head and leaves the records below it',
    file: ownState,
    edits: [
      {
        find: '  draft.floor = draft.lastUpdate;\n  restamp(draft, stamp);',
        replace: '  draft.floor = draft.lastUpdate;',
      },
    ],
    tests: [advances],
  },
  {
    name: 'reclaim-keeps-floor',
    what: 'a reclaim leaves the floor where it was',
    file: ownState,
    edits: [{ find: '  draft.floor = draft.lastUpdate;\n', replace: '' }],
    tests: [advances],
  },
  {
    name: 'refute-keeps-incarnation',
    what: 'a start or a refutation does not raise the incarnation',
    file: ownState,
    edits: [
      {
        find: 'Math.max(draft.incarnation, mutation.above) + 1',
        replace: 'Math.max(draft.incarnation, mutation.above, 1)',
      },
    ],
    tests: [advances],
  },
  {
    name: 'never-rewinds',
    what: 'an own head from a clock that was ahead is kept',
    file: 'src/registry/own-time.ts',
    edits: [
      {
        find: 'return lastUpdate > now.wallMicros + clockAheadMs * 1000;',
        replace: 'return lastUpdate > Infinity + now.wallMicros;',
      },
    ],
    tests: ['test/registry/own-time.test.ts'],
  },
  {
    name: 'maintenance-of-the-present-only',
    what: 'what is registered in the midst of maintenance is passing',
    file: ownState,
    edits: [
      { find: 'draft.rules.closest(record)?.reason), bounds', replace: 'undefined), bounds' },
    ],
    tests: ['test/registry/maintenance.test.ts'],
  },
  {
    name: 'never-refreshes',
    what: 'a quiet owner signs no fresh head',
    file: 'src/registry/registry.ts',
    edits: [
      {
        find: 'return ageMs >= this.#config.headRefreshMs || now.monoMs >= this.#collectAtMs;',
        replace: 'return ageMs < 0;',
      },
    ],
    tests: ['test/property/freshness.test.ts'],
  },
  {
    name: 'signature-not-checked',
    what: 'heads are taken from whoever writes them',
    file: 'src/registry/reception.ts',
    edits: [
      {
        find: 'if (!isSignedByOwner(read.value, this.#verifier))',
        replace: 'if (!isSignedByOwner(read.value, { verify: () => true }))',
      },
    ],
    tests: [flippedBits],
  },
  {
    name: 'stored-signature-not-checked',
    what: 'a head from the disk is believed',
    file: 'src/registry/stored-owner.ts',
    edits: [
      {
        find: 'if (!isSignedByOwner(read.value, verifier))',
        replace: 'if (!isSignedByOwner(read.value, { ...verifier, verify: () => true }))',
      },
    ],
    tests: [flippedBits],
  },
  {
    name: 'stored-root-not-checked',
    what: 'records from the disk are believed',
    file: 'src/registry/stored-owner.ts',
    edits: [
      {
        find: "return refused(verdict.kind === 'rejected' ? verdict.reason : 'ROOT_MISMATCH');",
        replace: 'return opened({ head: read.value, set: RecordSet.empty.with(records, []) });',
      },
      {
        find: "import type { SealedRecord } from '../record/record.ts';",
        replace:
          "import type { SealedRecord } from '../record/record.ts';\nimport { RecordSet } from '../record/record-set.ts';",
      },
    ],
    tests: [flippedBits],
  },
  {
    name: 'reaps-by-wall-clock',
    what: 'owners are reaped by their stamps alone, however lately they were heard',
    file: 'src/registry/reaper.ts',
    edits: [{ find: ' && heardAtMs < now.monoMs - reapAfterMs', replace: '' }],
    tests: ['test/property/freshness.test.ts'],
  },
  {
    name: 'never-reaps',
    what: 'what dead owners leave behind stays for ever',
    file: 'src/registry/reaper.ts',
    edits: [{ find: 'if (isExpired || lastUpdate > latest)', replace: 'if (lastUpdate > latest)' }],
    tests: ['test/property/freshness.test.ts'],
  },
  {
    name: 'keeps-the-wrong-clone',
    what: 'receivers pin the other one of two processes with one key',
    file: 'src/registry/boot-pins.ts',
    edits: [
      {
        find: 'compareBytes(digestOf(a), digestOf(b)) > 0 ? a : b',
        replace: 'compareBytes(digestOf(a), digestOf(b)) > 0 ? b : a',
      },
    ],
    tests: ['test/property/clones.test.ts'],
  },
  {
    name: 'visible-although-dead',
    what: 'instances of dead members are shown',
    file: 'src/registry/visibility.ts',
    edits: [
      {
        find: 'if (after !== undefined && isShown(after)) showOwner(',
        replace: "if (after !== undefined && after !== 'left') showOwner(",
      },
    ],
    tests: [lives],
  },
  {
    name: 'returns-in-part',
    what: 'of an owner that is back only what changed meanwhile is shown',
    file: 'src/registry/visibility.ts',
    edits: [
      {
        find: 'const changed = wasShown ? puts : next.set.records();',
        replace: 'const changed = puts;',
      },
    ],
    tests: [lives],
  },
  {
    name: 'refused-is-held',
    what: 'the brake holds those whose hosts refuse connections, too',
    file: 'src/registry/visibility.ts',
    edits: [
      { find: "after === 'dead' && death === 'silent')", replace: "after === 'dead')" },
      { find: "after === 'dead' && death !== 'refused')", replace: "after === 'dead')" },
    ],
    tests: [brakes],
  },
  {
    name: 'hold-without-end',
    what: 'a hold begins anew with each instance that falls silent during it',
    file: 'src/registry/brake.ts',
    edits: [
      {
        find: '      this.#revision += 1;\n      return lost;',
        replace:
          '      trouble.hold.untilMs = now.monoMs + this.#config.holdMaxMs;\n      return lost;',
      },
    ],
    tests: [brakes],
  },
  {
    name: 'hold-remembers',
    what: 'what a hold let go of counts for the next one',
    file: 'src/registry/brake.ts',
    edits: [
      {
        find: '      this.#end(service, trouble);\n    }\n    return over;',
        replace:
          '      this.#end(service, trouble); trouble.hold = undefined; this.#troubles.set(service, trouble);\n    }\n    return over;',
      },
    ],
    tests: ['test/registry/brake.test.ts'],
  },
  {
    name: 'revision-repeats',
    what: 'a change that shows nothing new gets no revision of its own',
    file: 'src/registry/change-feed.ts',
    edits: [
      {
        find: 'const revision = this.#revision + 1;',
        replace: 'const revision = this.#revision + (events.length > 0 ? 1 : 0);',
      },
    ],
    tests: ['test/registry/change-feed.test.ts'],
  },
  {
    name: 'removed-row-is-written',
    what: 'a record that was put and removed before the next write is on disk',
    file: 'src/registry/pending-writes.ts',
    edits: [{ find: '      pending.puts.delete(removed.key);\n', replace: '' }],
    tests: [lives],
  },
];

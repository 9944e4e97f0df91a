/** Mistakes in how news travels, and in who is thought to live. */
import type { Mutant } from './mutant.ts';

const sketches = 'test/property/reconciliation.test.ts';

const links = 'src/gossip/links.ts';
const reconcile = 'src/gossip/reconcile.ts';
const settledHeads = 'src/gossip/settled-heads.ts';

export const gossipMutants: readonly Mutant[] = [
  {
    name: 'delta-below-floor',
    what: 'whoever is below the floor is sent a delta instead of the whole',
    file: 'src/gossip/delta.ts',
    edits: [
      { find: 'const whole = held < floor || held === 0;', replace: 'const whole = held === 0;' },
    ],
    tests: ['test/property/delta.test.ts'],
  },
  {
    name: 'delta-without-tombstones',
    what: 'a delta leaves tombstones out',
    file: 'src/gossip/delta.ts',
    edits: [
      {
        find: 'if (record.lastUpdate <= from) continue;',
        replace: 'if (record.lastUpdate <= from || (!whole && record.deleted)) continue;',
      },
    ],
    tests: ['test/property/delta.test.ts'],
  },
  {
    name: 'staging-mixes-owners',
    what: "chunks of one owner are staged with another's",
    file: 'src/gossip/staging.ts',
    edits: [
      { find: 'if (staged?.head !== head) staged', replace: 'if (staged === undefined) staged' },
    ],
    tests: ['test/property/delta.test.ts'],
  },
  {
    name: 'partial-owner-merged',
    what: 'each chunk of an owner is merged when it comes',
    file: 'src/gossip/staging.ts',
    edits: [{ find: "return delta.more ? 'wait' : records;", replace: 'return records;' }],
    tests: ['test/property/delta.test.ts'],
  },
  {
    name: 'always-in-sync',
    what: 'every digest is answered as equal',
    file: 'src/gossip/answerer.ts',
    edits: [
      {
        find: 'if (equalBytes(sketch.setHash(), digest.setHash)) return',
        replace: 'if (sketch.setHash().length === digest.setHash.length) return',
      },
    ],
    tests: ['test/property/one-exchange.test.ts'],
  },
  {
    name: 'asker-gives-nothing',
    what: 'the asker takes what it lacks and gives nothing',
    file: reconcile,
    edits: [{ find: '    this.#give(peer, give);\n', replace: '' }],
    tests: ['test/property/one-exchange.test.ts'],
  },
  {
    name: 'answerer-tells-nothing',
    what: 'the answerer does not say what it has newer',
    file: 'src/gossip/answerer.ts',
    edits: [
      { find: 'have: this.#versions(difference.mine, difference.theirs),', replace: 'have: [],' },
    ],
    tests: ['test/property/one-exchange.test.ts'],
  },
  {
    name: 'gap-never-asked-whole',
    what: 'a delta that does not lead to its head is let be',
    file: reconcile,
    edits: [{ find: 'return this.ask(peer, received.owner, true);', replace: 'return;' }],
    tests: ['test/property/one-exchange.test.ts'],
  },
  {
    name: 'fork-not-compared',
    what: 'two heads with one lastUpdate are taken for the same',
    file: 'src/gossip/wants.ts',
    edits: [
      {
        find: 'return this.#heads.isCompared(head) ? 0 : undefined;',
        replace: 'return undefined;',
      },
    ],
    tests: ['test/property/one-exchange.test.ts'],
  },
  {
    name: 'replaced-element-stays',
    what: 'the element of a head that was replaced stays in the sketch',
    file: settledHeads,
    edits: [
      {
        find: '      this.sketch.remove(elementOf(compared.hash, this.#key));\n',
        replace: '',
      },
    ],
    tests: ['test/property/settled-heads.test.ts'],
  },
  {
    name: 'nothing-settles',
    what: 'heads are compared the moment they come',
    file: settledHeads,
    edits: [{ find: '      if (first.atMs > nowMs - ageMs) break;\n', replace: '' }],
    tests: ['test/property/settled-heads.test.ts'],
  },
  {
    name: 'expiring-heads-compared',
    what: 'heads near their end are compared and asked for, only to be refused',
    file: settledHeads,
    edits: [
      {
        find: 'sweepMs: number, ageMs = settleMs): void {',
        replace: 'sweepMs: number, ageMs = settleMs): void {\n    earliest = -Infinity;',
      },
    ],
    tests: ['test/property/settled-heads.test.ts'],
  },
  {
    name: 'page-skips-an-owner',
    what: 'the next page begins one owner too late',
    file: 'src/gossip/snapshot.ts',
    edits: [
      {
        find: 'next = index + 1 < owners.length || pull.until !== undefined ? owner : undefined;',
        replace: 'next = owners[index + 1];',
      },
    ],
    tests: ['test/property/one-exchange.test.ts'],
  },
  {
    name: 'impure-symbols-peeled',
    what: 'a coded symbol with a count of one is taken for one id, whatever its checksum',
    file: 'src/gossip/sketch-decoder.ts',
    edits: [{ find: 'if (this.#cells[at + 2] !== checksum(lo, hi)) return false;', replace: '' }],
    tests: [sketches],
  },
  {
    name: 'gap-never-asked',
    what: 'a rumor that came before its predecessor is forgotten',
    file: 'src/gossip/rumor.ts',
    edits: [{ find: 'if (held < gap.lastUpdate) this.#ask', replace: 'if (held < 0) this.#ask' }],
    tests: ['test/property/spread.test.ts'],
  },
  {
    name: 'repair-not-retold',
    what: 'what a repair brought is kept to oneself',
    file: 'src/gossip/engine.ts',
    edits: [
      {
        find: 'this.#rumors.tellOthers(owner, before, this.#links.greeted, peer);',
        replace: '',
      },
    ],
    tests: ['test/property/spread.test.ts'],
  },
  {
    name: 'own-head-ignored',
    what: 'a newer head of its own is nothing to a node',
    file: 'src/gossip/own-head.ts',
    edits: [
      {
        find: 'if (this.#mayReclaim()) this.#reclaim(head, []);',
        replace: '',
      },
    ],
    tests: ['test/gossip/own-head.test.ts'],
  },
  {
    name: 'adopts-the-first-past',
    what: 'a node without its database adopts from the first peer',
    file: 'src/gossip/rebirth.ts',
    edits: [{ find: 'const intervalsMin = 3;', replace: 'const intervalsMin = 1;' }],
    tests: ['test/gossip/rebirth.test.ts'],
  },
  {
    name: 'clones-both-stay',
    what: 'of two processes with one key neither ends',
    file: 'src/gossip/own-head.ts',
    edits: [
      {
        find: 'return compareBytes(a as Uint8Array, b as Uint8Array) < 0;',
        replace: 'return compareBytes(a as Uint8Array, b as Uint8Array) < Infinity;',
      },
    ],
    tests: ['test/property/clones.test.ts'],
  },
  {
    name: 'never-refutes',
    what: 'a node that is thought dead lets it be',
    file: 'src/gossip/engine.ts',
    edits: [{ find: 'if (hello.thoughtDead) this.#ownHeads.refute();', replace: '' }],
    tests: [],
  },
  {
    name: 'data-heads-revive',
    what: 'any newer head of a dead or left member revives it',
    file: 'src/membership/member.ts',
    edits: [
      {
        find: 'event.head.incarnation > member.incarnation ?',
        replace: 'event.head.incarnation >= member.incarnation ?',
      },
    ],
    tests: ['test/property/member.test.ts'],
  },
  {
    name: 'link-revives-who-left',
    what: 'a member that left lives again by a link of its old life',
    file: 'src/membership/member.ts',
    edits: [
      { find: "return member.state === 'left' ? 'left' : 'alive';", replace: "return 'alive';" },
    ],
    tests: ['test/property/member.test.ts'],
  },
  {
    name: 'lost-never-dialed',
    what: 'nobody dials those whom it thinks dead',
    file: links,
    edits: [{ find: '    this.#search.tick();\n', replace: '' }],
    tests: ['test/gossip/mass-death.test.ts'],
  },
  {
    name: 'all-dial-the-lost',
    what: 'each node dials one of the lost in each interval, however many live',
    file: 'src/gossip/dial-pace.ts',
    edits: [{ find: 'random.next() * living <', replace: 'random.next() * Math.min(1, living) <' }],
    tests: ['test/gossip/dial-pace.test.ts'],
  },
  {
    name: 'links-before-news',
    what: 'who has links enough makes more of them while many come back',
    file: 'src/gossip/dial-pace.ts',
    edits: [{ find: 'this.#returns > this.#neighborsK', replace: 'this.#returns < 0' }],
    tests: ['test/gossip/dial-pace.test.ts'],
  },
  {
    name: 'new-links-not-told',
    what: 'over a new link nothing is told before broadcasts pass over it',
    file: 'src/gossip/link-list.ts',
    edits: [{ find: 'const youngMs = 3_000;', replace: 'const youngMs = 0;' }],
    tests: ['test/gossip/rumor.test.ts'],
  },
  {
    name: 'strangers-never-asked',
    what: 'nobody asks a member that is no neighbor',
    file: 'src/gossip/engine.ts',
    edits: [
      {
        find: 'if (this.#rounds.isLookAround || this.isIsolated) this.#links.lookAround();',
        replace: '',
      },
    ],
    tests: ['test/gossip/links.test.ts'],
  },
  {
    name: 'lost-link-says-nothing',
    what: 'a lost link is not followed by a confirming dial',
    file: links,
    edits: [
      {
        find: 'if (this.#links.close(peer)) this.#doubt(peer);',
        replace: 'this.#links.close(peer);',
      },
    ],
    tests: ['test/property/spread.test.ts'],
  },
  {
    name: 'no-jitter',
    what: 'all rounds of gossip are equally long',
    file: 'src/gossip/rounds.ts',
    edits: [
      {
        find: 'random.jitter(config.gossipIntervalMs, intervalJitter)',
        replace: 'random.jitter(config.gossipIntervalMs, 0)',
      },
    ],
    tests: ['test/property/rounds.test.ts'],
  },
  {
    name: 'wrong-clock-kept',
    what: "a clock that is off from the peers' is never corrected",
    file: 'src/gossip/peer-clock.ts',
    edits: [
      {
        find: '    this.#isDue = false;\n',
        replace: '    this.#isDue = false;\n    if (present === 0) return present;\n',
      },
    ],
    tests: ['test/property/peer-clock.test.ts'],
  },
];

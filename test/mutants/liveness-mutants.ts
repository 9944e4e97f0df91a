/** Mistakes in how nodes watch each other, accuse and judge. */
import type { Mutant } from './mutant.ts';

const dockets = 'test/membership/docket.test.ts';
const watching = 'test/property/watching.test.ts';

const court = 'src/gossip/court.ts';
const docket = 'src/membership/docket.ts';
const prober = 'src/membership/prober.ts';

export const livenessMutants: readonly Mutant[] = [
  {
    name: 'one-accuser-is-enough',
    what: 'whoever is accused by one is dead after one window',
    file: 'src/membership/jury.ts',
    edits: [{ find: 'export const quorum = 3;', replace: 'export const quorum = 1;' }],
    tests: [dockets],
  },
  {
    name: 'no-time-to-refute',
    what: 'three accusers make dead at once',
    file: 'src/membership/jury.ts',
    edits: [{ find: 'quorumAtMs(testimonies) + anyMs,', replace: 'quorumAtMs(testimonies),' }],
    tests: ['test/membership/jury.test.ts'],
  },
  {
    name: 'suspicion-without-end',
    what: 'a confirmation is worth no more than an accusation',
    file: docket,
    edits: [
      { find: 'confirmedMs: confirmed ? countsAtMs : Infinity', replace: 'confirmedMs: Infinity' },
    ],
    tests: [dockets],
  },
  {
    name: 'token-not-checked',
    what: 'an accuser may make the token itself that lets it accuse',
    file: 'src/membership/accusation.ts',
    edits: [
      {
        find: "return verifier.verify(subject, 'disco/v1/token', cluster, token.body, token.signature);",
        replace: 'return token !== undefined && subject !== accuser;',
      },
    ],
    tests: ['test/membership/accusation.test.ts'],
  },
  {
    name: 'confirmed-in-no-time',
    what: 'a confirmation counts however soon it was signed',
    file: 'src/membership/accusation.ts',
    edits: [
      {
        find: "if (confirmed && at - since < suspicionFloorMs * 1000) return 'OUT_OF_RANGE';",
        replace: '',
      },
    ],
    tests: ['test/membership/accusation.test.ts'],
  },
  {
    name: 'nobody-is-mute',
    what: 'who was refuted goes on accusing',
    file: docket,
    edits: [
      { find: 'if (accusers.length > 0) this.#mutes', replace: 'if (nowMs < 0) this.#mutes' },
    ],
    tests: [dockets],
  },
  {
    name: 'restart-mutes',
    what: 'who accused a node that was killed is mute once it runs again',
    file: docket,
    edits: [{ find: ' && bootId === held.life.bootId;', replace: ' && bootId.length > 0;' }],
    tests: [dockets],
  },
  {
    name: 'first-accusers-are-kept',
    what: 'of more than 16 accusers those that came last are kept, whatever their rank',
    file: docket,
    edits: [
      {
        find: 'if (last !== undefined && last !== own && !isBefore(subject, accuser, last))',
        replace: 'if (last !== undefined && last !== own && accuser.length === 0)',
      },
    ],
    tests: ['test/membership/docket-elements.test.ts', 'test/property/docket.test.ts'],
  },
  {
    name: 'accusations-not-compared',
    what: 'accusations are no part of what digests compare',
    file: 'src/gossip/settled-heads.ts',
    edits: [
      {
        find: 'if (this.#accusations.has(name) === isHeld) return;',
        replace: 'if (this.#accusations.has(name) === isHeld || isHeld) return;',
      },
    ],
    tests: ['test/gossip/settled-heads.test.ts'],
  },
  {
    name: 'contested-retold',
    what: 'accusations against whom a node hears itself are spread all the same',
    file: court,
    edits: [
      {
        find: "if (this.#take(peer, sealed) !== 'accept') return;",
        replace: "if (!['accept', 'contested'].includes(this.#take(peer, sealed))) return;",
      },
    ],
    tests: ['test/gossip/court.test.ts'],
  },
  {
    name: 'late-is-believed-dead',
    what: 'of whom this node heard a moment ago three others are believed, once it is late',
    file: 'src/gossip/sentry.ts',
    edits: [{ find: 'this.#nowMs - heardAtMs >= silenceMs', replace: 'heardAtMs >= 0' }],
    tests: ['test/gossip/sentry.test.ts'],
  },
  {
    name: 'asked-asks-all',
    what: 'who looked because it was asked asks all of its neighbors to look',
    file: 'src/gossip/alarm.ts',
    edits: [{ find: 'random.sample(links, askedInTurn)', replace: 'links' }],
    tests: ['test/gossip/alarm.test.ts'],
  },
  {
    name: 'three-vouchers',
    what: 'of those without a link three others are asked, as of those with one',
    file: 'src/gossip/inquest.ts',
    edits: [{ find: 'const vouchersMax = 8;', replace: 'const vouchersMax = 3;' }],
    tests: ['test/gossip/inquest.test.ts'],
  },
  {
    name: 'silence-told-late',
    what: 'a silence is told after as long a pause as a refusal',
    file: 'src/gossip/charges.ts',
    edits: [{ find: "reason === 'silent'", replace: "reason === 'nothing'" }],
    tests: ['test/gossip/charges.test.ts'],
  },
  {
    name: 'vouch-ignored',
    what: 'what others say for a peer that does not answer is nothing',
    file: prober,
    edits: [
      {
        find: 'if (probed?.nonce === nonce && probed.hasAsked(from)) this.#lives',
        replace: 'if (probed?.nonce === nonce && from === subject) this.#lives',
      },
    ],
    tests: ['test/membership/prober.test.ts'],
  },
  {
    name: 'deaf-judges',
    what: 'whether those that were asked are heard themselves does not matter',
    file: prober,
    edits: [
      {
        find: "if (!probed.isAttested) return this.#enter(probed, 'unheard', nowMs);",
        replace: '',
      },
    ],
    tests: ['test/membership/prober.test.ts'],
  },
  {
    name: 'probes-are-hasty',
    what: 'a pong is waited for 100 ms',
    file: 'src/membership/probed-peer.ts',
    edits: [{ find: 'leastMs: 500,', replace: 'leastMs: 100,' }],
    tests: ['test/membership/prober.test.ts', 'test/property/false-silence.test.ts'],
  },
  {
    name: 'frozen-judges',
    what: 'a node that was frozen itself goes on as if it had listened',
    file: prober,
    edits: [
      { find: "if (waking === 'prompt') return;", replace: "if (waking !== 'late') return;" },
    ],
    tests: ['test/membership/prober.test.ts', 'test/property/false-silence.test.ts'],
  },
  {
    name: 'isolated-accuses',
    what: 'a node that hears nobody accuses all the others',
    file: 'src/gossip/vigil.ts',
    edits: [
      { find: 'isDoubtful: () => this.#sentry.isIsolated,', replace: 'isDoubtful: () => false,' },
      {
        find: "if (reason === 'silent' && isDeaf) {",
        replace: "if (reason === 'refused' && isDeaf) {",
      },
    ],
    tests: [watching],
  },
  {
    name: 'deaf-dials-count',
    what: 'a dial that began when nobody was heard speaks against whom it was to reach',
    file: 'src/gossip/dialer.ts',
    edits: [{ find: "dial.isDeaf ? 'deaf' : 'sound'", replace: "'sound'" }],
    tests: [watching],
  },
  {
    name: 'doubtful-never-rests',
    what: 'a node that hears nobody wakes for what it could not do, again and again',
    file: 'src/gossip/charges.ts',
    edits: [{ find: 'if (this.#hooks.isDoubtful()) return Infinity;\n', replace: '\n' }],
    tests: ['test/gossip/charges.test.ts'],
  },
  {
    name: 'hand-over-skipped',
    what: 'a peer that is heard again is not told what it is accused of',
    file: court,
    edits: [{ find: '    this.#handOver(peer);\n', replace: '' }],
    tests: [watching],
  },
  {
    name: 'accusations-not-answered',
    what: 'a node that is accused lets it be',
    file: 'src/gossip/engine.ts',
    edits: [{ find: 'accused: () => this.#ownHeads.answer(),', replace: 'accused: () => {},' }],
    tests: [watching],
  },
  {
    name: 'accused-is-believed-dead',
    what: 'whoever hears a node believes others that do not',
    file: court,
    edits: [{ find: "isKnownBetter ? 'none' : found", replace: 'found' }],
    tests: [watching],
  },
];

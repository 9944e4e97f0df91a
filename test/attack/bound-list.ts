/** Every bound of the gossip, with the tests that go one over it; read by bounds.test.ts. */
import { defaults } from '../../src/daemon/config-options.ts';
import { dismissalsMax, dismissalsOfOneMax } from '../../src/gossip/dismissals.ts';
import { fieldsMax, frameBytesMax } from '../../src/gossip/message.ts';
import { rumorAccusationsMax } from '../../src/gossip/message-reader.ts';
import { rumorBytesMax } from '../../src/gossip/message.ts';
import { servedMax } from '../../src/gossip/snapshot.ts';
import { stagedBytesMax } from '../../src/gossip/staging.ts';
import { OwnerRate } from '../../src/gossip/owner-rate.ts';
import { accusationBytesMax } from '../../src/membership/accusation.ts';
import { accusationsMax, accusationsPerMinuteMax } from '../../src/membership/docket.ts';
import { accusersMax } from '../../src/membership/docket.ts';
import { muteAccusersMax, muteSubjectsMax } from '../../src/membership/mutes.ts';

const mebibyte = 1024 * 1024;

interface Bound {
  readonly what: string;
  readonly value: number;
  readonly is: number;
  /** `file: name of the test`, a name as it stands in the source. */
  readonly goesOver: readonly string[];
}

const here = 'attack/bounds';
export const bounds: readonly Bound[] = [
  {
    what: 'bytes of a record',
    value: 8_192,
    is: defaults.recordBytesMax,
    goesOver: [
      `${here}: a record of 8 KiB is taken, and one byte more is not`,
      'registry/registry-bounds: a record may be as large as recordBytesMax',
      'registry/registry-bounds: an own record over recordBytesMax is refused with both sizes',
    ],
  },
  {
    what: 'bytes of a head',
    value: 2_048,
    is: defaults.headBytesMax,
    goesOver: [
      `${here}: a head of 2 KiB is taken, and one byte more is not`,
      'registry/registry-bounds: facts that would make a head too large for everyone are refused',
    ],
  },
  {
    what: 'records of one owner',
    value: 10_000,
    is: defaults.recordsPerOwnerMax,
    goesOver: [
      `${here}: an owner of 10,000 records is taken, and one of 10,001 is not`,
      'registry/registry-bounds: an owner may have as many records as recordsPerOwnerMax',
    ],
  },
  {
    what: 'bytes of one owner',
    value: 16 * mebibyte,
    is: defaults.bytesPerOwnerMax,
    goesOver: [
      `${here}: an owner of over 16 MiB is not taken, however it is cut`,
      'registry/registry-bounds: an owner may have as many bytes as bytesPerOwnerMax',
      'gossip/staging: more of one owner than it may have is given up',
    ],
  },
  {
    what: 'bytes of deltas whose last chunk has not come',
    value: 64 * mebibyte,
    is: stagedBytesMax,
    goesOver: [
      'gossip/staging: of all that is staged, one byte over the total, the longest untouched is given up',
      'gossip/staging: as many peers as may be connected stage no more than 64 MiB between them',
    ],
  },
  {
    what: 'owners at a node',
    value: 100_000,
    is: defaults.headsMax,
    goesOver: ['registry/registry-bounds: over headsMax a new owner is refused'],
  },
  {
    what: 'records at a node',
    value: 1_000_000,
    is: defaults.recordsMax,
    goesOver: ['registry/registry-bounds: over recordsMax a new owner is refused'],
  },
  {
    what: 'bytes of records at a node',
    value: 1_024 * mebibyte,
    is: defaults.bytesMax,
    goesOver: ['registry/registry-bounds: over bytesMax a new owner is refused'],
  },
  {
    what: 'tombstones of this node',
    value: 1_000,
    is: defaults.tombstonesMax,
    goesOver: ['registry/registry-leases: one tombstone over tombstonesMax lets the older half go'],
  },
  {
    what: 'bytes of a frame',
    value: mebibyte,
    is: frameBytesMax,
    goesOver: [
      'gossip/message: a frame over the bound is refused before it is decoded',
      'gossip/frame-stream: a length over the bound ends the stream before the frame is read',
      'gossip/packing: a page may unpack to a frame, and to not one byte more',
    ],
  },
  {
    what: 'fields of a frame',
    value: 16_384,
    is: fieldsMax,
    goesOver: ['attack/frames: ${fieldsMax} fields are taken, and one more is not'],
  },
  {
    what: 'bytes of a rumor',
    value: 64 * 1024,
    is: rumorBytesMax,
    goesOver: [
      `${here}: a rumor of 64 KiB has its records, and over it only its head is told`,
      'attack/frames: a broadcast rumor has bounds of its own',
    ],
  },
  {
    what: 'rumors of one owner at once',
    value: 200,
    is: burst(),
    goesOver: ['gossip/owner-rate: 200 at once are taken, then 100 a second'],
  },
  {
    what: 'accusations at a node',
    value: 100_000,
    is: accusationsMax,
    goesOver: [
      'membership/docket-elements: over the bound of all of them new ones are refused, and those held go on',
    ],
  },
  {
    what: 'accusers of one subject',
    value: 16,
    is: accusersMax,
    goesOver: ['membership/docket-elements: of one subject ${accusersMax} accusers are kept'],
  },
  {
    what: 'accusations of one accuser at once',
    value: 60,
    is: accusationsPerMinuteMax,
    goesOver: ['membership/docket-elements: of one accuser ${accusationsPerMinuteMax} are taken'],
  },
  {
    what: 'accusations in a rumor',
    value: 64,
    is: rumorAccusationsMax,
    goesOver: ['gossip/message-reader: ${rumorAccusationsMax} accusations are taken in a rumor'],
  },
  {
    what: 'bytes of an accusation',
    value: 512,
    is: accusationBytesMax,
    goesOver: [
      'membership/accusation: a body of 512 bytes is read, and one byte more is malformed',
    ],
  },
  {
    what: 'subjects of whom an accuser is mute',
    value: 1_000,
    is: muteSubjectsMax,
    goesOver: ['membership/mutes: ${muteSubjectsMax} subjects are remembered'],
  },
  {
    what: 'accusers that are mute about one subject',
    value: 64,
    is: muteAccusersMax,
    goesOver: ['membership/mutes: ${muteAccusersMax} accusers of one subject are remembered'],
  },
  {
    what: 'dials at once',
    value: 16,
    is: defaults.pendingDialsMax,
    goesOver: ['gossip/dialer: no more dials than the bound are pending'],
  },
  {
    what: 'pulls served at once',
    value: 2,
    is: servedMax,
    goesOver: ['gossip/snapshot: a ${servedMax + 1}rd puller is told that ${servedMax} are served'],
  },
  {
    what: 'dismissals of one signer in an hour',
    value: 250,
    is: dismissalsOfOneMax,
    goesOver: [
      'gossip/dismissals: of one signer ${dismissalsOfOneMax} are taken in an hour, and one more is not',
    ],
  },
  {
    what: 'dismissals held',
    value: 1_000,
    is: dismissalsMax,
    goesOver: [
      'gossip/dismissals: ${dismissalsMax} are held, whoever signed them, until they are over',
    ],
  },
  {
    what: 'watchers',
    value: 10_000,
    is: defaults.watchersMax,
    goesOver: ['api/watch: one watcher over the bound is refused'],
  },
  {
    what: 'changes that a watcher may be behind',
    value: 10_000,
    is: defaults.watchLagMax,
    goesOver: [
      'api/watch: a reader that takes no more and is one change over the bound is cut off',
    ],
  },
  {
    what: 'changes kept to resume from',
    value: 100_000,
    is: defaults.changeFeedMax,
    goesOver: ['registry/registry-bounds: the feed keeps changeFeedMax events'],
  },
  {
    what: 'peers connected at once',
    value: 300,
    is: defaults.connectionsMax,
    goesOver: [
      'attack/sockets: one peer over connectionsMax finds no place, and those in keep theirs',
    ],
  },
];

/** Each row of the table in PROTOCOL.md: what of `bounds` it is, or its own tests. */
export const rows: Readonly<Record<string, readonly string[]>> = {
  record: ['bytes of a record'],
  head: ['bytes of a head'],
  'records of one owner': ['records of one owner', 'bytes of one owner'],
  owners: ['owners at a node'],
  'records in all': ['records at a node', 'bytes of records at a node'],
  'frame, rumor': ['bytes of a frame', 'bytes of a rumor'],
  'unsent bytes to one peer': [
    'gossip/frame-stream: a peer that does not read makes the writer wait, then refuse',
  ],
  'records of deltas whose last chunk has not come: of one, of all': [
    'bytes of one owner',
    'bytes of deltas whose last chunk has not come',
  ],
  'remembered peers': [
    'registry/peer-book: ${rememberedPeersMax} living ones are enough: one more is not remembered',
  ],
  'coded symbols': ['gossip/answerer: one symbol over those that are kept is beyond'],
  'symbols in one batch': [
    'gossip/answerer: a trickle of symbols, each decoded with all before it, is malformed',
  ],
  'fields of a frame, rumor or page': ['fields of a frame'],
  'body of a digest, characters of a refusal': [
    'gossip/digest: a body of 256 bytes is read, whatever a later version adds',
    "attack/names: refusal('n'.repeat(1_001))",
  ],
  'versions in a pull, a page unpacked': [
    'gossip/snapshot: what is held is told 2,048 versions at a time',
    'gossip/packing: a page may unpack to a frame, and to not one byte more',
  ],
  'pulls served at once, pulls from one peer': [
    'pulls served at once',
    'gossip/snapshot: one pull a peer a minute, but for those that were not served',
  ],
  'body of a token, of an accusation': [
    'membership/accusation: a token of 192 bytes is read, whatever a later version adds',
    'bytes of an accusation',
  ],
  'answers to `hello`s on top of the first, of one peer': [
    'gossip/greetings: two that answer each other without end are answered four times, then each minute',
  ],
  'accusations in one rumor': ['accusations in a rumor'],
  'new accusations of one accuser': ['accusations of one accuser at once'],
  'accusations of itself that a node answers': [
    'gossip/refutation: 64 lies after each other are answered at once, then one a second',
  ],
  'heads asked of one peer because it accuses lives that are not held': [
    'gossip/court: for a life that is not held its head is asked for, not more often than 16 times',
  ],
  'accusations at a node': ['accusations at a node'],
  'subjects about whom somebody is mute, accusers of one': [
    'subjects of whom an accuser is mute',
    'accusers that are mute about one subject',
  ],
  'links beyond the own plan': [
    'gossip/link-list: ${linksBeyondPlan} links beyond the plan are accepted, the next is sent on',
  ],
  'peers struck or banned, owners whose rate is known': [
    'gossip/bans: of 1,001 peers the one that was struck longest ago is forgotten',
    'gossip/owner-rate: who has been quiet is forgotten, and 10,001 owners are one too many',
  ],
  'clones: turns between two boot ids within 10 min': [
    'registry/boot-pins: of two clones the one with the larger hash of its boot id is refused',
    'registry/boot-pins: turns count within the window, and a pin lasts as long',
  ],
  'heads refused for a bound that are not asked for again for a minute': [
    'gossip/wants: ${turnedAwayMax} are remembered, and one over lets the oldest be asked for again',
  ],
  'evidence of equivocation': [
    'registry/evidence: pairs of ${evidenceMax} owners are kept, and one over is not',
  ],
  'a hold; services named as held by a status, an HTTP header': [
    'registry/brake: a hold ends after holdMaxMs, lets all of it go, and does not begin again',
    'api/service-marks: Status names a hundred held services and counts them all',
    'api/service-marks: over HTTP the marks of an answer are headers',
  ],
  'dismissals held, of one signer in an hour': [
    'dismissals held',
    'dismissals of one signer in an hour',
  ],
  'body of a dismissal': ['membership/dismissal: a body may be 256 bytes long, and not one more'],
  'tokens and times of peers that are kept': [
    'gossip/tokens: a thousand tokens are kept, and one over lets the oldest go',
    'gossip/peer-clock: 1000 peers are kept, and one more is not',
  ],
  'questions for others held of one asker, of all': [
    'membership/vouchings: one asker has at most ${vouchingsPerAskerMax} held',
    'membership/vouchings: at most ${vouchingsMax} are held of all',
  ],
  'pending dials, gaps waited for': [
    'dials at once',
    'gossip/rumor: a gap over the 10,000 that are remembered is left to the digests',
  ],
};

/** How many rumors of one owner are taken in one moment. */
function burst(): number {
  const rate = new OwnerRate();
  let taken = 1;
  while (rate.take('owner', 0)) taken += 1;
  return taken;
}

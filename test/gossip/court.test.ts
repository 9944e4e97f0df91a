import t from 'tap';
import { Court } from '../../src/gossip/court.ts';
import { SettledHeads } from '../../src/gossip/settled-heads.ts';
import { Tokens } from '../../src/gossip/tokens.ts';
import { isSignedByBoth, readAccusation } from '../../src/membership/accusation.ts';
import type { Accusation } from '../../src/membership/accusation.ts';
import { suspicionMs } from '../../src/membership/jury.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { cluster, signerOf } from '../record/fixtures.ts';
import { sendWhole } from '../registry/fixtures.ts';
import { accusationBy, self, tokenOf, VigilBench } from './vigil-bench.ts';

/** Longest pause before an accusation is told, at the round trip of this bench. */
const pauseMs = 1_000;
const subjectKey = 2;
const subject = signerOf(subjectKey).owner;

interface Hooked {
  accused: number;
  readonly looked: OwnerId[];
  readonly convicted: OwnerId[];
  readonly asked: OwnerId[];
  readonly refused: string[];
  readonly doubted: string[];
}

class Bench extends VigilBench {
  readonly tokens = new Tokens(this.context);
  readonly heads = new SettledHeads(cluster, 64);
  readonly court: Court;
  readonly hooked: Hooked = {
    accused: 0,
    looked: [],
    convicted: [],
    asked: [],
    refused: [],
    doubted: [],
  };
  /** Over whose living links something came lately. */
  readonly heard = new Set<OwnerId>();
  /** Of these who owes an answer. */
  readonly late = new Set<OwnerId>();
  isDoubtful = false;
  rttMs: number | undefined = 10;

  constructor(others = 9) {
    super(others);
    const { hooked } = this;
    this.heads.follow(this.registry, 0);
    this.heads.settle(0, 0, 1_000);
    this.court = new Court(this.context, this.tokens, this.heads, {
      isHeard: (peer) => this.heard.has(peer),
      isLate: (peer) => this.late.has(peer),
      doubt: (peer) => void hooked.doubted.push(peer),
      greeted: () => [...this.heard],
      isDoubtful: () => this.isDoubtful,
      roundTrip: () => ({ recentMs: this.rttMs, leastMs: this.rttMs }),
      accused: () => void hooked.accused++,
      look: (subject) => void hooked.looked.push(subject),
      convicted: (peer) => void hooked.convicted.push(peer),
      ask: (_, owner) => void hooked.asked.push(owner),
      refused: (_, reason) => void hooked.refused.push(reason),
    });
  }

  /** Does all that is due until then. */
  runTo(ms: number): void {
    while (this.court.wakeAtMs <= ms) {
      this.setTime(Math.max(this.nowMs, this.court.wakeAtMs));
      this.court.wake();
      this.court.follow();
    }
    this.setTime(ms);
  }

  hear(...accusers: number[]): void {
    for (const key of accusers)
      this.court.hear(signerOf(key).owner, accusationBy(signerOf(key), signerOf(2), this.nowMs));
    this.court.follow();
  }

  sentTo(): OwnerId[] {
    return this.sent().map(({ peer }) => peer);
  }

  /** The subject comes back with a higher incarnation. */
  reincarnate(): void {
    const [owner] = this.owners;
    owner?.move([{ kind: 'reincarnate', above: 1 }], this.context.now);
    if (owner !== undefined) sendWhole(this.registry, owner.state, this.context.now);
    this.court.follow();
  }
}

/** A node that has the subject's token. */
function observer(): Bench {
  const bench = new Bench();
  bench.tokens.take(subject, tokenOf(subjectKey, self, 0));
  bench.setTime(1_000);
  return bench;
}

function open(sealed: Sealed): Accusation {
  const read = readAccusation(sealed, { latest: Number.MAX_SAFE_INTEGER, earliest: 0 });
  if (read.kind === 'refused') throw new Error(read.reason);
  if (!isSignedByBoth(read.value, cluster, ed25519Verifier)) throw new Error('badly signed');
  return read.value.accusation;
}

t.test('what this node found out is signed and told after a short pause', (t) => {
  const bench = observer();
  t.equal(bench.court.wakeAtMs, Infinity);
  t.equal(bench.court.accuse(subject, 'refused'), true);
  t.strictSame(bench.told(), [], 'others may be first');
  t.ok(bench.court.wakeAtMs <= 1_000 + 20, 'twice a round trip at most');
  bench.runTo(1_000 + pauseMs);
  const told = bench.told().map(open);
  t.match(told, [{ subject, accuser: self, reason: 'refused', confirmed: false, incarnation: 1 }]);
  t.equal(bench.stateOf(subject), 'suspect');
  t.match(bench.court.accusersOf(subject), [{ accuser: self }]);
  t.equal(bench.context.counters.get('accusations_made'), 1);
  bench.runTo(3_000);
  t.equal(bench.court.accuse(subject, 'refused'), true, 'said again it is the same');
  bench.runTo(4_000);
  t.strictSame(bench.told(), []);
  t.end();
});

t.test('without a token, with an old one, or in doubt of itself a node accuses nobody', (t) => {
  const tokenless = new Bench();
  const late = observer();
  late.setTime(600_001);
  const doubtful = observer();
  doubtful.isDoubtful = true;
  for (const bench of [tokenless, late, doubtful]) {
    t.equal(bench.court.accuse(subject, 'silent'), false);
    t.equal(bench.context.counters.get('accusations_withheld'), 1);
    t.equal(bench.court.wakeAtMs, Infinity);
  }
  t.end();
});

t.test(
  'an accuser alone confirms after the suspicion time, and is believed a second later',
  (t) => {
    const bench = observer();
    bench.court.accuse(subject, 'silent');
    bench.runTo(1_000 + pauseMs);
    bench.told();
    const suspectMs = suspicionMs(bench.registry.ownersHeld, 0);
    bench.runTo(1_000 + suspectMs - 1);
    t.strictSame(bench.told(), []);
    bench.runTo(1_000 + suspectMs);
    const [confirmed] = bench.told().map(open);
    t.equal(confirmed?.confirmed, true);
    t.ok((confirmed?.at ?? 0) - (confirmed?.since ?? 0) >= suspectMs * 1_000 - 1);
    t.equal(bench.stateOf(subject), 'suspect');
    bench.runTo(1_000 + suspectMs + 1_000);
    t.equal(bench.stateOf(subject), 'dead');
    t.strictSame(bench.hooked.convicted, [subject]);
    t.equal(bench.court.accusersOf(subject).length, 1, 'the confirmed one in place of the first');
    t.end();
  },
);

t.test('in a small cluster who hears that one was refused looks for itself', (t) => {
  for (const [others, reason, looked] of [
    [9, 'refused', [subject]],
    [9, 'silent', []],
    [70, 'refused', []],
  ] as const) {
    const bench = new Bench(others);
    const accusation = accusationBy(signerOf(3), signerOf(2), 0, { reason });
    bench.court.hear(signerOf(3).owner, accusation);
    t.strictSame(bench.hooked.looked, looked);
  }
  const bench = new Bench();
  bench.heard.add(subject);
  bench.court.hear(signerOf(3).owner, accusationBy(signerOf(3), signerOf(2), 0));
  t.strictSame(bench.hooked.looked, [], 'not whom it hears');
  t.end();
});

t.test('the suspicion time shrinks when another accuses it too', (t) => {
  const bench = observer();
  bench.court.accuse(subject, 'silent');
  bench.runTo(1_000 + pauseMs);
  bench.hear(3);
  bench.told();
  const sooner = suspicionMs(bench.registry.ownersHeld, 1);
  t.ok(sooner < suspicionMs(bench.registry.ownersHeld, 0));
  bench.runTo(1_000 + sooner);
  t.match(bench.told().map(open), [{ confirmed: true }]);
  t.end();
});

t.test('three others are enough: it is dead a window later, and nothing is added', (t) => {
  const bench = observer();
  bench.hear(3, 4);
  t.equal(bench.stateOf(subject), 'suspect');
  bench.hear(5);
  bench.court.accuse(subject, 'silent');
  bench.runTo(1_000 + 39);
  t.equal(bench.stateOf(subject), 'suspect', 'four round trips are its time to answer');
  bench.runTo(1_000 + 40);
  t.equal(bench.stateOf(subject), 'dead');
  bench.runTo(60_000);
  t.strictSame(bench.told(), []);
  t.end();
});

t.test('whom this node hears it does not believe dead, and hands the accusation to it', (t) => {
  const bench = observer();
  bench.heard.add(subject);
  bench.heard.add(signerOf(9).owner);
  bench.hear(3, 4, 5);
  bench.runTo(10_000);
  t.equal(bench.stateOf(subject), 'alive');
  const toIt = bench.sent().filter(({ peer }) => peer === subject);
  t.ok(toIt.length >= 3 && toIt.every(({ frame }) => frame.kind === 'accusation'));
  bench.heard.delete(subject);
  bench.court.lost(subject);
  t.equal(bench.stateOf(subject), 'dead', 'now the others know better');
  bench.heard.add(subject);
  bench.court.heard(subject);
  t.strictSame(bench.sentTo(), [subject, subject, subject], 'who is back has to know of it');
  t.end();
});

t.test(
  'whom this node hears it asks at once, and believes three others when no answer comes',
  (t) => {
    const bench = observer();
    bench.heard.add(subject);
    bench.hear(3);
    t.strictSame(bench.hooked.doubted, [subject]);
    bench.late.add(subject);
    bench.court.lost(subject);
    t.equal(bench.stateOf(subject), 'alive', 'one accuser is not enough for that');
    bench.late.delete(subject);
    bench.hear(4, 5);
    bench.runTo(bench.nowMs + 2_000);
    t.equal(bench.stateOf(subject), 'alive', 'it has answered');
    bench.late.add(subject);
    bench.court.lost(subject);
    t.equal(bench.stateOf(subject), 'dead');
    t.strictSame(
      bench.hooked.convicted,
      [subject],
      'the link is hung up: it comes back over another',
    );
    t.end();
  },
);

t.test('who is heard again before it was told is not accused', (t) => {
  const bench = observer();
  bench.court.accuse(subject, 'silent');
  bench.court.heard(subject);
  bench.runTo(60_000);
  t.strictSame(bench.told(), []);
  bench.court.accuse(subject, 'silent');
  bench.heard.add(subject);
  bench.runTo(120_000);
  t.strictSame(bench.told(), []);
  t.equal(bench.court.wakeAtMs, Infinity);
  t.end();
});

t.test('a higher incarnation ends the charge, and absolves', (t) => {
  const bench = observer();
  bench.court.accuse(subject, 'silent');
  bench.runTo(1_000 + pauseMs);
  bench.told();
  bench.reincarnate();
  t.equal(bench.stateOf(subject), 'alive');
  t.strictSame(bench.court.accusersOf(subject), []);
  bench.runTo(60_000);
  t.strictSame(bench.told(), []);
  t.equal(bench.stateOf(subject), 'alive');
  t.end();
});

t.test('who is cut off before it has told anybody accuses nobody, then or later', (t) => {
  const bench = observer();
  bench.court.accuse(subject, 'silent');
  bench.isDoubtful = true;
  for (let ms = 1_000; ms <= 20_000; ms += 1_000) {
    bench.runTo(ms);
    bench.court.tick();
  }
  bench.isDoubtful = false;
  bench.runTo(60_000);
  t.strictSame(bench.told(), []);
  t.equal(bench.court.wakeAtMs, Infinity);
  t.end();
});

t.test('who is cut off after that confirms nothing before it has listened for long enough', (t) => {
  const bench = observer();
  bench.court.accuse(subject, 'silent');
  bench.runTo(1_000 + pauseMs);
  bench.told();
  bench.isDoubtful = true;
  for (let ms = 2_000; ms <= 30_000; ms += 1_000) {
    bench.runTo(ms);
    bench.court.tick();
  }
  t.strictSame(bench.told(), []);
  t.ok(bench.court.wakeAtMs > bench.nowMs, 'and does not wake up for nothing');
  bench.isDoubtful = false;
  const suspectMs = suspicionMs(bench.registry.ownersHeld, 0);
  bench.runTo(30_000 + suspectMs - 1);
  t.strictSame(bench.told(), []);
  bench.runTo(30_000 + suspectMs);
  t.match(bench.told().map(open), [{ confirmed: true }]);
  t.end();
});

t.test('this node hears that it is accused, and is reminded until it has answered', (t) => {
  const bench = new Bench();
  const { incarnation = 0 } = bench.registry.member(self) ?? {};
  const sealed = accusationBy(signerOf(3), signerOf(1), 0, { incarnation });
  bench.court.hear(signerOf(4).owner, sealed);
  t.equal(bench.hooked.accused, 1);
  bench.court.tick();
  t.equal(bench.hooked.accused, 2);
  bench.runTo(60_000);
  t.equal(bench.stateOf(self), 'alive', 'it knows better');
  t.end();
});

t.test('what is new is passed on to all but its sender, and only once', (t) => {
  const bench = new Bench();
  const [a, b, c] = [4, 5, 6].map((key) => signerOf(key).owner) as [OwnerId, OwnerId, OwnerId];
  for (const peer of [a, b, c]) bench.heard.add(peer);
  const sealed = accusationBy(signerOf(3), signerOf(2), 0);
  bench.court.hear(a, sealed);
  t.strictSame(bench.sentTo(), [b, c]);
  bench.court.hear(b, sealed);
  t.strictSame(bench.sent(), []);
  t.equal(bench.court.hearRumor(b, [sealed]), 'ignore');
  const other = accusationBy(signerOf(7), signerOf(2), 0);
  t.equal(bench.court.hearRumor(b, [sealed, other]), 'accept', 'gossipsub passes it on');
  t.equal(bench.court.hearRumor(b, [{ ...other, signature: new Uint8Array(64) }]), 'ignore');
  const forged = { ...accusationBy(signerOf(8), signerOf(2), 0), signature: new Uint8Array(64) };
  t.equal(bench.court.hearRumor(b, [forged]), 'reject');
  t.strictSame(bench.hooked.refused, ['BAD_SIGNATURE']);
  t.equal(bench.registry.refusals.get('BAD_SIGNATURE'), 1);
  t.end();
});

t.test('what is new against one that this node hears goes to that one alone', (t) => {
  const bench = new Bench();
  for (const key of [2, 4, 5]) bench.heard.add(signerOf(key).owner);
  bench.hear(3);
  t.strictSame(bench.sentTo(), [subject]);
  t.equal(bench.court.accusersOf(subject).length, 1, 'and it is held, so that digests tell it');
  t.end();
});

t.test('for a life that is not held its head is asked for, not more often than 16 times', (t) => {
  const bench = new Bench();
  const peer = signerOf(4).owner;
  const hear = (incarnation: number): void =>
    bench.court.hear(peer, accusationBy(signerOf(3), signerOf(2), 0, { incarnation }));
  hear(2);
  t.strictSame(bench.hooked.asked, [subject]);
  for (let incarnation = 3; incarnation < 100; incarnation++) hear(incarnation);
  t.equal(bench.hooked.asked.length, 16);
  t.equal(bench.stateOf(subject), 'alive');
  t.end();
});

t.test('accusations are elements of what is compared, and go with their subject', (t) => {
  const bench = new Bench();
  const { sketch } = bench.heads;
  const before = sketch.count;
  bench.hear(3, 4);
  t.equal(sketch.count, before + 2);
  bench.reincarnate();
  t.equal(sketch.count, before);
  t.end();
});

t.test('what nobody takes any more is dropped in time', (t) => {
  const bench = new Bench();
  bench.court.tick();
  bench.hear(3);
  t.equal(bench.court.accusersOf(subject).length, 1);
  bench.setTime(bench.context.config.reapAfterMs + 1_000);
  bench.court.tick();
  bench.court.follow();
  t.strictSame(bench.court.accusersOf(subject), []);
  t.equal(bench.stateOf(subject), 'alive', 'and its subject is absolved');
  t.end();
});

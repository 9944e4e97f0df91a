import t from 'tap';
import { Links } from '../../src/gossip/links.ts';
import { SettledHeads } from '../../src/gossip/settled-heads.ts';
import { Vigil } from '../../src/gossip/vigil.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { cluster, signerOf } from '../record/fixtures.ts';
import { accusationBy, self, tokenOf, VigilBench } from './vigil-bench.ts';

class Bench extends VigilBench {
  readonly links: Links;
  readonly vigil: Vigil;
  readonly refused: string[] = [];
  accused = 0;

  constructor(others = 6) {
    super(others);
    this.links = new Links(this.context, [], {
      isDoubtful: () => this.vigil.isDoubtful,
      isIsolated: () => this.vigil.isIsolated,
      isSilent: (peer) => this.vigil.isSilent(peer),
      found: (peer, reason) => this.vigil.found(peer, reason),
      missing: (peer) => this.vigil.missing(peer),
    });
    const heads = new SettledHeads(cluster, 64);
    this.vigil = new Vigil(this.context, this.links, heads, {
      accused: () => void this.accused++,
      ask: () => undefined,
      refused: (_, reason) => void this.refused.push(reason),
    });
  }

  greet(...peers: readonly OwnerId[]): void {
    for (const peer of peers) {
      this.links.linked(peer);
      this.links.greet(peer);
      this.vigil.greeted(peer);
    }
  }

  /** As the engine does with a link that broke. */
  lose(peer: OwnerId): void {
    this.links.unlinked(peer);
    this.vigil.unlinked(peer, 'lost');
  }

  /** Does all that is due until then; peers answer pings, but not those that are deaf. */
  runTo(ms: number, deaf: readonly OwnerId[] = []): void {
    while (this.vigil.wakeAtMs <= ms) {
      this.setTime(Math.max(this.nowMs, this.vigil.wakeAtMs));
      this.vigil.wake();
      this.vigil.follow();
      this.links.follow();
      for (const { peer, frame } of this.sent())
        if (frame.kind === 'ping' && !deaf.includes(peer))
          this.vigil.on(peer, { kind: 'pong', nonce: frame.nonce });
    }
    this.setTime(ms);
  }

  kindsTo(peer: OwnerId): string[] {
    return this.sent().flatMap((sent) => (sent.peer === peer ? [sent.frame.kind] : []));
  }
}

t.test('a peer that is greeted gets a token, and is probed from then on', (t) => {
  const bench = new Bench();
  const [peer] = bench.peers as [OwnerId];
  t.equal(bench.vigil.wakeAtMs, Infinity);
  bench.greet(peer);
  t.ok(bench.kindsTo(peer).includes('token'));
  t.ok(bench.vigil.wakeAtMs <= bench.context.config.probeIntervalMs);
  bench.runTo(3_000);
  t.equal(bench.vigil.rttMs(peer), 0);
  bench.setTime(300_000);
  bench.vigil.tick();
  t.ok(bench.kindsTo(peer).includes('token'), 'and another one in time');
  t.end();
});

t.test('a lost link that cannot be had again is dead here at once, and told to others', (t) => {
  const bench = new Bench();
  const [lost] = bench.peers as [OwnerId];
  bench.greet(...bench.peers);
  bench.vigil.on(lost, { kind: 'token', sealed: tokenOf(2, self, 0) });
  bench.runTo(2_000);
  bench.lose(lost);
  t.strictSame(bench.dials(), [lost], 'one more dial');
  const addresses = bench.registry.state(lost)?.head.head.facts.addresses ?? [];
  bench.links.dialFailed({ peer: lost, addresses }, 'refused');
  t.equal(bench.stateOf(lost), 'dead');
  bench.runTo(4_000);
  t.equal(bench.told().length, 1);
  t.match(bench.vigil.accusersOf(lost), [{ accuser: self, reason: 'refused' }]);
  t.end();
});

t.test('a peer that answers nobody is accused, and hung up once three say so', (t) => {
  const bench = new Bench();
  const [mute] = bench.peers as [OwnerId];
  bench.greet(...bench.peers);
  bench.vigil.on(mute, { kind: 'token', sealed: tokenOf(2, self, 0) });
  bench.runTo(5_000);
  bench.vigil.tick();
  bench.runTo(9_000, [mute]);
  t.ok(bench.vigil.isSilent(mute));
  t.equal(bench.stateOf(mute), 'suspect');
  t.match(bench.vigil.accusersOf(mute), [{ accuser: self, reason: 'silent' }]);
  const accusations = [4, 5].map((key) => accusationBy(signerOf(key), signerOf(2), bench.nowMs));
  t.equal(bench.vigil.rumor(signerOf(4).owner, accusations), 'accept');
  bench.runTo(9_900, [mute]);
  t.equal(bench.stateOf(mute), 'dead');
  t.strictSame(bench.hungUp(), [mute]);
  t.end();
});

t.test('a word of a silent peer makes it alive again, and it hears what it was accused of', (t) => {
  const bench = new Bench();
  const [mute] = bench.peers as [OwnerId];
  bench.greet(...bench.peers);
  bench.vigil.on(mute, { kind: 'token', sealed: tokenOf(2, self, 0) });
  bench.runTo(5_000);
  bench.runTo(9_000, [mute]);
  bench.sent();
  bench.vigil.heard(mute);
  t.equal(bench.stateOf(mute), 'alive');
  t.notOk(bench.vigil.isSilent(mute));
  t.ok(bench.kindsTo(mute).includes('accusation'));
  t.end();
});

t.test('others are asked about who cannot be dialed, and nobody vouches: it is dead', (t) => {
  const bench = new Bench();
  const [missing, ...others] = bench.peers as [OwnerId, ...OwnerId[]];
  bench.greet(...others);
  bench.sent();
  bench.vigil.missing(missing);
  t.equal(bench.sent().filter(({ frame }) => frame.kind === 'askVouch').length, others.length);
  bench.runTo(bench.context.config.dialTimeoutMs + 2_000);
  t.equal(bench.stateOf(missing), 'dead');
  t.end();
});

t.test('others are asked about who cannot be dialed, and one vouches: it lives', (t) => {
  const bench = new Bench();
  const [missing, ...others] = bench.peers as [OwnerId, ...OwnerId[]];
  bench.greet(...others);
  bench.sent();
  bench.vigil.missing(missing);
  const question = bench.sent().find(({ frame }) => frame.kind === 'askVouch');
  const nonce = question?.frame.kind === 'askVouch' ? question.frame.nonce : -1;
  bench.vigil.on(question?.peer ?? '', { kind: 'vouch', subject: missing, nonce });
  bench.runTo(30_000);
  t.equal(bench.stateOf(missing), 'alive');
  t.end();
});

t.test('who is isolated looks for nobody and accuses nobody', (t) => {
  const bench = new Bench();
  const [first, second] = bench.peers as [OwnerId, OwnerId];
  bench.greet(first);
  bench.vigil.on(first, { kind: 'token', sealed: tokenOf(2, self, 0) });
  t.notOk(bench.vigil.isIsolated);
  bench.lose(first);
  t.ok(bench.vigil.isIsolated);
  bench.sent();
  bench.vigil.missing(second);
  t.strictSame(bench.sent(), []);
  t.equal(bench.vigil.found(first, 'silent'), false);
  t.end();
});

t.test('frames go where they belong, and what is refused is counted and told', (t) => {
  const bench = new Bench();
  const [peer] = bench.peers as [OwnerId];
  bench.greet(peer);
  bench.vigil.on(peer, { kind: 'token', sealed: tokenOf(3, self, 0) });
  t.strictSame(bench.refused, ['OWNER_MISMATCH']);
  t.equal(bench.registry.refusals.get('OWNER_MISMATCH'), 1);
  const { incarnation = 0 } = bench.registry.member(self) ?? {};
  const sealed = accusationBy(signerOf(3), signerOf(1), 0, { incarnation });
  bench.vigil.on(peer, { kind: 'accusation', sealed });
  t.equal(bench.accused, 1);
  const forged = { ...accusationBy(signerOf(4), signerOf(1), 0, { incarnation }) };
  bench.vigil.on(peer, {
    kind: 'accusation',
    sealed: { ...forged, signature: new Uint8Array(64) },
  });
  t.strictSame(bench.refused, ['OWNER_MISMATCH', 'BAD_SIGNATURE']);
  t.equal(bench.accused, 1);
  t.end();
});

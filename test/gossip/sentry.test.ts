import t from 'tap';
import { Sentry } from '../../src/gossip/sentry.ts';
import { signerOf } from '../record/fixtures.ts';
import { VigilBench } from './vigil-bench.ts';

interface Said {
  readonly silent: string[];
  readonly speaks: string[];
  readonly dialFor: string[];
}

class Bench extends VigilBench {
  readonly said: Said = { silent: [], speaks: [], dialFor: [] };
  readonly sentry: Sentry;
  /** Those about whom others were asked. */
  readonly late = new Set<string>();
  /** Those who answer nothing. */
  readonly deaf = new Set<string>();

  constructor(others = 5) {
    super(others);
    this.sentry = new Sentry(this.context, {
      silent: (peer) => void this.said.silent.push(peer),
      late: (peer) => void this.late.add(peer),
      speaks: (peer) => void this.said.speaks.push(peer),
      dialFor: (subject) => void this.said.dialFor.push(subject),
    });
    for (const peer of this.peers) this.sentry.greeted(peer);
  }

  /** Lets time pass; peers answer pings after 1 ms, unless they are deaf. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      const nextMs = Math.min(endMs, Math.max(this.nowMs, this.sentry.wakeAtMs));
      this.setTime(nextMs);
      this.sentry.wake();
      const pings = this.sent().filter(({ frame, peer }) => {
        return frame.kind === 'ping' && !this.deaf.has(peer);
      });
      if (pings.length > 0) this.setTime(this.nowMs + 1);
      for (const { peer, frame } of pings)
        if (frame.kind === 'ping') this.sentry.on(peer, { kind: 'pong', nonce: frame.nonce });
    }
  }
}

t.test('peers that were greeted are pinged, and their answers give the round trip', (t) => {
  const bench = new Bench();
  const [peer] = bench.peers as [string];
  t.equal(bench.sentry.roundTrip(peer)?.smoothedMs, undefined);
  bench.run(5_000);
  for (const each of bench.peers) t.equal(bench.sentry.roundTrip(each)?.smoothedMs, 1);
  t.strictSame(bench.said, { silent: [], speaks: [], dialFor: [] });
  t.end();
});

t.test('a ping is answered with its nonce', (t) => {
  const bench = new Bench();
  const [peer] = bench.peers as [string];
  bench.sent();
  bench.sentry.on(peer, { kind: 'ping', nonce: 7 });
  t.strictSame(bench.sent(), [{ peer, frame: { kind: 'pong', nonce: 7 } }]);
  t.end();
});

t.test('who answers nobody is silent once it is sure, and speaks with its next word', (t) => {
  const bench = new Bench();
  const [peer, other] = bench.peers as [string, string];
  bench.run(5_000);
  bench.deaf.add(peer);
  bench.run(1_100);
  t.strictSame(bench.said.silent, []);
  bench.run(3_000);
  t.strictSame(bench.said.silent, [peer]);
  t.equal(bench.context.counters.get('peers_silent'), 1);
  t.ok(bench.sentry.isSilent(peer));
  t.notOk(bench.sentry.isSilent(other));
  bench.sentry.heard(peer);
  t.strictSame(bench.said.speaks, [peer]);
  t.notOk(bench.sentry.isSilent(peer));
  t.end();
});

t.test('who is said to be silent is pinged at once, and late before it is silent', (t) => {
  const bench = new Bench();
  const [peer, other] = bench.peers as [string, string];
  bench.run(5_000);
  bench.deaf.add(peer);
  bench.sent();
  for (const each of [peer, other]) bench.sentry.doubted(each);
  const pinged = bench.sent();
  t.strictSame(
    pinged.map(({ peer: to, frame }) => [to, frame.kind]),
    [
      [peer, 'ping'],
      [other, 'ping'],
    ],
  );
  bench.sentry.doubted(peer);
  t.strictSame(bench.sent(), [], 'one ping is enough');
  bench.sentry.heard(other);
  t.notOk(bench.sentry.isLate(peer), 'it has its time');
  bench.run(400);
  t.strictSame([...bench.late], [peer]);
  t.notOk(bench.sentry.isLate(peer), 'it was heard less than 1.2 s ago');
  bench.run(810);
  t.ok(bench.sentry.isLate(peer));
  t.notOk(bench.sentry.isLate(other));
  bench.run(2_000);
  t.ok(bench.sentry.isLate(peer) && bench.sentry.isSilent(peer));
  bench.sentry.heard(peer);
  t.notOk(bench.sentry.isLate(peer));
  t.end();
});

t.test('others are asked about who does not answer, and their word is enough', (t) => {
  const bench = new Bench();
  const [peer] = bench.peers as [string];
  bench.run(5_000);
  bench.deaf.add(peer);
  const questions: { peer: string; nonce: number }[] = [];
  for (let step = 0; step < 200 && questions.length === 0; step++) {
    bench.setTime(bench.sentry.wakeAtMs);
    bench.sentry.wake();
    for (const { peer: through, frame } of bench.sent()) {
      if (frame.kind === 'askVouch') questions.push({ peer: through, nonce: frame.nonce });
      if (frame.kind === 'ping' && through !== peer)
        bench.sentry.on(through, { kind: 'pong', nonce: frame.nonce });
    }
  }
  t.equal(questions.length, 3);
  const [{ peer: voucher, nonce }] = questions as [{ peer: string; nonce: number }];
  bench.sentry.on(voucher, { kind: 'vouch', subject: peer, nonce });
  bench.deaf.delete(peer);
  bench.run(3_000);
  t.strictSame(bench.said.silent, []);
  t.end();
});

t.test('asked for a peer this node vouches once it hears it; for others it dials', (t) => {
  const bench = new Bench();
  const [asker, subject] = bench.peers as [string, string];
  bench.sent();
  bench.sentry.on(asker, { kind: 'askVouch', subject, nonce: 7 });
  const [ping] = bench.sent();
  t.match(ping, { peer: subject, frame: { kind: 'ping' } });
  bench.setTime(bench.nowMs + 2);
  bench.sentry.heard(subject);
  t.strictSame(bench.sent(), [{ peer: asker, frame: { kind: 'vouch', subject, nonce: 7 } }]);
  const stranger = signerOf(99).owner;
  bench.sentry.on(asker, { kind: 'askVouch', subject: stranger, nonce: 8 });
  t.strictSame(bench.said.dialFor, [stranger]);
  bench.sentry.greeted(stranger);
  t.strictSame(
    bench.sent().filter(({ peer }) => peer === asker),
    [{ peer: asker, frame: { kind: 'vouch', subject: stranger, nonce: 8 } }],
  );
  t.end();
});

t.test('who hears nobody is isolated and calls nobody silent', (t) => {
  const bench = new Bench();
  bench.run(5_000);
  t.notOk(bench.sentry.isIsolated);
  for (const peer of bench.peers) bench.deaf.add(peer);
  bench.run(20_000);
  t.ok(bench.sentry.isIsolated);
  t.strictSame(bench.said.silent, []);
  bench.sentry.heard(bench.peers[0] as string);
  t.notOk(bench.sentry.isIsolated);
  t.end();
});

t.test('links that were lost leave it isolated, links that were ended do not', (t) => {
  for (const how of ['lost', 'ended'] as const) {
    const bench = new Bench(1);
    const [peer] = bench.peers as [string];
    bench.sentry.unlinked(peer, how);
    t.equal(bench.sentry.isIsolated, how === 'lost');
    t.equal(bench.sentry.wakeAtMs, Infinity);
  }
  t.end();
});

t.test('who was woken much too late doubts itself', (t) => {
  const bench = new Bench();
  bench.run(5_000);
  t.notOk(bench.sentry.isDoubtful);
  bench.setTime(bench.nowMs + 10_000);
  bench.sentry.wake();
  t.ok(bench.sentry.isDoubtful);
  t.strictSame(bench.said.silent, []);
  t.end();
});

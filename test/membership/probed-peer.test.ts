import t from 'tap';
import { ProbedPeer } from '../../src/membership/probed-peer.ts';

/** With a link of 20 ms that is as regular as can be. */
function steady(): ProbedPeer {
  const peer = new ProbedPeer();
  for (let i = 0; i < 50; i++) {
    peer.noteQuestion(i, i * 100);
    peer.answered(i, i * 100 + 20, -Infinity);
  }
  return peer;
}

t.test('while nothing is known of the link, each phase has a second more or less', (t) => {
  const peer = new ProbedPeer();
  t.equal(peer.roundTrip.smoothedMs, undefined);
  t.equal(peer.dueMs(1), Infinity, 'it rests');
  peer.begin(7, 10_000);
  t.equal(peer.dueMs(1), 11_000);
  peer.ask(['a'], 11_000);
  t.equal(peer.dueMs(1), 11_000 + 700 + 1_000);
  t.end();
});

t.test('on a known link the phases last 500 ms, and 700 ms and a round trip', (t) => {
  const peer = steady();
  t.equal(peer.roundTrip.smoothedMs, 20);
  peer.begin(7, 10_000);
  t.equal(peer.dueMs(1), 10_500);
  t.equal(peer.dueMs(3), 11_500, 'three times as long for a node that doubts itself');
  peer.ask(['a'], 10_500);
  t.equal(peer.dueMs(1), 11_220);
  t.equal(peer.dueMs(3), 10_500 + 3 * 720);
  for (const phase of ['silent', 'unheard', 'resting'] as const) {
    peer.enter(phase, 11_220);
    t.equal(peer.dueMs(1), Infinity, phase);
  }
  t.end();
});

t.test('a voucher that is late to read the question has its 700 ms all the same', (t) => {
  const peer = steady();
  peer.begin(7, 10_000);
  peer.ask(['a', 'b'], 10_500);
  t.equal(peer.isAttested, false);
  t.equal(peer.attest('a', 10_499, 10_600), false, 'it answers what was sent before');
  t.equal(peer.attest('c', 10_500, 10_600), false, 'it was not asked');
  t.equal(peer.attest('b', 10_500, 10_700), true);
  t.equal(peer.attest('a', 10_500, 10_900), false, 'the first one counts');
  t.equal(peer.isAttested, true);
  t.equal(peer.dueMs(1), 11_400);
  t.end();
});

t.test('a voucher whose link went was not asked', (t) => {
  const peer = steady();
  peer.begin(7, 10_000);
  peer.ask(['a', 'b'], 10_500);
  peer.forgetVoucher('a');
  t.strictSame([peer.hasAsked('a'), peer.hasAsked('b')], [false, true]);
  t.end();
});

t.test('only a probe under way is attested', (t) => {
  const peer = steady();
  peer.begin(7, 10_000);
  t.equal(peer.attest('a', 10_500, 10_600), false, 'it waits');
  peer.ask(['a'], 10_500);
  peer.enter('unheard', 11_220);
  t.equal(peer.attest('a', 10_500, 12_000), true);
  peer.begin(8, 13_000);
  peer.ask(['a'], 13_500);
  t.equal(peer.isAttested, false, 'and every probe anew');
  t.end();
});

t.test('time that was not listened to moves what is due, and nothing else', (t) => {
  const peer = steady();
  peer.begin(7, 10_000);
  peer.defer(300);
  t.equal(peer.dueMs(1), 10_800);
  peer.ask(['a'], 10_800);
  peer.attest('a', 10_800, 11_400);
  peer.defer(50);
  t.equal(peer.dueMs(1), 12_150);
  t.end();
});

t.test('a pong is measured against its own ping, and settles those before it', (t) => {
  const peer = new ProbedPeer();
  peer.noteQuestion(1, 0);
  peer.noteQuestion(2, 1_000);
  peer.noteQuestion(3, 2_000);
  t.equal(peer.answered(2, 2_500, -Infinity), 1_000);
  t.equal(peer.roundTrip.smoothedMs, 1_500);
  t.equal(peer.answered(1, 2_500, -Infinity), undefined);
  t.equal(peer.answered(2, 2_500, -Infinity), undefined, 'each counts once');
  t.equal(peer.answered(3, 3_500, -Infinity), 2_000);
  t.end();
});

t.test('a pong to what was sent before this node was late is no measurement', (t) => {
  const peer = new ProbedPeer();
  peer.noteQuestion(1, 1_000);
  t.equal(peer.answered(1, 9_000, 8_990), 1_000);
  t.equal(peer.roundTrip.smoothedMs, undefined);
  t.end();
});

t.test('of five pings on their way the oldest is forgotten', (t) => {
  const peer = new ProbedPeer();
  for (const nonce of [1, 2, 3, 4]) {
    t.equal(peer.isAskedEnough, false);
    peer.noteQuestion(nonce, nonce);
  }
  t.equal(peer.isAskedEnough, true);
  peer.noteQuestion(5, 5);
  t.equal(peer.answered(1, 10, 0), undefined);
  t.equal(peer.answered(2, 10, 0), 2);
  t.end();
});

t.test('what was asked without a nonce is measured too, one at a time', (t) => {
  const peer = new ProbedPeer();
  peer.noteQuestion(undefined, 0);
  t.equal(peer.answered(7, 10, -Infinity), undefined, 'a pong answers only its ping');
  peer.noteQuestion(undefined, 1_000);
  t.equal(peer.answered(undefined, 1_020, -Infinity), 1_000, 'the older one was passed over');
  t.equal(peer.roundTrip.smoothedMs, 20);
  t.equal(peer.answered(undefined, 1_020, -Infinity), undefined);
  t.end();
});

t.test('a ping of an earlier probe is none of this one', (t) => {
  const peer = new ProbedPeer();
  peer.noteQuestion(1, 0);
  peer.begin(1, 0);
  t.equal(peer.isPinged, true);
  peer.enter('resting', 10);
  peer.noteQuestion(undefined, 1_000);
  peer.begin(2, 1_000);
  t.equal(peer.isPinged, false);
  peer.noteQuestion(3, 1_500);
  t.equal(peer.isPinged, true);
  t.end();
});

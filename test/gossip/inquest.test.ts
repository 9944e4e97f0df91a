import t from 'tap';
import { Inquests } from '../../src/gossip/inquest.ts';
import { signerOf } from '../record/fixtures.ts';
import { VigilBench } from './vigil-bench.ts';

const subject = signerOf(99).owner;

function make(others = 5): { bench: VigilBench; inquests: Inquests } {
  const bench = new VigilBench(others);
  return { bench, inquests: new Inquests(bench.context) };
}

/** Who was asked, and the nonce of the question. */
function asked(bench: VigilBench): { peers: string[]; nonce: number } {
  const questions = bench.sent();
  const nonces = questions.map(({ frame }) => (frame.kind === 'askVouch' ? frame.nonce : -1));
  return { peers: questions.map(({ peer }) => peer), nonce: nonces[0] ?? -1 };
}

t.test('eight others are asked, once, and when nobody vouches in time it is over', (t) => {
  const { bench, inquests } = make(12);
  t.equal(inquests.wakeAtMs, Infinity);
  inquests.begin(subject, bench.peers);
  const { peers } = asked(bench);
  t.equal(new Set(peers).size, 8);
  t.ok(peers.every((peer) => bench.peers.includes(peer)));
  inquests.begin(subject, bench.peers);
  t.strictSame(bench.sent(), [], 'it is under way');
  const untilMs = inquests.wakeAtMs;
  t.ok(untilMs >= bench.context.config.dialTimeoutMs + 500, 'a dial of theirs has its time');
  bench.setTime(untilMs - 1);
  t.strictSame(inquests.takeOver(), []);
  bench.setTime(untilMs);
  t.strictSame(inquests.takeOver(), [subject]);
  t.strictSame(inquests.takeOver(), []);
  t.equal(inquests.wakeAtMs, Infinity);
  t.end();
});

t.test('the word of one who was asked ends it, and no other word does', (t) => {
  const { bench, inquests } = make(12);
  inquests.begin(subject, bench.peers);
  const { peers, nonce } = asked(bench);
  const [voucher] = peers as [string];
  const stranger = bench.peers.find((peer) => !peers.includes(peer)) as string;
  t.notOk(inquests.vouched(stranger, subject, nonce));
  t.notOk(inquests.vouched(voucher, subject, nonce + 1));
  t.notOk(inquests.vouched(voucher, signerOf(98).owner, nonce));
  t.ok(inquests.vouched(voucher, subject, nonce));
  t.notOk(inquests.vouched(voucher, subject, nonce), 'it is over');
  bench.setTime(60_000);
  t.strictSame(inquests.takeOver(), []);
  t.end();
});

t.test('without anybody to ask nothing is found out', (t) => {
  const { bench, inquests } = make();
  inquests.begin(subject, []);
  bench.setTime(60_000);
  t.strictSame(inquests.takeOver(), []);
  inquests.begin(subject, bench.peers.slice(0, 1));
  t.equal(asked(bench).peers.length, 1, 'one is better than none');
  t.end();
});

t.test('64 are under way at once, and one more waits for the next failed dial', (t) => {
  const { bench, inquests } = make();
  const subjects = Array.from({ length: 65 }, (_, index) => signerOf(100 + index).owner);
  for (const each of subjects) inquests.begin(each, bench.peers);
  t.equal(bench.sent().length, 64 * 5, 'all five that there are');
  bench.setTime(60_000);
  t.strictSame(inquests.takeOver(), subjects.slice(0, 64));
  inquests.begin(subjects[64] as string, bench.peers);
  t.equal(bench.sent().length, 5);
  t.end();
});

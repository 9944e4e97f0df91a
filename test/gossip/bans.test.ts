import t from 'tap';
import { Bans, banSentence } from '../../src/gossip/bans.ts';
import { refusalReasons } from '../../src/record/verdict.ts';

const minuteMs = 60_000;

t.test('the third message that no honest relay can send brings a ban of ten minutes', (t) => {
  const bans = new Bans();
  t.equal(bans.note('a', 'BAD_SIGNATURE', 0), undefined);
  t.equal(bans.note('a', 'MALFORMED', 1_000), undefined);
  t.equal(bans.at('a', 1_000), undefined);
  const ban = { reason: 'OWNER_MISMATCH', untilMs: 2_000 + 10 * minuteMs } as const;
  t.strictSame(bans.note('a', 'OWNER_MISMATCH', 2_000), ban);
  t.strictSame(bans.at('a', 2_000 + 10 * minuteMs - 1), ban);
  t.equal(bans.at('b', 2_000), undefined, 'nobody else');
  t.equal(bans.at('a', 2_000 + 10 * minuteMs), undefined, 'then it is forgiven');
  t.equal(bans.note('a', 'BAD_SIGNATURE', 11 * minuteMs), undefined, 'and begins anew');
  t.end();
});

t.test('a ban is told once, and what comes while it holds does not make it longer', (t) => {
  const bans = new Bans();
  const brought = [0, 1, 2, 3, 4, 5, 6].map((atMs) => bans.note('a', 'BAD_SIGNATURE', atMs));
  t.equal(brought.filter((ban) => ban !== undefined).length, 1);
  t.equal(bans.at('a', 100)?.untilMs, 2 + 10 * minuteMs);
  t.end();
});

t.test('two in ten minutes are forgiven', (t) => {
  const bans = new Bans();
  for (let minute = 0; minute < 100; minute += 6)
    t.equal(bans.note('a', 'BAD_SIGNATURE', minute * minuteMs), undefined);
  t.end();
});

t.test('clocks, ages, bounds and what may be chance never count', (t) => {
  const counted = refusalReasons.filter((reason) => {
    const bans = new Bans();
    return [1, 2, 3].map((atMs) => bans.note('a', reason, atMs)).some((ban) => ban !== undefined);
  });
  t.strictSame(counted.sort(), [
    'BAD_SIGNATURE',
    'DECOMPRESS_LIMIT',
    'FRAME_TOO_LARGE',
    'INVALID_NAME',
    'MALFORMED',
    'OWNER_MISMATCH',
    'ROOT_MISMATCH',
    'TOO_MANY_FIELDS',
  ]);
  t.end();
});

t.test('of 1,001 peers the one that was struck longest ago is forgotten', (t) => {
  const bans = new Bans();
  for (let peer = 0; peer < 1_000; peer++) bans.note(`peer ${peer}`, 'MALFORMED', peer);
  t.equal(bans.size, 1_000);
  bans.note('peer 0', 'MALFORMED', 2_000);
  bans.note('one more', 'MALFORMED', 2_001);
  t.equal(bans.size, 1_000);
  t.ok(bans.note('peer 0', 'MALFORMED', 2_002), 'its two strikes are remembered');
  bans.note('peer 1', 'MALFORMED', 2_003);
  t.equal(bans.note('peer 1', 'MALFORMED', 2_004), undefined, 'this one began anew');
  t.end();
});

t.test('the sentence says why and for how long', (t) => {
  const sentence = banSentence({ reason: 'BAD_SIGNATURE', untilMs: 90_500 }, 500);
  t.match(sentence, /banned for another 90 s: .*\(BAD_SIGNATURE\) 3 times/);
  t.end();
});

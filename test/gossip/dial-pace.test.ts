/** Links that are missing are gone for at once, those beyond one after the other. */
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { DialPace, isLostDue } from '../../src/gossip/dial-pace.ts';

const neighborsK = 8;

/** How many neighbors are dialed in one interval by who has so many links. */
function dialedAt(links: number, pace: DialPace): number {
  pace.begin();
  let dialed = 0;
  for (; pace.hasRoom(links); dialed++) pace.note();
  return dialed;
}

for (const [links, dialed] of [
  [0, 8],
  [3, 5],
  [7, 1],
])
  t.test(`with ${links} links ${dialed} are gone for at once`, (t) => {
    const pace = new DialPace(neighborsK, seededRandom(1));
    for (let interval = 0; interval < 50; interval++)
      t.equal(dialedAt(links as number, pace), dialed);
    t.end();
  });

t.test('with K links or more one in two intervals', (t) => {
  const pace = new DialPace(neighborsK, seededRandom(2));
  const dialed = Array.from({ length: 1_000 }, (_, links) => dialedAt(8 + (links % 9), pace));
  t.strictSame(new Set(dialed), new Set([0, 1]));
  const sum = dialed.reduce((total, count) => total + count, 0);
  t.ok(sum > 440 && sum < 560, `${sum} in 1,000 intervals`);
  t.end();
});

t.test('none beyond K while more than K come back in an interval', (t) => {
  const pace = new DialPace(neighborsK, seededRandom(4));
  for (let interval = 0; interval < 50; interval++) {
    for (let back = 0; back <= neighborsK; back++) pace.noteReturn();
    t.equal(dialedAt(neighborsK, pace), 0);
    for (let back = 0; back <= neighborsK; back++) pace.noteReturn();
    t.equal(dialedAt(2, pace), neighborsK - 2, 'what is missing is missing');
  }
  const calm = Array.from({ length: 50 }, () => {
    for (let back = 0; back < neighborsK; back++) pace.noteReturn();
    return dialedAt(neighborsK, pace);
  });
  t.strictSame(new Set(calm), new Set([0, 1]));
  t.end();
});

t.test('before the first interval only what is missing', (t) => {
  t.notOk(new DialPace(neighborsK, seededRandom(3)).hasRoom(neighborsK));
  t.ok(new DialPace(neighborsK, seededRandom(3)).hasRoom(neighborsK - 1));
  t.end();
});

for (const living of [1, 4, 25, 1_000, 10_000])
  t.test(`${living} living nodes dial some four of the lost an interval`, (t) => {
    const random = seededRandom(living);
    const intervals = 400_000 / living;
    let dialed = 0;
    for (let turn = 0; turn < intervals * living; turn++)
      if (isLostDue(living, random)) dialed += 1;
    const expected = Math.min(4, living);
    const { abs } = Math;
    t.ok(abs(dialed / intervals - expected) <= 0.8, `${dialed / intervals} an interval`);
    t.end();
  });

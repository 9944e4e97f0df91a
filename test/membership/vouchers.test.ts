import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import type { Phase } from '../../src/membership/probed-peer.ts';
import { chooseVouchers } from '../../src/membership/vouchers.ts';

const choose = (phases: Readonly<Record<string, Phase>>, randomSeed = 1): string[] => {
  const peers = new Map(Object.entries(phases).map(([peer, phase]) => [peer, { phase }]));
  return chooseVouchers(peers, 'subject', seededRandom(randomSeed)).sort();
};

t.test('three of those of whom nothing bad is known are asked, and any of them', (t) => {
  const phases = { subject: 'waiting', a: 'resting', b: 'resting', c: 'resting', d: 'resting' };
  const seen = Array.from({ length: 20 }, (_, seed) => choose(phases as never, seed));
  t.ok(seen.every((vouchers) => vouchers.length === 3 && !vouchers.includes('subject')));
  t.strictSame(new Set(seen.flat()), new Set(['a', 'b', 'c', 'd']));
  t.end();
});

t.test('when they are too few, those whose own probe is under way are asked as well', (t) => {
  t.strictSame(choose({ a: 'resting', b: 'waiting', c: 'vouching', d: 'silent' }), ['a', 'b', 'c']);
  t.end();
});

t.test('the silent and the unheard are never asked', (t) => {
  t.strictSame(choose({ subject: 'waiting', a: 'silent', b: 'unheard' }), []);
  t.strictSame(choose({}), []);
  t.end();
});

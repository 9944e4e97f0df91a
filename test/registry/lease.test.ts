import t from 'tap';
import { Leases } from '../../src/registry/lease.ts';

function lease(ttlMs: number, deregisterAfterMs = 0): Leases {
  const leases = new Leases();
  leases.set('a', ttlMs, deregisterAfterMs, 100);
  return leases;
}

const nothing = { missed: [], expired: [] };

t.test('a lease is missed once its ttl is over, and not a moment before', (t) => {
  const leases = lease(1_000);
  t.strictSame(leases.due(1_099), nothing);
  t.strictSame(leases.due(1_100), { missed: ['a'], expired: [] });
  t.end();
});

t.test('a miss is due until it is told, and then no more', (t) => {
  const leases = lease(1_000);
  t.strictSame(leases.due(2_000), { missed: ['a'], expired: [] });
  t.strictSame(leases.due(2_001), { missed: ['a'], expired: [] });
  leases.noteTold('a', 2_001);
  t.strictSame(leases.due(9_000_000), nothing);
  t.end();
});

t.test('a renewed lease runs anew from then, and can be missed again', (t) => {
  const leases = lease(1_000);
  leases.noteTold('a', 1_100);
  t.equal(leases.renew('a', 5_000), 1_000);
  t.strictSame(leases.due(5_999), nothing);
  t.strictSame(leases.due(6_000), { missed: ['a'], expired: [] });
  t.end();
});

t.test('deregisterAfterMs after the miss it expires, until it is dropped', (t) => {
  const leases = lease(1_000, 500);
  leases.due(1_100);
  leases.noteTold('a', 1_100);
  t.strictSame(leases.due(1_599), nothing);
  t.strictSame(leases.due(1_600), { missed: [], expired: ['a'] });
  t.strictSame(leases.due(1_601), { missed: [], expired: ['a'] });
  leases.drop('a');
  t.strictSame(leases.due(1_602), nothing);
  t.equal(leases.renew('a', 1_603), undefined);
  t.end();
});

t.test('after a long sleep a lease is missed and expired at once', (t) => {
  t.strictSame(lease(1_000, 500).due(1_600), { missed: ['a'], expired: ['a'] });
  t.end();
});

t.test('without deregisterAfterMs it never expires, without a ttl there is no lease', (t) => {
  t.strictSame(lease(1_000).due(Number.MAX_SAFE_INTEGER).expired, []);
  const leases = lease(1_000);
  leases.set('a', 0, 500, 200);
  t.strictSame(leases.due(9_000_000), nothing);
  t.equal(leases.renew('a', 300), undefined);
  t.end();
});

t.test('leases do not touch each other, and unknown ones are no error', (t) => {
  const leases = lease(1_000);
  leases.set('b', 2_000, 0, 100);
  leases.drop('x');
  leases.noteTold('x', 200);
  t.equal(leases.renew('x', 1), undefined);
  leases.drop('a');
  t.strictSame(leases.due(2_100), { missed: ['b'], expired: [] });
  t.end();
});

t.test('what was renewed, told or dropped in between comes due when it should', (t) => {
  const leases = lease(1_000, 500);
  t.strictSame(leases.due(1_099), nothing);
  leases.renew('a', 600);
  t.strictSame(leases.due(1_599), nothing, 'looked at too early, and again later');
  t.strictSame(leases.due(1_600), { missed: ['a'], expired: [] });
  t.strictSame(leases.due(1_601), { missed: ['a'], expired: [] }, 'until it is noted as told');
  leases.noteTold('a', 1_601);
  t.strictSame(leases.due(2_099), nothing);
  t.strictSame(leases.due(2_100), { missed: [], expired: ['a'] });
  leases.renew('a', 2_100);
  t.strictSame(leases.due(3_100), { missed: ['a'], expired: [] });
  t.end();
});

t.test(
  'a lease is missed from its end on until it is renewed, also when nobody was told yet',
  (t) => {
    const leases = lease(1_000);
    t.equal(leases.isMissed('a', 1_099), false);
    t.equal(leases.isMissed('a', 1_100), true);
    leases.noteTold('a', 1_099);
    t.strictSame(leases.due(1_100), { missed: ['a'], expired: [] }, 'told too early is not told');
    leases.renew('a', 1_200);
    t.equal(leases.isMissed('a', 1_200), false);
    t.equal(leases.isMissed('x', 1_200), false);
    t.end();
  },
);

t.test('one that was missed in an earlier life is told already, and expires all the same', (t) => {
  const leases = new Leases();
  leases.set('a', 1_000, 500, 100, true);
  t.equal(leases.isMissed('a', 100), true);
  t.strictSame(leases.due(1_599), nothing);
  t.strictSame(leases.due(1_600), { missed: [], expired: ['a'] });
  leases.renew('a', 1_600);
  t.equal(leases.isMissed('a', 1_600), false);
  t.end();
});

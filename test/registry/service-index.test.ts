import t from 'tap';
import type { ServiceRecord } from '../../src/record/record.ts';
import type { Instance } from '../../src/registry/instance.ts';
import { ServiceIndex } from '../../src/registry/service-index.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';

const make = (instanceId: string, fields: Partial<ServiceRecord> = {}): Instance => ({
  record: makeRecord({ instanceId, ...fields }),
  node: 'n',
});
const ids = (instances: readonly Instance[]) => instances.map(({ record }) => record.instanceId);
const departure = { at: 7, reason: 'deregistered' as const };

function indexOf(...instances: Instance[]): ServiceIndex {
  const index = new ServiceIndex();
  for (const instance of instances) index.put(instance);
  return index;
}

t.test('an empty index answers with nothing, whatever is asked', (t) => {
  const index = new ServiceIndex();
  t.equal(index.count, 0);
  t.strictSame(index.list(), []);
  t.strictSame(index.list('shop', 'cart'), []);
  t.strictSame(index.service('shop', 'cart'), []);
  t.equal(index.get('shop', 'cart', 'o', 'a'), undefined);
  t.equal(index.departure('shop', 'cart'), undefined);
  t.equal(index.isConflict(make('a')), false);
  t.end();
});

t.test('lists are sorted, of all, a group or a service', (t) => {
  const index = indexOf(
    make('b'),
    make('a'),
    make('x', { name: 'pay' }),
    make('y', { group: 'math', name: 'cart' }),
  );
  t.strictSame(ids(index.list()), ['y', 'a', 'b', 'x']);
  t.strictSame(ids(index.list('shop')), ['a', 'b', 'x']);
  t.strictSame(ids(index.list('shop', 'cart')), ['a', 'b']);
  t.strictSame(ids(index.list(undefined, 'cart')), ['y', 'a', 'b']);
  t.strictSame(ids(index.service('shop', 'cart')), ['a', 'b']);
  t.strictSame(ids(index.list('none')), []);
  t.equal(index.count, 4);
  t.end();
});

t.test('a put replaces the instance of the same owner and id', (t) => {
  const index = indexOf(make('a'), make('a', { port: 81 }));
  t.equal(index.count, 1);
  t.equal(index.get('shop', 'cart', signerOf(1).owner, 'a')?.record.port, 81);
  index.put(make('a', { owner: signerOf(2).owner }));
  t.equal(index.count, 2, 'another owner may use the same id');
  t.end();
});

t.test('instances are counted by health, also when it changes and in a fork', (t) => {
  const index = indexOf(make('a'), make('b', { health: 'critical' }), make('c'));
  t.strictSame(index.healths, { passing: 2, warning: 0, critical: 1, maintenance: 0 });
  index.put(make('a', { health: 'warning' }));
  const fork = index.fork();
  fork.remove(make('b'), departure);
  fork.remove(make('nobody'), departure);
  t.strictSame(fork.healths, { passing: 1, warning: 1, critical: 0, maintenance: 0 });
  t.strictSame(index.healths, { passing: 1, warning: 1, critical: 1, maintenance: 0 });
  t.end();
});

t.test('a list that was given out stays as it was', (t) => {
  const index = indexOf(make('a'));
  const before = index.service('shop', 'cart');
  index.put(make('b'));
  index.remove(make('a'), departure);
  t.strictSame(ids(before), ['a']);
  t.strictSame(ids(index.service('shop', 'cart')), ['b']);
  t.end();
});

t.test('when the last instance goes it is known since when and why, until one comes', (t) => {
  const index = indexOf(make('a'), make('b'));
  index.remove(make('a'), departure);
  t.equal(index.departure('shop', 'cart'), undefined);
  index.remove(make('b'), { at: 8, reason: 'owner_dead' });
  const last = { at: 8, reason: 'owner_dead', instanceId: 'b', node: 'n' };
  t.strictSame(index.departure('shop', 'cart'), last);
  index.remove(make('b'), departure);
  t.strictSame(index.departure('shop', 'cart'), last, 'it went once');
  index.put(make('c'));
  t.equal(index.departure('shop', 'cart'), undefined);
  t.end();
});

t.test('ten thousand departures are remembered, and one over lets the oldest go', (t) => {
  const index = new ServiceIndex();
  for (let i = 0; i <= 10_000; i++) {
    const instance = make('a', { name: `s${i}` });
    index.put(instance);
    index.remove(instance, departure);
  }
  t.equal(index.departure('shop', 's0'), undefined);
  t.match(index.departure('shop', 's1'), departure);
  t.match(index.departure('shop', 's10000'), departure);
  t.end();
});

t.test('hearsay of what went is believed while nobody saw it, the latest of it', (t) => {
  const service = { group: 'shop', name: 'cart' };
  const gone = (at: number, instanceId: string) =>
    ({ at, reason: 'deregistered', instanceId, node: 'far' }) as const;
  const known = (index: ServiceIndex) => index.departure('shop', 'cart')?.instanceId;
  const index = new ServiceIndex();
  index.noteGone(service, gone(5, 'x'));
  index.noteGone(service, gone(9, 'y'));
  index.noteGone(service, gone(7, 'z'));
  t.equal(known(index), 'y');
  index.put(make('a'));
  index.noteGone(service, gone(10, 'x'));
  t.equal(known(index), undefined, 'an instance is there');
  index.remove(make('a'), departure);
  index.noteGone(service, gone(11, 'x'));
  t.equal(known(index), 'a');
  t.end();
});

t.test('hearsay of ten thousand services is remembered, and drives out nothing', (t) => {
  const index = indexOf(make('a', { name: 'seen' }));
  index.remove(make('a', { name: 'seen' }), departure);
  const gone = { ...departure, instanceId: 'x', node: 'far' };
  for (let i = 0; i < 10_000; i++) index.noteGone({ group: 'shop', name: `s${i}` }, gone);
  t.match(index.departure('shop', 'seen'), departure);
  t.match(index.departure('shop', 's9998'), departure);
  t.equal(index.departure('shop', 's9999'), undefined);
  t.end();
});

t.test('owners that claim one address of one service are in conflict, until one is alone', (t) => {
  const mine = make('a');
  const theirs = make('b', { owner: signerOf(2).owner });
  const index = indexOf(mine, theirs);
  t.equal(index.isConflict(mine), true);
  t.equal(index.isConflict(theirs), true);
  index.remove(theirs, departure);
  t.equal(index.isConflict(mine), false);
  t.end();
});

t.test('one owner with two instances at an address is no conflict, nor is another service', (t) => {
  const index = indexOf(make('a'), make('b'));
  t.equal(index.isConflict(make('a')), false);
  index.put(make('c', { owner: signerOf(2).owner, name: 'pay' }));
  t.equal(index.isConflict(make('a')), false);
  const theirs = make('d', { owner: signerOf(2).owner });
  index.put(theirs);
  index.remove(make('a'), departure);
  t.equal(index.isConflict(theirs), true, 'the other instance still claims the address');
  index.remove(make('b'), departure);
  t.equal(index.isConflict(theirs), false);
  t.end();
});

t.test('an instance that moves away takes its claim with it', (t) => {
  const theirs = make('b', { owner: signerOf(2).owner });
  const index = indexOf(make('a'), theirs);
  index.put(make('a', { port: 81 }));
  t.equal(index.isConflict(theirs), false);
  t.equal(index.isConflict(make('a', { port: 81 })), false);
  t.end();
});

t.test('of two conflicts the end of one leaves the other, here and in a fork', (t) => {
  const two = signerOf(2).owner;
  const [a, b] = [make('a', { owner: two }), make('b', { owner: two, port: 81 })];
  const third = make('c', { owner: signerOf(3).owner });
  const index = indexOf(make('x'), make('y', { port: 81 }), a, b, third);
  const fork = index.fork();
  index.remove(a, departure);
  t.equal(index.isConflict(third), true, 'two of three are left');
  index.remove(third, departure);
  t.equal(index.isConflict(make('x')), false);
  t.equal(index.isConflict(b), true);
  index.remove(b, departure);
  t.equal(index.isConflict(b), false);
  t.equal(fork.isConflict(a), true);
  t.equal(fork.isConflict(b), true);
  t.end();
});

t.test('a fork shares the lists that neither side has touched', (t) => {
  const index = indexOf(make('a'), make('x', { name: 'pay' }));
  const [cart, pay] = [index.service('shop', 'cart'), index.service('shop', 'pay')];
  const fork = index.fork();
  fork.put(make('b'));
  index.remove(make('a'), departure);
  t.equal(fork.service('shop', 'pay'), pay, 'the very same list');
  t.equal(index.service('shop', 'pay'), pay);
  t.strictSame(ids(cart), ['a']);
  t.strictSame(ids(fork.service('shop', 'cart')), ['a', 'b']);
  t.strictSame(ids(index.service('shop', 'cart')), []);
  t.strictSame([index.count, fork.count], [1, 3]);
  t.match(index.departure('shop', 'cart'), departure);
  t.equal(fork.departure('shop', 'cart'), undefined);
  t.end();
});

t.test('a thousand instances at one address come and go', (t) => {
  const index = new ServiceIndex();
  const all = Array.from({ length: 1_000 }, (_, i) => make(`i${i}`));
  const theirs = make('b', { owner: signerOf(2).owner });
  for (const one of [...all, theirs]) index.put(one);
  t.equal(index.isConflict(theirs), true);
  for (const one of all) index.remove(one, departure);
  t.equal(index.isConflict(theirs), false);
  t.equal(index.count, 1);
  t.end();
});

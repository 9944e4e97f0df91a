import t from 'tap';
import { SeedNodes } from '../../src/gossip/seed-nodes.ts';

t.test('a seed node is silent until somebody alive answers there', (t) => {
  const seeds = new SeedNodes(['a', 'b']);
  const alive = new Set(['x']);
  const isAlive = (peer: string): boolean => alive.has(peer);
  t.strictSame(seeds.silent(isAlive), ['a', 'b']);
  seeds.note('a', 'x');
  t.strictSame(seeds.silent(isAlive), ['b']);
  alive.delete('x');
  t.strictSame(seeds.silent(isAlive), ['a', 'b'], 'whoever answered is dead now');
  alive.add('x');
  seeds.note('a', undefined);
  t.strictSame(seeds.silent(isAlive), ['a', 'b'], 'nobody answers there any more');
  t.end();
});

t.test('a node whose seed addresses are all its own knows that it is the first', (t) => {
  const seeds = new SeedNodes(['a', 'b']);
  t.notOk(seeds.areAll('self'));
  seeds.note('a', 'self');
  t.notOk(seeds.areAll('self'));
  seeds.note('b', 'self');
  t.ok(seeds.areAll('self'));
  t.ok(new SeedNodes([]).areAll('self'), 'also when there are none');
  t.end();
});

t.test('what was tried is told to people', (t) => {
  t.equal(new SeedNodes([]).describe(), 'no seed nodes');
  t.equal(new SeedNodes(['a', 'b']).describe(), 'seed nodes a, b');
  t.end();
});

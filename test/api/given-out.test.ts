import t from 'tap';
import { GivenOut, givenOutMax, halfLifeMs } from '../../src/api/given-out.ts';
import type { Instance } from '../../src/registry/instance.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';

const make = (instanceId: string, fields: Parameters<typeof makeRecord>[0] = {}): Instance => ({
  record: makeRecord({ instanceId, ...fields }),
  node: 'node-1',
});
const [a, b] = [make('a'), make('b')];

t.test('the one that was given out less is the lesser, and of equals the first', (t) => {
  const given = new GivenOut();
  t.equal(given.lesser(a, b, 0), a);
  t.equal(given.lesser(b, a, 0), b);
  given.note(a, 0);
  t.equal(given.lesser(a, b, 0), b);
  given.note(b, 0);
  given.note(b, 0);
  t.equal(given.lesser(b, a, 0), a);
  t.end();
});

t.test('who weighs more is the lesser for longer', (t) => {
  const given = new GivenOut();
  const heavy = make('heavy', { weight: 300 });
  const order: string[] = [];
  for (let draw = 0; draw < 8; draw++) {
    const picked = given.lesser(a, heavy, 0);
    given.note(picked, 0);
    order.push(picked === heavy ? 'heavy' : 'a');
  }
  t.equal(order.filter((name) => name === 'heavy').length, 6, order.join());
  t.end();
});

t.test('what was given out fades: after a half-life it counts half, in the end nothing', (t) => {
  const given = new GivenOut();
  for (let times = 0; times < 4; times++) given.note(a, 0);
  for (let times = 0; times < 3; times++) given.note(b, halfLifeMs);
  t.equal(given.lesser(b, a, halfLifeMs), a, '4 are 2 by then, and 3 are more');
  given.note(a, halfLifeMs);
  given.note(a, halfLifeMs);
  t.equal(given.lesser(a, b, halfLifeMs), b, '2 and 2 are more than 3');
  t.equal(given.lesser(a, b, 1_000 * halfLifeMs), a, 'nothing is left of either');
  t.end();
});

t.test('equal ids of other services and owners are other instances', (t) => {
  const given = new GivenOut();
  const others = [
    make('a', { name: 'sub' }),
    make('a', { group: 'shop2' }),
    make('a', { owner: signerOf(2).owner }),
  ];
  given.note(a, 0);
  for (const other of others) t.equal(given.lesser(a, other, 0), other);
  t.equal(given.lesser(make('a', { port: 9 }), b, 0), b, 'but not another address');
  t.end();
});

t.test(`${givenOutMax} are remembered, and one more forgets whose turn is longest ago`, (t) => {
  const given = new GivenOut();
  const all = Array.from({ length: givenOutMax }, (_, index) => make(`i${index}`));
  for (const each of all) given.note(each, 0);
  const [first, second] = all;
  given.note(first ?? a, 0);
  t.equal(given.size, givenOutMax);
  given.note(a, 0);
  t.equal(given.size, givenOutMax);
  t.equal(given.lesser(a, second ?? a, 0), second, 'forgotten, and so it counts nothing');
  t.equal(given.lesser(first ?? b, a, 0), a, 'given out twice, and remembered');
  t.end();
});

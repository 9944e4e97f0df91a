/** Who heard it from whom, as places on a picture. */
import t from 'tap';
import type { Arrival } from '../../src/sim/run.ts';
import { layOut } from '../../src/sim/spread-tree.ts';
import { makeArrivals } from './result-fixtures.ts';

const arrival = (node: number, from: number, atMs: number): Arrival => {
  return { node, from, atMs, way: from === 0 ? 'origin' : 'rumor' };
};
const nodesByPlace = (arrivals: readonly Arrival[]): number[] =>
  layOut(arrivals, 100)
    .toSorted((a, b) => a.place - b.place)
    .map(({ arrival }) => arrival.node);

t.test('a node stands amid those whom it told, the earliest of them outermost', (t) => {
  const told = [arrival(1, 0, 0), arrival(2, 1, 10), arrival(3, 1, 20), arrival(4, 1, 30)];
  t.strictSame(nodesByPlace([...told, arrival(5, 1, 40)]), [2, 4, 1, 5, 3]);
  t.strictSame(nodesByPlace([...told, arrival(6, 2, 40)]), [6, 2, 4, 1, 3]);
  t.end();
});

t.test('only the first arrival at a node counts, whatever the order of the list', (t) => {
  const hops = layOut([arrival(2, 3, 30), arrival(2, 1, 10), arrival(1, 0, 0)], 100);
  t.match(hops, [
    { arrival: { node: 1 }, from: undefined },
    { arrival: { node: 2, atMs: 10 }, from: { arrival: { node: 1 } } },
  ]);
  t.equal(hops.length, 2);
  t.end();
});

t.test('who heard it from somebody who had not yet heard it stands alone', (t) => {
  const hops = layOut(
    [arrival(1, 0, 0), arrival(2, 9, 10), arrival(3, 4, 20), arrival(4, 3, 30)],
    9,
  );
  t.strictSame(
    hops.map(({ from }) => from?.arrival.node),
    [undefined, undefined, undefined, 3],
  );
  t.end();
});

t.test('of many nodes some are drawn, each with the whole way to it, and the last one', (t) => {
  const arrivals = makeArrivals(10_000);
  const hops = layOut(arrivals, 500);
  t.ok(hops.length <= 500 && hops.length > 450, `${hops.length}`);
  t.strictSame(
    hops.filter(({ from }) => from === undefined).map(({ arrival }) => arrival.node),
    [1],
  );
  const lastMs = Math.max(...arrivals.map(({ atMs }) => atMs));
  t.ok(hops.some(({ arrival }) => arrival.atMs === lastMs));
  t.ok(hops.every(({ place }) => place > 0 && place < 1));
  t.equal(new Set(hops.map(({ place }) => place)).size, hops.length, 'no two at one place');
  t.end();
});

t.test('a way that few took is drawn before what everybody did', (t) => {
  const arrivals = makeArrivals(10_000).map((each) => {
    return { ...each, way: each.node === 9_123 ? 'repair' : 'rumor' } as Arrival;
  });
  t.ok(layOut(arrivals, 200).some(({ arrival }) => arrival.node === 9_123));
  t.end();
});

t.test('a chain through thousands of nodes is laid out, too', (t) => {
  const chain = Array.from({ length: 9_000 }, (_, index) => arrival(index + 1, index, index));
  t.equal(layOut(chain, 500).length, 500);
  t.equal(layOut(chain, 9_000).length, 9_000);
  t.strictSame(layOut([], 500), []);
  t.end();
});

import { test } from 'tap';
import { Spreads } from '../../src/sim/spreads.ts';

const change = { number: 1, owner: 'a', lastUpdate: 5, atMs: 100, total: 4, nodes: 4 };

test('a change is told by when half, 99 % and all of the nodes had it', (t) => {
  const spreads = new Spreads();
  spreads.begin({ ...change, isDrawn: true });
  spreads.arrived('a', 4, { node: 2, from: 1, atMs: 105, way: 'rumor' });
  spreads.arrived('a', 5, { node: 2, from: 1, atMs: 110, way: 'rumor' });
  spreads.arrived('a', 5, { node: 2, from: 3, atMs: 111, way: 'rumor' });
  t.strictSame(spreads.spreads(), [{ atMs: 100, p50Ms: 10, p99Ms: undefined, allMs: undefined }]);
  spreads.arrived('a', 6, { node: 3, from: 2, atMs: 120, way: 'retold' });
  spreads.arrived('a', 5, { node: 4, from: 2, atMs: 130, way: 'repair' });
  t.strictSame(spreads.spreads(), [{ atMs: 100, p50Ms: 10, p99Ms: 30, allMs: 30 }]);
  t.strictSame(
    spreads.arrivals().map(({ node, from, way }) => `${from} ${node} ${way}`),
    ['0 1 origin', '1 2 rumor', '2 3 retold', '2 4 repair'],
  );
  t.end();
});

test('the picture follows the change that was drawn last', (t) => {
  const spreads = new Spreads();
  spreads.begin({ ...change, isDrawn: true });
  spreads.begin({ ...change, owner: 'b', number: 2, isDrawn: true });
  spreads.arrived('a', 5, { node: 3, from: 1, atMs: 110, way: 'rumor' });
  spreads.arrived('b', 5, { node: 4, from: 2, atMs: 110, way: 'rumor' });
  t.strictSame(
    spreads.arrivals().map(({ node }) => node),
    [2, 4],
  );
  t.end();
});

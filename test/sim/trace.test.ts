import { test } from 'tap';
import { Trace } from '../../src/sim/trace.ts';

function hashOf(...events: Parameters<Trace['add']>[]): string {
  const trace = new Trace();
  for (const event of events) trace.add(...event);
  return trace.hash;
}

test('equal events give equal hashes; another time, node, kind, content or order another', (t) => {
  const [one, two] = [Uint8Array.of(1, 2), Uint8Array.of(1, 3)];
  const base = hashOf([1, 1, 'a', one], [2, 2, 'b']);
  t.match(base, /^[0-9a-f]{16}$/);
  t.equal(hashOf([1, 1, 'a', one], [2, 2, 'b']), base);
  const others = [
    hashOf([1.001, 1, 'a', one], [2, 2, 'b']),
    hashOf([1, 2, 'a', one], [2, 2, 'b']),
    hashOf([1, 1, 'c', one], [2, 2, 'b']),
    hashOf([1, 1, 'a', two], [2, 2, 'b']),
    hashOf([2, 2, 'b'], [1, 1, 'a', one]),
  ];
  t.equal(new Set([base, ...others]).size, 6);
  t.end();
});

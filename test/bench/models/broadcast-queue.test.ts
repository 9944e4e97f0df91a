import t from 'tap';
import { BroadcastQueue } from '../../../bench/models/broadcast-queue.ts';
import type { Rumor } from '../../../bench/models/swim-wire.ts';

const alive = (node: number): Rumor => {
  return { kind: 'alive', node, incarnation: 1 };
};
const namesOf = (taken: readonly { readonly rumor: Rumor }[]): number[] =>
  taken.map(({ rumor }) => rumor.node);

t.test('a rumor is sent so often and not again', (t) => {
  const queue = new BroadcastQueue();
  queue.add(alive(1), Buffer.alloc(10));
  const times = [1, 2, 3].map(() => queue.take(2, 100, 2).length);
  t.strictSame(times, [1, 1, 0]);
  t.equal(queue.size, 0);
  t.end();
});

t.test('a newer rumor about a node takes the place of the older one', (t) => {
  const queue = new BroadcastQueue();
  queue.add({ kind: 'suspect', node: 1, incarnation: 1, from: 2 }, Buffer.alloc(10));
  queue.take(2, 100, 5);
  queue.add({ kind: 'alive', node: 1, incarnation: 2 }, Buffer.alloc(20));
  const taken = queue.take(2, 100, 5);
  t.strictSame(
    taken.map(({ rumor }) => rumor.kind),
    ['alive'],
  );
  t.end();
});

t.test('what was sent least goes first, then what is longest, then what is newest', (t) => {
  const queue = new BroadcastQueue();
  queue.add(alive(1), Buffer.alloc(30));
  queue.take(2, 100, 5);
  queue.add(alive(2), Buffer.alloc(10));
  queue.add(alive(3), Buffer.alloc(20));
  queue.add(alive(4), Buffer.alloc(10));
  t.strictSame(namesOf(queue.take(2, 200, 5)), [3, 4, 2, 1]);
  t.end();
});

t.test('what does not fit is left for the next packet', (t) => {
  const queue = new BroadcastQueue();
  for (const node of [1, 2, 3]) queue.add(alive(node), Buffer.alloc(40));
  t.strictSame(namesOf(queue.take(2, 84, 5)), [3, 2]);
  t.strictSame(namesOf(queue.take(2, 84, 5)), [1, 3]);
  t.strictSame(queue.take(2, 10, 5), []);
  t.end();
});

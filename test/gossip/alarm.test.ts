import t from 'tap';
import { lookersOf } from '../../src/gossip/alarm.ts';
import type { Finding } from '../../src/gossip/alarm.ts';
import { VigilBench } from './vigil-bench.ts';

const links = Array.from({ length: 9 }, (_, index) => `peer ${index}`);
const small = new VigilBench(24).context;
const large = new VigilBench(64).context;
const found: Finding = { why: 'refused', isFullMesh: false, isTold: true, isAsked: false };

t.test('in a full mesh everybody notices, and nobody is asked', (t) => {
  for (const isTold of [true, false])
    t.strictSame(lookersOf({ ...found, isFullMesh: true, isTold }, links, small), []);
  t.end();
});

t.test('in a small cluster who lost a link asks all, and who was asked asks three', (t) => {
  for (const isTold of [true, false]) {
    t.strictSame(lookersOf({ ...found, isTold }, links, small), links);
    const some = lookersOf({ ...found, isTold, isAsked: true }, links, small);
    t.equal(new Set(some).size, 3);
    t.ok(some.every((peer) => links.includes(peer)));
  }
  t.strictSame(lookersOf({ ...found, isAsked: true }, ['peer 1'], small), ['peer 1']);
  t.end();
});

t.test('where it is told by accusations nobody looks: in a large cluster, or of a silence', (t) => {
  const silent = { ...found, why: 'silent' } as const;
  t.strictSame(lookersOf(found, links, large), []);
  t.strictSame(lookersOf(silent, links, small), []);
  t.end();
});

t.test('whom nobody may accuse all look for, and who was asked asks all', (t) => {
  const silent = { ...found, why: 'silent' } as const;
  for (const isAsked of [true, false]) {
    t.strictSame(lookersOf({ ...found, isTold: false, isAsked }, links, large), links);
    t.strictSame(lookersOf({ ...silent, isTold: false, isAsked }, links, small), links);
  }
  t.end();
});

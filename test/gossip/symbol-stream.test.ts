import t from 'tap';
import { Sketch, symbolBytes } from '../../src/gossip/sketch.ts';
import { decodeDifference } from '../../src/gossip/sketch-decoder.ts';
import { SymbolStream } from '../../src/gossip/symbol-stream.ts';
import { makeElements, sketchOf } from './elements.ts';

t.test('symbols go on behind those of the digest, and decode when enough have come', (t) => {
  const mine = sketchOf(makeElements(300, 1), 1_024);
  const theirs = sketchOf(makeElements(260, 1), 1_024);
  const stream = new SymbolStream(mine, mine.revision);
  let all = mine.symbols(0, 4);
  let rounds = 0;
  for (; decodeDifference(theirs, all).kind !== 'decoded'; rounds++) {
    const next = stream.next(rounds === 0 ? theirs.estimator() : new Uint8Array(0));
    t.equal(next?.first, all.length / symbolBytes);
    all = Buffer.concat([all, next?.symbols ?? new Uint8Array(0)]);
  }
  t.ok(rounds >= 1 && rounds <= 3, `${rounds} times`);
  t.ok(all.length / symbolBytes < 2.5 * 40, `${all.length / symbolBytes} symbols for 40`);
  t.end();
});

t.test('a set that changed since its digest is told from the first symbol on', (t) => {
  const [more, ...rest] = makeElements(50, 2);
  const sketch = sketchOf(rest, 1_024);
  const { revision } = sketch;
  sketch.add(more as (typeof rest)[number]);
  const stream = new SymbolStream(sketch, revision);
  const next = stream.next(new Sketch(1).estimator());
  t.equal(next?.first, 0);
  sketch.remove(more as (typeof rest)[number]);
  const after = stream.next(new Uint8Array(0));
  const all = Buffer.concat([next?.symbols ?? [], after?.symbols ?? []] as Uint8Array[]);
  t.equal(decodeDifference(sketch, all).kind, 'decoded', 'and all of it is of one moment');
  t.end();
});

t.test('more symbols than are kept are not sent', (t) => {
  const stream = new SymbolStream(sketchOf(makeElements(500, 3), 64), 0);
  t.equal(stream.next(new Sketch(64).estimator()), undefined);
  t.equal(stream.next(new Uint8Array(3)), undefined, 'nor for what is no estimator');
  t.end();
});

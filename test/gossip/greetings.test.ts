import t from 'tap';
import type { Test } from 'tap';
import { Greetings } from '../../src/gossip/greetings.ts';
import { flipBit, makeHead, signerOf } from '../record/fixtures.ts';
import { VigilBench } from './vigil-bench.ts';

const peer = signerOf(2);
const [one, another] = ['00000000000000aa', '00000000000000bb'] as const;
const first = makeHead(undefined, { bootId: one }, peer);
const later = makeHead(undefined, { bootId: one, lastUpdate: 2 }, peer);
const other = makeHead(undefined, { bootId: another }, peer);
const { owner } = first.head;

interface Fixture {
  readonly bench: VigilBench;
  readonly greetings: Greetings;
  /** Hears a hello, and does what is owed. */
  readonly hear: (head?: typeof first) => boolean;
}

function start(t: Test): Fixture {
  const bench = new VigilBench(1);
  const greetings = new Greetings(bench.context);
  greetings.greet(owner);
  const hear = (head = later): boolean => {
    const isOwed = greetings.isOwed(owner, head);
    if (isOwed) greetings.greet(owner);
    return isOwed;
  };
  t.notOk(hear(first), 'each said one, and heard one');
  return { bench, greetings, hear };
}

t.test('a hello on top comes from an end that is new, and is answered once', (t) => {
  const { bench, hear } = start(t);
  bench.sent();
  t.ok(hear());
  const [sent, ...rest] = bench.sent();
  t.match(sent, { peer: owner, frame: { kind: 'hello' } });
  t.strictSame(rest, []);
  t.end();
});

t.test('the answer to our own second hello is no question', (t) => {
  const { greetings, hear } = start(t);
  greetings.greet(owner);
  t.notOk(hear());
  t.end();
});

t.test('a hello of another boot id over the same link is another process', (t) => {
  const { greetings, hear } = start(t);
  greetings.greet(owner);
  t.ok(hear(other), 'whatever was said to the one before');
  greetings.forget(owner);
  greetings.greet(owner);
  t.notOk(hear(first), 'the link is a new one');
  t.end();
});

t.test('what is no head of the peer says nothing about its process', (t) => {
  const { greetings, hear } = start(t);
  const foreign = makeHead(undefined, { bootId: another, cluster: 'elsewhere' }, peer);
  const ofOthers = makeHead(undefined, { bootId: another }, signerOf(3));
  const damaged = { ...other, body: flipBit(other.body, 0) };
  for (const head of [damaged, foreign, ofOthers]) {
    greetings.greet(owner);
    t.notOk(hear(head));
  }
  t.end();
});

t.test('two that answer each other without end are answered four times, then each minute', (t) => {
  const { bench, hear } = start(t);
  const answers = (): number => Array.from({ length: 10 }, () => hear()).filter(Boolean).length;
  t.equal(answers(), 4);
  bench.setTime(60_000);
  t.equal(answers(), 1);
  t.end();
});

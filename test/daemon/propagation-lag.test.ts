import t from 'tap';
import { followLag } from '../../src/daemon/propagation-lag.ts';
import { Node } from '../api/fixture.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { makeFacts, makeSealed, makeState, signerOf, startMicros } from '../record/fixtures.ts';

const owner = signerOf(2).owner;
const facts = makeFacts({ name: 'node-2' });

function setUp() {
  const node = new Node();
  const lags: number[] = [];
  const stop = followLag(node.registry, node.clock, (seconds) => void lags.push(seconds));
  /** Node 2 says these instances at that time, and it is heard now. */
  const hear = (saidAtMs: number, stampsMs: Readonly<Record<string, number>> = {}) => {
    const records = Object.entries(stampsMs).map(([instanceId, ms]) =>
      makeSealed({ owner, instanceId, lastUpdate: startMicros + ms * 1_000 }),
    );
    const lastUpdate = startMicros + saidAtMs * 1_000;
    const { head } = makeState(records, { lastUpdate, facts }, signerOf(2));
    const bytes = records.map((record) => record.bytes);
    const now = node.clock.now();
    return node.registry.receive(head, bytes, true, now).kind;
  };
  return { node, lags, stop, hear };
}

t.test('a change is as old as its stamp when it has come from a peer', (t) => {
  const { node, lags, hear } = setUp();
  node.clock.advance(1_500);
  t.equal(hear(1_250, { a: 1_250 }), 'applied');
  t.strictSame(lags, [0.25]);
  t.equal(hear(1_250, { a: 1_250 }), 'duplicate');
  t.strictSame(lags, [0.25], 'what was known is no news');
  t.end();
});

t.test('of several changes under one head the oldest counts', (t) => {
  const { node, lags, hear } = setUp();
  node.clock.advance(2_000);
  hear(1_900, { a: 1_000, b: 1_900 });
  t.strictSame(lags, [1]);
  t.end();
});

t.test('a head that changes no instance counts by its own stamp', (t) => {
  const { node, lags, hear } = setUp();
  node.clock.advance(1_000);
  hear(900);
  t.strictSame(lags, [0.1]);
  t.end();
});

t.test('what was said before this life began is caught up with, and is no lag', (t) => {
  const { node, lags, hear } = setUp();
  hear(-5_000, { a: -5_000 });
  t.strictSame(lags, []);
  node.clock.advance(1_000);
  hear(800, { a: -5_000, b: 800 });
  t.strictSame(lags, [0.2], 'only what is news of what comes with it');
  t.end();
});

t.test('a clock that is ahead of ours makes no lag below zero', (t) => {
  const { node, lags, hear } = setUp();
  node.clock.advance(1_000);
  hear(3_000, { a: 3_000 });
  t.strictSame(lags, [0]);
  t.end();
});

t.test(
  'own changes and members that come and go are none, nor is what comes after the end',
  (t) => {
    const { node, lags, hear, stop } = setUp();
    node.clock.advance(1_000);
    hear(1_000, { a: 1_000 });
    lags.length = 0;
    node.registry.commit(
      [{ kind: 'register', registration: makeRegistration() }],
      node.clock.now(),
    );
    node.die(2, 'refused');
    t.strictSame(lags, []);
    stop();
    node.clock.advance(1_000);
    t.equal(hear(2_000, { a: 2_000 }), 'applied');
    t.strictSame(lags, []);
    t.end();
  },
);

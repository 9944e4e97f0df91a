import t from 'tap';
import type { Effect, GossipContext } from '../../src/gossip/context.ts';
import { Readiness } from '../../src/gossip/readiness.ts';
import { LoneNode } from './lone-node.ts';

const { joinTimeoutMs } = new LoneNode().context.config;

/** A node whose ways into the cluster are as told, and the events of its readiness. */
function joining({ isAlone }: { isAlone: boolean }) {
  const node = new LoneNode();
  const events: object[] = [];
  const emit = (effect: Effect): void =>
    void (effect.kind === 'event' && events.push(effect.event));
  const context: GossipContext = Object.create(node.context, { emit: { value: emit } });
  const ways = { isAlone, describeTried: () => 'seed-1' };
  return { node, events, ways, readiness: new Readiness(context, ways) };
}

t.test('before its start a node is neither ready nor waiting', (t) => {
  const { readiness, events } = joining({ isAlone: true });
  readiness.check();
  t.strictSame([readiness.why, readiness.wakeAtMs, events], [undefined, Infinity, []]);
  t.end();
});

t.test('ready is who knows of nobody else, who heard one peer, or who waited for long', (t) => {
  const alone = joining({ isAlone: true });
  alone.readiness.start();
  alone.readiness.check();
  t.equal(alone.readiness.why, 'the first node: no other seed node and no peer is known');
  const heard = joining({ isAlone: false });
  heard.readiness.start();
  heard.readiness.check();
  t.equal(heard.readiness.why, undefined);
  heard.readiness.reconciled();
  t.equal(heard.readiness.why, 'reconciled with a peer');
  const waited = joining({ isAlone: false });
  waited.readiness.start();
  t.equal(waited.readiness.wakeAtMs, waited.node.clock.now().monoMs + joinTimeoutMs);
  waited.node.clock.advance(joinTimeoutMs - 1);
  waited.readiness.check();
  t.equal(waited.readiness.why, undefined);
  waited.node.clock.advance(1);
  waited.readiness.check();
  t.equal(waited.readiness.why, `nobody was reached within ${joinTimeoutMs} ms; tried seed-1`);
  const isWarning = [alone, heard, waited].map(({ events }) => events);
  t.match(isWarning, [[{ isWarning: false }], [{ isWarning: false }], [{ isWarning: true }]]);
  t.end();
});

t.test('ready is told once and stays', (t) => {
  const { readiness, events, ways } = joining({ isAlone: true });
  readiness.start();
  readiness.check();
  ways.isAlone = false;
  readiness.reconciled();
  readiness.check();
  t.match(readiness.why, /^the first node/);
  t.equal(readiness.wakeAtMs, Infinity);
  t.equal(events.length, 1);
  t.end();
});

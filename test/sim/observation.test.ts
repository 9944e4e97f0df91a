import { test } from 'tap';
import { Observation } from '../../src/sim/observation.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions } from './options.ts';
import { registration } from './state-fixtures.ts';

test('agreement, bytes and the way of an arrival are seen as they happen', (t) => {
  const world = new World({ ...calmOptions, nodes: 4 });
  const seen = new Observation(world);
  world.observers.push(seen);
  world.startWarm(() => []);
  world.clock.advance(2_000);
  seen.sample();
  t.equal(seen.agreement.share(4), 1);

  const node = world.node(1);
  if (node === undefined) throw new Error('node 1 runs');
  node.registry.commit([{ kind: 'register', registration: registration('x') }], node.now());
  const lastUpdate = node.registry.state(node.owner)?.head.head.lastUpdate ?? 0;
  const change = { number: 1, owner: node.owner, lastUpdate, atMs: world.nowMs };
  seen.spreads.begin({ ...change, total: 4, nodes: 4, isDrawn: true });
  t.equal(seen.agreement.share(4), 13 / 16, 'its newest head is held by itself alone');
  world.clock.advance(1_000);
  t.equal(seen.agreement.share(4), 1);
  const sample = seen.sample();
  t.equal(sample.nodesUp, 4);
  t.ok(sample.bytesPerNodeSecond > 100 && sample.bytesPerNodeSecond < 10_000);
  t.strictSame(
    seen.spreads.arrivals().map(({ way, from }) => `${way} ${from}`),
    ['origin 0', 'rumor 1', 'rumor 1', 'rumor 1'],
  );

  const bytes = seen.bytesSent();
  world.crash(1);
  t.equal(seen.agreement.share(3), 1, 'nobody has to agree on an owner that is down');
  t.equal(seen.bytesSent(), bytes, 'what it sent stays counted');
  t.ok((seen.counters.get('exchanges_started') ?? 0) > 0);
  t.end();
});

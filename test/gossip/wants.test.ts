import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { turnedAwayMax, turnedAwayMs, Wants } from '../../src/gossip/wants.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import { randomBytes } from './elements.ts';
import { Ghost } from './ghosts.ts';
import { converse, LoneNode, peerOf } from './lone-node.ts';

const wallMicros = 1_750_000_000_000_000;

/** A node that takes two records of an owner, and others that hold one with three. */
function scene(): { tight: LoneNode; wide: LoneNode; third: LoneNode; ghost: Ghost } {
  const tight = new LoneNode({ number: 1, config: { recordsPerOwnerMax: 2 } });
  const [wide, third] = [new LoneNode({ number: 2 }), new LoneNode({ number: 3 })];
  const ghost = new Ghost(100, wallMicros, 3);
  for (const node of [wide, third]) node.give(ghost);
  // Only the ghost is to differ.
  const nodes = [tight, wide, third];
  for (const each of nodes)
    for (const other of nodes) {
      const own = other.registry.state(other.registry.self);
      const bytes = [...(own?.set.records() ?? [])].map((record) => record.bytes);
      if (own !== undefined) each.registry.receive(own.head, bytes, true, each.clock.now());
    }
  for (const node of nodes) node.settle();
  return { tight, wide, third, ghost };
}

/** What is said in an exchange that `asker` starts. */
function exchange(asker: LoneNode, answerer: LoneNode): string[] {
  asker.reconciler.start(answerer.registry.self);
  return converse(asker, answerer);
}

t.test('what was refused for a bound is not asked for again for a minute', (t) => {
  const { tight, wide, ghost } = scene();
  t.ok(exchange(tight, wide).includes('delta'));
  t.equal(tight.registry.refusals.get('TOO_MANY_RECORDS'), 1);
  t.equal(tight.registry.state(ghost.owner), undefined);
  for (let times = 0; times < 3; times++) {
    t.strictSame(exchange(tight, wide), ['digest', 'difference'], 'by versions');
    t.strictSame(exchange(wide, tight), ['digest', 'difference'], 'by names');
  }
  t.equal(tight.registry.refusals.get('TOO_MANY_RECORDS'), 1);
  tight.clock.advance(turnedAwayMs);
  t.ok(exchange(wide, tight).includes('delta'), 'there may be room now');
  t.equal(tight.registry.refusals.get('TOO_MANY_RECORDS'), 2);
  t.end();
});

t.test('another peer is asked for it all the same, and a newer head of that owner, too', (t) => {
  const { tight, wide, third, ghost } = scene();
  exchange(tight, wide);
  t.ok(exchange(tight, third).includes('delta'));
  t.equal(tight.registry.refusals.get('TOO_MANY_RECORDS'), 2);
  ghost.refresh(wallMicros + 1_000_000);
  wide.give(ghost);
  t.ok(exchange(tight, wide).includes('delta'));
  t.equal(tight.registry.refusals.get('TOO_MANY_RECORDS'), 3);
  t.end();
});

t.test('what was refused for anything but a bound is asked for in each exchange', (t) => {
  const { tight, wide } = scene();
  const wants = new Wants(tight.context, tight.heads);
  const { head } = new Ghost(101, wallMicros).state;
  wants.refused(peerOf(2), head, 'CLOCK_AHEAD');
  t.equal(wants.size, 0);
  const version = { prefix: prefixOf(head.head.owner), lastUpdate: head.head.lastUpdate };
  t.equal(wants.from(peerOf(2), version), 0);
  wants.refused(peerOf(2), head, 'TOO_MANY_HEADS');
  t.equal(wants.from(peerOf(2), version), undefined);
  t.equal(wants.from(wide.registry.self, { ...version, lastUpdate: 1 }), 0);
  t.end();
});

t.test(`${turnedAwayMax} are remembered, and one over lets the oldest be asked for again`, (t) => {
  const { tight } = scene();
  const wants = new Wants(tight.context, tight.heads);
  const random = seededRandom(1);
  const { head } = new Ghost(101, wallMicros).state;
  const version = { prefix: prefixOf(head.head.owner), lastUpdate: head.head.lastUpdate };
  wants.refused(peerOf(2), head, 'TOO_MANY_HEADS');
  const signature = new Uint8Array(64);
  const refuse = (): void =>
    wants.refused(peerOf(2), { body: randomBytes(random, 16), signature }, 'HEAD_TOO_LARGE');
  for (let count = 1; count < turnedAwayMax; count++) refuse();
  t.equal(wants.size, turnedAwayMax);
  t.equal(wants.from(peerOf(2), version), undefined);
  refuse();
  t.equal(wants.size, turnedAwayMax);
  t.equal(wants.from(peerOf(2), version), 0);
  tight.clock.advance(turnedAwayMs);
  t.strictSame(wants.named(peerOf(2), []), []);
  t.equal(wants.size, 0, 'a minute later nothing is left');
  t.end();
});

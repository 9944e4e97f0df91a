/**
 * A peer that lies in the exchange of digests: what it asks for is bounded work, what it answers
 * changes nothing that is not signed, and nothing goes on unless it says more itself.
 */
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { encodeFrame } from '../../src/gossip/message.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { packDeltas } from '../../src/gossip/packing.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import type { Version } from '../../src/gossip/version.ts';
import { ownerFromKey } from '../../src/record/owner.ts';
import { TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { ghosts } from '../gossip/ghosts.ts';
import { HostilePeer, stateOf } from './hostile-peer.ts';

const mebibyte = 1024 * 1024;
type Kind<K extends Frame['kind']> = Extract<Frame, { kind: K }>;

/** A node with so many owners, and a hostile neighbor that is quiet until it is told. */
async function setScene(
  owners = 20,
  records = 0,
): Promise<{
  cluster: TestCluster;
  node: TestNode;
  self: string;
  peer: HostilePeer;
}> {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const now = cluster.clock.now();
  for (const ghost of ghosts(owners, now.wallMicros, records)) ghost.giveTo(node.registry, now);
  const peer = HostilePeer.greeted(cluster, 66, node);
  cluster.run(1_000);
  return { cluster, node, self: node.registry.self, peer };
}

const noise = (length: number, randomSeed = 1): Uint8Array => {
  const random = seededRandom(randomSeed);
  return Uint8Array.from({ length }, () => random.int(256));
};

/** Versions of owners that nobody has heard of. */
function strangers(count: number, lastUpdate = 1): Version[] {
  return Array.from({ length: count }, (_, lo) => ({
    prefix: { hi: 0x1234_5678, lo },
    lastUpdate,
  }));
}

/** What the peer was sent since; frames that come by themselves left out. */
function answersTo(peer: HostilePeer, say: () => void, cluster: TestCluster): Frame[] {
  const from = peer.frames.length;
  say();
  cluster.run(10);
  const frames = peer.frames.slice(from).map(({ frame }) => frame);
  return frames.filter(({ kind }) => !['digest', 'neighbor', 'rumor'].includes(kind));
}

t.test('symbols that never decode get one answer a batch, and end as beyond', async (t) => {
  const { cluster, node, self, peer } = await setScene();
  const before = stateOf(node);
  const digest = { exchange: 7, setHash: noise(16), symbols: noise(64) };
  new DataView(digest.symbols.buffer).setInt32(12, 30, true);
  const answer = answersTo(peer, () => peer.send(self, peer.digest(digest)), cluster);
  t.match(answer, [{ kind: 'moreSymbols', exchange: 7 }]);
  let [answers, batches, first, size] = [0, 0, 4, 64];
  for (; batches < 100 && answers === batches; batches++, size = Math.ceil(size * 1.2)) {
    const symbols = noise(16 * size, batches);
    const said = answersTo(
      peer,
      () => peer.send(self, { kind: 'symbols', exchange: 7, first, symbols }),
      cluster,
    );
    answers += said.length;
    first += size;
  }
  t.equal(peer.received('beyond').length, 1);
  t.ok(batches < 40, `${batches} batches of 8,192 symbols in all`);
  t.equal(
    answersTo(
      peer,
      () => peer.send(self, { kind: 'symbols', exchange: 7, first: 0, symbols: noise(16) }),
      cluster,
    ).length,
    0,
    'then it is over',
  );
  t.equal(stateOf(node), before);
  t.ok(node.engine.counters.get('answers_unasked') > 0);
});

t.test('an estimator that is garbage, or none, makes it pull once and then give up', async (t) => {
  for (const estimator of [noise(64), Buffer.alloc(64, 0x7f), noise(63), new Uint8Array()]) {
    const { cluster, node, peer } = await setScene();
    const before = stateOf(node);
    let exchange = 0;
    peer.answer = (to, frame) => {
      if (frame.kind === 'digest') exchange += 1;
      const isAsked = frame.kind === 'digest' || frame.kind === 'symbols';
      // The number is in the signed body; honest ones count up from the first of a life.
      for (let guess = 0; isAsked && guess <= exchange + 1; guess++)
        peer.send(to, { kind: 'moreSymbols', exchange: guess, estimator });
    };
    cluster.run(30_000);
    const sent = peer.received('symbols').reduce((sum, { symbols }) => sum + symbols.length, 0);
    t.ok(sent <= 10 * 8_192 * 16, `${sent} bytes of symbols`);
    t.ok(peer.received('pull').length <= 10);
    t.equal(stateOf(node), before);
  }
});

t.test('a difference of heads that do not exist is answered with nothing of ours', async (t) => {
  const { cluster, node, peer } = await setScene();
  const before = stateOf(node);
  let exchange = 0;
  peer.answer = (to, frame) => {
    if (frame.kind !== 'digest') return;
    exchange += 1;
    for (let guess = 0; guess <= exchange + 1; guess++)
      peer.send(to, {
        kind: 'difference',
        exchange: guess,
        want: noise(8 * 10_000, guess),
        have: strangers(10_000),
      });
  };
  cluster.run(15_000);
  const wants = peer.received('want');
  t.ok(wants.length > 0, 'it asks for what it was told of');
  t.ok(wants.length <= exchange + 2, 'once an exchange');
  t.equal(peer.received('delta').length, 0);
  t.equal(stateOf(node), before);
  t.ok(node.engine.counters.get('exchanges_failed') > 0, 'and gives up when nothing comes');
});

t.test('65,535 wants in a frame get two mebibytes and one owner at most', async (t) => {
  const { cluster, node, self, peer } = await setScene(40, 400);
  const before = stateOf(node);
  const nobody = answersTo(
    peer,
    () => peer.send(self, { kind: 'want', exchange: 3, owners: strangers(60_000) }),
    cluster,
  );
  t.match(nobody, [{ kind: 'done', exchange: 3, more: false }]);
  t.equal(nobody.length, 1);
  const owners = [...node.registry.owners()].map(([owner]) => owner);
  const all = owners.map((owner) => ({ prefix: prefixOf(owner), lastUpdate: 0 }));
  const many = Array.from({ length: 60_000 }, (_, index) => all[index % all.length] as Version);
  const answers = answersTo(
    peer,
    () => peer.send(self, { kind: 'want', exchange: 4, owners: many }),
    cluster,
  );
  const bytes = answers.reduce((sum, frame) => sum + encodeFrame(frame).length, 0);
  t.ok(bytes > mebibyte && bytes < 3 * mebibyte, `${bytes} bytes`);
  t.match(answers.at(-1), { kind: 'done', more: true });
  t.equal(stateOf(node), before);
});

t.test(
  'pulls that never end get one page each, and two peers hold nobody else up for ever',
  async (t) => {
    const { cluster, node, self, peer } = await setScene(300, 5);
    const before = stateOf(node);
    for (let exchange = 1; exchange <= 50; exchange++) {
      const pull: Kind<'pull'> = {
        kind: 'pull',
        exchange,
        after: undefined,
        until: undefined,
        held: strangers(2_000, 9),
      };
      const answers = answersTo(peer, () => peer.send(self, pull), cluster);
      t.equal(answers.filter(({ kind }) => kind === 'page').length, 1);
      t.ok(answers.length <= 2);
    }
    const backwards = ownerFromKey(new Uint8Array(32).fill(255));
    const empty: Kind<'pull'> = {
      kind: 'pull',
      exchange: 99,
      after: backwards,
      until: ownerFromKey(new Uint8Array(32).fill(1)),
      held: [],
    };
    t.match(
      answersTo(peer, () => peer.send(self, empty), cluster),
      [{ kind: 'page', exchange: 99 }],
    );
    t.equal(stateOf(node), before);
  },
);

t.test(
  'a node that pulls goes on only as long as pages come, and each leads further',
  async (t) => {
    const { cluster, node, self, peer } = await setScene(3);
    const before = stateOf(node);
    // What it asks for by itself must not be under way.
    peer.answer = (to, frame) => frame.kind === 'digest' && peer.send(to, { kind: 'same' });
    cluster.run(15_000);
    peer.answer = () => undefined;
    const far = { exchange: 5, setHash: noise(16), symbols: noise(64) };
    new DataView(far.symbols.buffer).setInt32(12, 1_000_000, true);
    peer.send(self, peer.digest(far));
    cluster.run(10);
    t.equal(peer.received('pull').length, 1, 'the peer claims to hold a million heads');
    const packed = packDeltas([]);
    const page = (next: number | undefined, exchange: number): Kind<'page'> => {
      const key = next === undefined ? undefined : new Uint8Array(32).fill(1);
      if (key !== undefined && next !== undefined) new DataView(key.buffer).setUint32(28, next);
      return {
        kind: 'page',
        exchange,
        packed,
        next: key && ownerFromKey(key),
        want: strangers(1_000),
      };
    };
    for (let number = 1; number <= 30; number++) {
      const { exchange } = peer.received('pull').at(-1) as Kind<'pull'>;
      peer.send(self, page(number, exchange));
      cluster.run(10);
    }
    const pulls = peer.received('pull').length;
    t.ok(pulls <= 31, `${pulls} pulls for 30 pages`);
    const { exchange } = peer.received('pull').at(-1) as Kind<'pull'>;
    for (let time = 0; time < 5; time++) peer.send(self, page(30, exchange));
    cluster.run(10);
    t.equal(peer.received('pull').length, pulls, 'a page that stands still ends it');
    t.ok(node.registry.refusals.get('MALFORMED') >= 1);
    t.equal(peer.received('delta').length, 0, 'nothing is given for owners that do not exist');
    t.equal(stateOf(node), before);
  },
);

t.test('answers that nobody asked for are counted, and that is all', async (t) => {
  const { cluster, node, self, peer } = await setScene();
  const before = stateOf(node);
  cluster.run(11_000);
  const unasked = (): number => node.engine.counters.get('answers_unasked');
  const counted = unasked();
  const frames: readonly Frame[] = [
    { kind: 'symbols', exchange: 9_999, first: 4, symbols: noise(160) },
    { kind: 'moreSymbols', exchange: 9_999, estimator: noise(64) },
    { kind: 'difference', exchange: 9_999, want: noise(800), have: strangers(50) },
    { kind: 'beyond', exchange: 9_999 },
    { kind: 'busy', exchange: 9_999 },
    { kind: 'done', exchange: 9_999, more: true },
    { kind: 'page', exchange: 9_999, packed: packDeltas([]), next: undefined, want: [] },
  ];
  const answers = answersTo(peer, () => frames.forEach((frame) => peer.send(self, frame)), cluster);
  t.strictSame(answers, []);
  t.equal(unasked() - counted, frames.length);
  t.equal(stateOf(node), before);
});

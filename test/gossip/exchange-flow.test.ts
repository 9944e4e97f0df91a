/** Each way that an exchange can take, between two nodes held in hand. */
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import type { ExchangeFrame, Frame } from '../../src/gossip/frame.ts';
import { encodeFrame, frameBytesMax } from '../../src/gossip/message.ts';
import { estimatorBytes } from '../../src/gossip/sketch.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Verifier } from '../../src/record/signature.ts';
import { randomBytes } from './elements.ts';
import { Ghost, ghosts } from './ghosts.ts';
import { hashedSigner, hashedSignatures } from './hashed-signatures.ts';
import { converse, LoneNode, peerOf } from './lone-node.ts';
import type { LoneNodeOptions } from './lone-node.ts';

const startMicros = 1_750_000_000_000_000;
const later = startMicros + 5_000_000;
const peer = peerOf(2);

/** Two nodes that hold each other's heads and so many ghosts. */
function pair(all: readonly Ghost[], options: LoneNodeOptions = {}): [LoneNode, LoneNode] {
  const nodes: [LoneNode, LoneNode] = [
    new LoneNode({ ...options, number: 1 }),
    new LoneNode({ ...options, number: 2 }),
  ];
  for (const node of nodes) node.give(...all);
  ask(...nodes);
  for (const node of nodes) node.settle();
  return nodes;
}

function ask(asker: LoneNode, answerer: LoneNode): string[] {
  asker.reconciler.start(answerer.registry.self);
  return converse(asker, answerer);
}

/** What is held of all ghosts, as text. */
const textOf = ({ registry }: LoneNode): string =>
  [...registry.owners()]
    .map(([owner, { head }]) => `${owner} ${Buffer.from(head.hash).toString('hex')}`)
    .toSorted()
    .join('\n');

t.test('who holds the same says so in two frames', (t) => {
  const [asker, answerer] = pair(ghosts(10, startMicros, 1));
  t.strictSame(ask(asker, answerer), ['digest', 'same']);
  t.equal(asker.outcomes.at(-1), 'in_sync');
  t.equal(asker.completed.length, 2);
  t.end();
});

const sides = ['asker', 'answerer', 'both', 'either'] as const;
for (const side of sides)
  t.test(
    `${side === 'either' ? 'an owner that only one has, of each' : `newer at ${side}`}`,
    (t) => {
      const all = ghosts(12, startMicros, 2);
      const [one, other] = all.slice(0, 2) as [Ghost, Ghost];
      const [asker, answerer] = pair(side === 'either' ? all.slice(2) : all);
      if (side !== 'either') for (const ghost of [one, other]) ghost.register(later, 1);
      if (side === 'asker') asker.give(one, other);
      else if (side === 'answerer') answerer.give(one, other);
      else {
        asker.give(one);
        answerer.give(other);
      }
      for (const node of [asker, answerer]) node.settle();
      const said = ask(asker, answerer);
      t.equal(textOf(asker), textOf(answerer), said.join(' '));
      t.ok(said.includes('difference'));
      t.equal(said.filter((kind) => kind === 'delta').length, 2, 'one delta for each');
      t.equal(said.includes('want'), side !== 'asker');
      t.equal(asker.outcomes.at(-1), side === 'asker' ? 'in_sync' : 'changed');
      for (const node of [asker, answerer]) node.settle();
      t.strictSame(ask(asker, answerer), ['digest', 'same']);
      t.end();
    },
  );

t.test('two heads with one number end as the same at both, whoever asks', (t) => {
  for (const isSwapped of [false, true]) {
    const [asker, answerer] = pair(ghosts(10, startMicros));
    const twins = [new Ghost(300, later, 2), new Ghost(300, later, 2, 500)];
    if (isSwapped) twins.reverse();
    asker.give(twins[0] as Ghost);
    answerer.give(twins[1] as Ghost);
    ask(asker, answerer);
    t.equal(textOf(asker), textOf(answerer));
    t.equal(asker.registry.state(twins[0]?.owner ?? '')?.set.count, 2);
  }
  t.end();
});

t.test('more symbols are asked for once, or again and again, until they decode', (t) => {
  const rounds = new Set<number>();
  for (let trial = 0; trial < 30; trial++) {
    const [asker, answerer] = pair([]);
    const mine = Array.from(
      { length: 40 },
      (_, at) => new Ghost(100 + 50 * trial + at, startMicros),
    );
    asker.give(...mine.slice(0, 20));
    answerer.give(...mine.slice(20));
    const said = ask(asker, answerer);
    t.equal(textOf(asker), textOf(answerer));
    t.notOk(said.includes('pull'));
    rounds.add(said.filter((kind) => kind === 'moreSymbols').length);
  }
  t.ok(rounds.has(1) && rounds.has(2), `${[...rounds].join(', ')} times`);
  t.ok(Math.max(...rounds) <= 4);
  t.end();
});

t.test('more than symbols are worth is pulled by the asker, or by whoever holds less', (t) => {
  for (const few of ['asker', 'answerer', 'equal'] as const) {
    const [asker, answerer] = pair([], { symbolsMax: 32 });
    const all = ghosts(80, startMicros);
    asker.give(...all.slice(0, few === 'asker' ? 5 : few === 'equal' ? 40 : 80));
    answerer.give(...all.slice(few === 'answerer' ? 75 : few === 'equal' ? 40 : 0));
    const said = ask(asker, answerer);
    t.equal(textOf(asker), textOf(answerer), few);
    const pulls = [asker, answerer].map(({ counters }) => counters.get('pulls_started'));
    t.strictSame(pulls, few === 'answerer' ? [0, 1] : [1, 0], said.join(' '));
    t.equal(said.includes('busy'), few === 'answerer');
  }
  t.end();
});

/** All answers that an exchange knows, with a number. */
const answers = (exchange: number): readonly ExchangeFrame[] => [
  { kind: 'moreSymbols', exchange, estimator: new Uint8Array(estimatorBytes) },
  { kind: 'difference', exchange, want: new Uint8Array(8), have: [] },
  { kind: 'beyond', exchange },
  { kind: 'busy', exchange },
  { kind: 'done', exchange, more: true },
  { kind: 'page', exchange, packed: new Uint8Array(2), next: undefined, want: [] },
  { kind: 'symbols', exchange, first: 0, symbols: new Uint8Array(16) },
];

t.test('answers that nobody asked for are ignored and counted', (t) => {
  const node = new LoneNode();
  node.give(...ghosts(5, startMicros));
  const unasked = (): number => node.counters.get('answers_unasked');
  for (const frame of [...answers(1), { kind: 'same' } as const])
    t.strictSame(node.on(peer, frame), [], `${frame.kind}, before any exchange`);
  t.equal(unasked(), 8);
  node.reconciler.start(peer);
  node.sent();
  for (const frame of answers(99)) t.strictSame(node.on(peer, frame), [], `${frame.kind}, of 99`);
  t.equal(unasked(), 15);
  for (const frame of answers(1))
    t.strictSame(node.on(peerOf(3), frame), [], `${frame.kind}, from another peer`);
  t.strictSame(node.on(peerOf(3), { kind: 'same' }), []);
  t.equal(unasked(), 23);
  t.equal(node.reconciler.isAsking(peer), true, 'the exchange goes on');
  node.on(peer, { kind: 'same' });
  t.equal(node.reconciler.isAsking(peer), false);
  for (const frame of answers(1)) t.strictSame(node.on(peer, frame), [], `${frame.kind}, after it`);
  t.equal(unasked(), 30);
  t.strictSame(node.outcomes, ['in_sync']);
  t.end();
});

t.test('a difference that names what is not there is let pass', (t) => {
  const node = new LoneNode();
  node.give(...ghosts(5, startMicros));
  node.reconciler.start(peer);
  node.sent();
  const want = randomBytes(seededRandom(3), 80);
  t.strictSame(node.on(peer, { kind: 'difference', exchange: 1, want, have: [] }), []);
  t.strictSame(node.outcomes, ['in_sync']);
  const owners = [{ prefix: { hi: 1, lo: 2 }, lastUpdate: 3 }];
  t.strictSame(node.on(peer, { kind: 'want', exchange: 0, owners }), []);
  t.strictSame(node.on(peer, { kind: 'want', exchange: 9, owners }), [
    { kind: 'done', exchange: 9, more: false },
  ]);
  t.end();
});

t.test(
  'a peer that asks for more symbols for ever gets those that are kept, and is pulled from',
  (t) => {
    const node = new LoneNode({ symbolsMax: 64 });
    node.give(...ghosts(5, startMicros));
    node.reconciler.start(peer);
    node.sent();
    const estimator = node.heads.sketch.estimator();
    const kinds: string[] = [];
    let bytes = 0;
    for (let turn = 0; turn < 50; turn++)
      for (const frame of node.on(peer, { kind: 'moreSymbols', exchange: 1, estimator })) {
        kinds.push(frame.kind);
        if (frame.kind === 'symbols') bytes += frame.symbols.length;
      }
    t.ok(bytes <= 64 * 16, `${bytes} bytes of symbols`);
    t.equal(kinds.filter((kind) => kind === 'pull').length, 1);
    t.ok(kinds.length < 12, kinds.join(' '));
    for (const wrong of [new Uint8Array(0), new Uint8Array(63), Buffer.alloc(64, 0x7f)]) {
      node.clock.advance(60_000);
      node.reconciler.start(peer);
      node.sent();
      const exchange = node.counters.get('exchanges_started');
      const answer = node.on(peer, { kind: 'moreSymbols', exchange, estimator: wrong });
      t.match(answer, [{ kind: 'pull' }], 'an estimator that is none, or says that all differs');
      node.on(peer, { kind: 'busy', exchange });
    }
    t.end();
  },
);

t.test('a link so slow that deltas take longer than 10 s does not end the exchange', (t) => {
  const big = new Ghost(200, startMicros, 400, 4_000);
  const [asker, answerer] = pair([]);
  answerer.give(big);
  const [self, other] = [asker.registry.self, answerer.registry.self];
  asker.reconciler.start(other);
  const frames: Frame[] = [];
  for (let turn = 0; turn < 5; turn++) {
    for (const frame of asker.sent()) frames.push(...answerer.on(self, frame as ExchangeFrame));
    for (const frame of frames.splice(0)) {
      if (frame.kind === 'delta') asker.clock.advance(9_000);
      asker.reconciler.tick();
      asker.reconciler.on(other, frame as ExchangeFrame);
    }
  }
  t.equal(asker.registry.state(big.owner)?.set.count, 400);
  t.equal(asker.outcomes.at(-1), 'changed');
  t.end();
});

t.test('an answer over its budget says that there is more, and is asked again at once', (t) => {
  const [asker, answerer] = pair([]);
  const all = Array.from({ length: 4 }, (_, at) => new Ghost(200 + at, startMicros, 250, 4_000));
  answerer.give(...all);
  const said = ask(asker, answerer);
  t.equal(textOf(asker), textOf(answerer));
  t.equal(said.filter((kind) => kind === 'digest').length, 2, 'three of 1 MB, then the fourth');
  t.strictSame(asker.outcomes.slice(-2), ['changed', 'changed']);
  t.end();
});

t.test('a want that names one owner again and again gets little more than its budget', (t) => {
  const node = new LoneNode();
  const big = new Ghost(200, startMicros, 250, 4_000);
  node.give(big);
  const version = { prefix: prefixOf(big.owner), lastUpdate: 0 };
  const owners = Array.from({ length: 1_000 }, () => version);
  const sent = node.on(peer, { kind: 'want', exchange: 5, owners });
  const bytes = sent.reduce((sum, frame) => sum + encodeFrame(frame).length, 0);
  t.ok(bytes < 2 * 1024 * 1024 + 1.1 * big.state.set.bytes, `${bytes} bytes`);
  t.ok(sent.every((frame) => encodeFrame(frame).length <= frameBytesMax));
  t.strictSame(sent.at(-1), { kind: 'done', exchange: 5, more: true });
  t.end();
});

t.test('two owners whose keys begin alike are told apart, whoever holds which of them', (t) => {
  const { verifier } = hashedSignatures;
  const keys = [1, 2].map((last) => Buffer.concat([Buffer.alloc(31, 7), Buffer.from([last])]));
  const make = (at: number, micros: number): Ghost =>
    new Ghost(hashedSigner(keys[at] as Buffer), micros, 2);
  const [one, oneNewer, other, otherNewer] = [
    make(0, startMicros),
    make(0, startMicros + 4),
    make(1, startMicros + 2),
    make(1, startMicros + 6),
  ] as const;
  t.same(prefixOf(one.owner), prefixOf(other.owner));
  t.not(one.owner, other.owner);
  const cases = [
    [[one], [other]],
    [[one, other], []],
    [[one, other], [oneNewer]],
    [
      [one, other],
      [oneNewer, otherNewer],
    ],
    [
      [oneNewer, other],
      [one, otherNewer],
    ],
    [
      [oneNewer, otherNewer],
      [one, other],
    ],
  ] as const;
  for (const symbolsMax of [256, 16])
    for (const [left, right] of cases) {
      const nodes = [1, 2].map(
        (number) => new LoneNode({ number, verifier: eitherOf(verifier), symbolsMax }),
      );
      const [asker, answerer] = nodes as [LoneNode, LoneNode];
      asker.give(...left);
      answerer.give(...right, ...(symbolsMax === 16 ? ghosts(30, startMicros) : []));
      for (let turn = 0; turn < 3; turn++) {
        ask(asker, answerer);
        for (const node of nodes) node.settle();
        ask(answerer, asker);
        for (const node of nodes) node.settle();
      }
      t.equal(textOf(asker), textOf(answerer));
    }
  t.end();
});

/** The owners of that test are of two kinds. */
function eitherOf(verifier: Verifier): Verifier {
  return {
    verify: (...signed) => verifier.verify(...signed) || ed25519Verifier.verify(...signed),
  };
}

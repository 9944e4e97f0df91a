import t from 'tap';
import { digestSymbols } from '../../src/gossip/digest.ts';
import { estimatorBytes, Sketch, symbolBytes } from '../../src/gossip/sketch.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { elementKey, elementOf } from '../../src/gossip/element.ts';
import { sha256 } from '../../src/record/hash.ts';
import { randomBytes } from './elements.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ghosts } from './ghosts.ts';
import { LoneNode, peerOf } from './lone-node.ts';

const startMicros = 1_750_000_000_000_000;
const peer = peerOf(2);
const key = elementKey(sha256('disco/v1/element', 'test').subarray(0, 16));
type Kind<K extends Frame['kind']> = Extract<Frame, { kind: K }>;

/** A sketch that differs from all others: so many heads that nobody else holds. */
function strange(count: number, symbolsMax = 256): Sketch {
  const sketch = new Sketch(symbolsMax);
  const random = seededRandom(count);
  for (let index = 0; index < count; index++) sketch.add(elementOf(randomBytes(random, 32), key));
  return sketch;
}

const partsOf = (sketch: Sketch) => ({
  setHash: sketch.setHash(),
  symbols: sketch.symbols(0, digestSymbols),
});

/** A node with so many ghosts, and its twin whose digests it is asked with. */
function holding(count: number, symbolsMax = 256): LoneNode {
  const node = new LoneNode({ symbolsMax });
  node.give(...ghosts(count, startMicros));
  return node;
}

const symbols = (exchange: number, bytes: Uint8Array, first = 0): Kind<'symbols'> => ({
  kind: 'symbols',
  exchange,
  first,
  symbols: bytes,
});

t.test('who holds the same is answered so', (t) => {
  const node = holding(20);
  t.strictSame(node.on(peer, node.digestOf(2)), [{ kind: 'same' }]);
  t.equal(node.counters.get('exchanges_answered'), 1);
  t.equal(node.counters.get('exchanges_unequal'), 0);
  t.end();
});

t.test('a small difference is decoded out of the digest itself', (t) => {
  const node = holding(20);
  const [ghost] = ghosts(1, startMicros);
  const before = new LoneNode();
  before.give(...ghosts(20, startMicros).slice(1));
  const [answer] = node.on(peer, before.digestOf(2)) as [Kind<'difference'>];
  t.match(answer, { kind: 'difference', exchange: 1 });
  t.equal(answer.want.length, 0, 'it lacks nothing');
  t.strictSame(
    answer.have.map(({ lastUpdate }) => lastUpdate),
    [ghost?.state.head.head.lastUpdate],
  );
  t.end();
});

t.test('what does not decode is asked for in symbols, until it does', (t) => {
  const node = holding(20);
  const other = strange(30);
  const [first] = node.on(peer, node.digestOf(2, partsOf(other))) as [Kind<'moreSymbols'>];
  t.match(first, { kind: 'moreSymbols', exchange: 1 });
  t.equal(first.estimator.length, estimatorBytes);
  const [second] = node.on(peer, symbols(1, other.symbols(0, 20))) as [Kind<'moreSymbols'>];
  t.match(second, { kind: 'moreSymbols', exchange: 1 });
  t.equal(second.estimator.length, 0, 'estimated once');
  const [third] = node.on(peer, symbols(1, other.symbols(20, 180), 20)) as [Kind<'difference'>];
  t.match(third, { kind: 'difference', exchange: 1 });
  t.equal(third.want.length, 30 * 8);
  t.equal(third.have.length, 21, 'its own head and all ghosts');
  t.end();
});

t.test('symbols that nobody asked for, or of another exchange, are ignored and counted', (t) => {
  const node = holding(20);
  const other = strange(30);
  const bytes = other.symbols(0, 20);
  const unasked = (): number => node.counters.get('answers_unasked');
  t.strictSame(node.on(peer, symbols(1, bytes)), [], 'before any digest');
  t.equal(unasked(), 1);
  node.on(peer, node.digestOf(2, partsOf(other)));
  t.strictSame(node.on(peer, symbols(2, bytes)), [], 'another exchange');
  t.strictSame(node.on(peerOf(3), symbols(1, bytes)), [], 'another peer');
  t.equal(unasked(), 3);
  t.match(node.on(peer, symbols(1, other.symbols(0, 256))), [{ kind: 'difference' }]);
  t.strictSame(node.on(peer, symbols(1, bytes)), [], 'it has ended');
  node.on(peer, node.digestOf(2));
  t.strictSame(node.on(peer, symbols(1, bytes)), [], 'the digests were equal');
  t.equal(unasked(), 5);
  node.reconciler.unlinked(peer);
  t.strictSame(node.on(peer, symbols(1, bytes)), [], 'the link is gone');
  t.equal(unasked(), 6);
  t.end();
});

t.test('a peer that sends symbols for ever is told once that they are too many', (t) => {
  const node = holding(20, 64);
  const other = strange(60);
  t.match(node.on(peer, node.digestOf(2, partsOf(strange(30)))), [{ kind: 'moreSymbols' }]);
  const answers: Frame[] = [];
  for (let batch = 0; batch < 40; batch++)
    answers.push(...node.on(peer, symbols(1, other.symbols(0, 7), 7 * batch)));
  const kinds = answers.map(({ kind }) => kind);
  t.equal(kinds.filter((kind) => kind === 'moreSymbols').length, Math.floor(64 / 7));
  t.equal(kinds.filter((kind) => kind === 'beyond').length, 1);
  t.equal(kinds.at(-1), 'beyond');
  t.end();
});

t.test('a trickle of symbols, each decoded with all before it, is malformed', (t) => {
  const node = holding(20);
  const other = strange(120);
  node.on(peer, node.digestOf(2, partsOf(other)));
  t.match(node.on(peer, symbols(1, other.symbols(0, 100))), [{ kind: 'moreSymbols' }]);
  t.match(node.on(peer, symbols(1, other.symbols(100, 10), 100)), [{ kind: 'moreSymbols' }]);
  t.strictSame(node.on(peer, symbols(1, other.symbols(110, 10), 110)), []);
  t.equal(node.registry.refusals.get('MALFORMED'), 1, 'less than a tenth of 110');
  t.end();
});

t.test('one symbol over those that are kept is beyond', (t) => {
  for (const [count, answer] of [
    [64, 'moreSymbols'],
    [65, 'beyond'],
  ] as const) {
    const node = holding(20, 64);
    const other = strange(49);
    node.on(peer, node.digestOf(2, partsOf(other)));
    t.match(node.on(peer, symbols(1, other.symbols(0, count))), [{ kind: answer }], `${count}`);
  }
  t.end();
});

t.test('symbols that are none, half, or made up, are refused, or end in a snapshot', (t) => {
  const other = strange(30);
  const send = (bytes: Uint8Array): { node: LoneNode; answers: Frame[] } => {
    const node = holding(20, 64);
    node.on(peer, node.digestOf(2, partsOf(other)));
    return { node, answers: node.on(peer, symbols(1, bytes)) };
  };
  for (const wrong of [new Uint8Array(0), other.symbols(0, 3).subarray(1)]) {
    const { node, answers } = send(wrong);
    t.strictSame(answers, []);
    t.equal(node.registry.refusals.get('MALFORMED'), 1, `${wrong.length} bytes`);
    t.strictSame(node.on(peer, symbols(1, other.symbols(0, 20))), [], 'and that was its end');
  }
  const noise = randomBytes(seededRandom(7), 20 * symbolBytes);
  t.match(send(noise).answers, [{ kind: 'moreSymbols' }]);
  t.end();
});

t.test('whoever holds far less pulls: we, or the peer', (t) => {
  const few = holding(5, 16);
  const many = strange(30);
  const asked = few.on(peer, few.digestOf(2, partsOf(many)));
  t.match(asked, [{ kind: 'busy', exchange: 1 }, { kind: 'pull' }]);
  t.strictSame(
    few.on(peer, few.digestOf(2, partsOf(many))),
    [{ kind: 'busy', exchange: 1 }],
    'once',
  );
  const most = holding(30, 16);
  t.strictSame(most.on(peer, most.digestOf(2, partsOf(strange(5)))), [
    { kind: 'beyond', exchange: 1 },
  ]);
  t.end();
});

t.test('up to half of the symbols apart, counts are no reason to pull', (t) => {
  const node = holding(1, 16);
  const [near, far] = [strange(2 + 8), strange(2 + 9)] as const;
  t.notMatch(node.on(peer, node.digestOf(2, partsOf(near))), [{ kind: 'busy' }]);
  t.match(node.on(peer, node.digestOf(2, partsOf(far))), [{ kind: 'busy' }, { kind: 'pull' }]);
  t.end();
});

t.test('under a salt, equal sets are the same and others beyond, once a minute', (t) => {
  const node = holding(20);
  const salt = Buffer.alloc(16, 5);
  const equal = partsOf(node.heads.salted(salt, digestSymbols));
  const ask = (parts: object, from = 2): Frame[] =>
    node.on(peerOf(from), node.digestOf(from, parts));
  t.strictSame(ask({ ...equal, salt }), [{ kind: 'same' }]);
  t.strictSame(ask({ ...equal, salt }), [{ kind: 'busy', exchange: 1 }]);
  t.strictSame(ask({ ...equal, salt }, 3), [{ kind: 'same' }], 'another peer has its own minute');
  t.strictSame(ask({}), [{ kind: 'same' }], 'without a salt there is no such bound');
  node.clock.advance(60_000);
  t.strictSame(ask({ ...partsOf(strange(21)), salt }), [{ kind: 'beyond', exchange: 1 }]);
  node.clock.advance(59_999);
  t.strictSame(ask({ ...equal, salt }), [{ kind: 'busy', exchange: 1 }]);
  node.clock.advance(1);
  t.strictSame(ask({ ...equal, salt }), [{ kind: 'same' }]);
  t.end();
});

t.test('a digest that another signed, or that lacks a part, is refused and not answered', (t) => {
  const node = holding(5);
  t.strictSame(node.on(peer, node.digestOf(3)), []);
  t.equal(node.registry.refusals.get('BAD_SIGNATURE'), 1);
  t.strictSame(node.on(peer, node.digestOf(2, { setHash: Buffer.alloc(15) })), []);
  t.equal(node.registry.refusals.get('MALFORMED'), 1);
  t.equal(node.counters.get('exchanges_answered'), 0);
  t.end();
});

t.test('the first digest on a link is compared with what has not settled, too', (t) => {
  const node = holding(5);
  const twin = new LoneNode();
  twin.give(...ghosts(6, startMicros));
  const [newest] = ghosts(6, startMicros).slice(-1);
  newest?.giveTo(node.registry, node.clock.now());
  node.reconciler.follow();
  t.strictSame(node.on(peer, twin.digestOf(2)), [{ kind: 'same' }]);
  const [another] = ghosts(7, startMicros).slice(-1);
  another?.giveTo(node.registry, node.clock.now());
  node.reconciler.follow();
  t.strictSame(node.on(peer, twin.digestOf(2)), [{ kind: 'same' }], 'the second is not');
  t.match(node.on(peerOf(3), twin.digestOf(3)), [{ kind: 'difference' }], 'that of another is');
  t.end();
});

import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { deltasOf } from '../../src/gossip/delta.ts';
import { encodeFrame, frameBytesMax } from '../../src/gossip/message.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { packDeltas, unpackDeltas } from '../../src/gossip/packing.ts';
import { servedMax } from '../../src/gossip/snapshot.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import { Ghost, ghosts } from './ghosts.ts';
import { converse, LoneNode, peerOf } from './lone-node.ts';

const startMicros = 1_750_000_000_000_000;
const peer = peerOf(2);
type Pull = Extract<Frame, { kind: 'pull' }>;
type Page = Extract<Frame, { kind: 'page' }>;

const firstPull: Pull = { kind: 'pull', exchange: 7, after: undefined, until: undefined, held: [] };
const keysOf = (node: LoneNode): string[] => [...node.registry.owners()].map(([owner]) => owner);

/** More owners than one pull tells of. */
const crowd = ghosts(2_100, startMicros);

/** Owners in a page. */
function ownersIn({ packed }: Page): number {
  const unpacked = unpackDeltas(packed);
  return unpacked.kind === 'opened' ? unpacked.value.length : -1;
}

/** A node that is pulling from `peer`, and what it asked for first. */
function pulling(node: LoneNode): Pull {
  node.reconciler.start(peer);
  node.sent();
  const [pull] = node.on(peer, { kind: 'beyond', exchange: exchangeOf(node) });
  return pull as Pull;
}

/** The number of the exchange that a node began last: they are counted from 1. */
const exchangeOf = (node: LoneNode): number => node.counters.get('exchanges_started');

t.test('a node with little gets all that another has, page by page, in the order of keys', (t) => {
  const [few, many] = [
    new LoneNode({ symbolsMax: 16 }),
    new LoneNode({ number: 2, symbolsMax: 16 }),
  ];
  many.give(...ghosts(400, startMicros, 6));
  few.reconciler.start(many.registry.self);
  const said = converse(few, many);
  t.same(new Set(keysOf(few)), new Set(keysOf(many)));
  const pages = said.filter((kind) => kind === 'page').length;
  t.ok(pages >= 3, `${pages} pages`);
  t.equal(said.filter((kind) => kind === 'pull').length, pages);
  t.strictSame(few.outcomes, ['changed']);
  t.strictSame(few.completed, [many.registry.self]);
  t.end();
});

t.test('both have what the other lacked once a pull has ended', (t) => {
  const [few, many] = [
    new LoneNode({ symbolsMax: 16 }),
    new LoneNode({ number: 2, symbolsMax: 16 }),
  ];
  const all = ghosts(120, startMicros, 1);
  const [newer, older, own, rest] = [
    all.slice(0, 10),
    all.slice(10, 20),
    all.slice(20, 30),
    all.slice(30),
  ];
  few.give(...newer, ...older, ...own);
  for (const ghost of newer) ghost.refresh(startMicros + 1_000_000);
  few.give(...newer);
  many.give(...ghosts(20, startMicros, 1), ...rest);
  for (const ghost of older) ghost.register(startMicros + 2_000_000, 1);
  many.give(...older);
  few.reconciler.start(many.registry.self);
  converse(few, many);
  for (const { owner, state } of all)
    for (const { registry } of [few, many])
      t.same(registry.state(owner)?.head.hash, state.head.hash);
  t.end();
});

t.test('a page ends after 256 KiB, and with one chunk more it fits a frame', (t) => {
  const node = new LoneNode();
  // Each just below a chunk, so that it goes into the page.
  node.give(...[100, 101].map((number) => new Ghost(number, startMicros, 122, 4_000)));
  node.give(...ghosts(40, startMicros, 20).slice(2));
  let after: string | undefined;
  let pages = 0;
  do {
    const [page, ...rest] = node.on(peer, { ...firstPull, after }) as [Page];
    t.strictSame(rest, []);
    t.ok(encodeFrame(page).length <= frameBytesMax);
    t.equal(unpackDeltas(page.packed).kind, 'opened', 'it unpacks within the bound');
    t.ok(page.next === undefined || page.next > (after ?? ''), 'it goes on');
    after = page.next;
    pages += 1;
  } while (after !== undefined);
  t.ok(pages >= 3 && pages <= 6, `${pages} pages`);
  t.end();
});

t.test('an owner larger than a page goes ahead of it in chunks, and is whole at once', (t) => {
  const [few, many] = [
    new LoneNode({ symbolsMax: 16 }),
    new LoneNode({ number: 2, symbolsMax: 16 }),
  ];
  const big = new Ghost(200, startMicros, 400, 4_000);
  many.give(big, ...ghosts(20, startMicros));
  few.reconciler.start(many.registry.self);
  const said = converse(few, many);
  const chunks = deltasOf(big.state, 0).length;
  t.ok(chunks >= 3);
  t.equal(said.filter((kind) => kind === 'delta').length, chunks + 1, 'and the puller itself');
  t.equal(few.registry.state(big.owner)?.set.count, 400);
  t.same(new Set(keysOf(few)), new Set(keysOf(many)));
  t.end();
});

t.test('what is held is told 2,048 versions at a time', (t) => {
  const [most, other] = [
    new LoneNode({ symbolsMax: 16 }),
    new LoneNode({ number: 2, symbolsMax: 16 }),
  ];
  most.give(...crowd);
  other.give(...crowd.slice(0, 10));
  const pull = pulling(most);
  t.equal(pull.held.length, 2_048);
  t.type(pull.until, 'string');
  const [page] = other.on(most.registry.self, pull) as [Page];
  t.equal(page.next, pull.until, 'the page covers what was told');
  const answers = most.on(peer, page);
  const next = answers.find(({ kind }) => kind === 'pull') as Pull;
  t.equal(next.held.length, 2_101 - 2_048);
  t.equal(next.after, pull.until);
  t.equal(next.until, undefined);
  t.equal(answers.filter(({ kind }) => kind === 'delta').length, page.want.length);
  t.end();
});

t.test(`a ${servedMax + 1}rd puller is told that ${servedMax} are served, until one ends`, (t) => {
  const node = new LoneNode();
  node.give(...ghosts(400, startMicros, 6));
  const ask = (from: number, pull: Partial<Pull> = {}): Frame[] =>
    node.on(peerOf(from), { ...firstPull, ...pull });
  const [page] = ask(2) as [Page];
  t.type(page.next, 'string');
  t.match(ask(3), [{ kind: 'page' }]);
  t.strictSame(ask(4), [{ kind: 'busy', exchange: 7 }]);
  t.equal(node.counters.get('pulls_refused'), 1);
  t.match(ask(2), [{ kind: 'page' }], 'who is served may begin again');
  let after = page.next;
  while (after !== undefined) ({ next: after } = ask(2, { after })[0] as Page);
  t.match(ask(4), [{ kind: 'page' }], 'one has all');
  t.strictSame(ask(5), [{ kind: 'busy', exchange: 7 }]);
  node.reconciler.unlinked(peerOf(3));
  t.match(ask(5), [{ kind: 'page' }], 'one is gone');
  node.clock.advance(10_001);
  t.match(ask(6), [{ kind: 'page' }], 'the others have gone silent');
  t.end();
});

t.test('pull after pull walks over the owners once, until one comes or goes', (t) => {
  const node = new LoneNode();
  const some = ghosts(31, startMicros);
  node.give(...some.slice(0, 30));
  const { registry } = node;
  let walks = 0;
  const owners = registry.owners.bind(registry);
  registry.owners = () => {
    walks += 1;
    return owners();
  };
  const ask = (): number => ownersIn(node.on(peer, firstPull)[0] as Page);
  t.equal(ask(), 31);
  t.equal(ask(), 31);
  t.equal(walks, 1);
  node.give(...some);
  t.equal(ask(), 32);
  t.equal(walks, 2);
  t.end();
});

t.test('one pull a peer a minute, but for those that were not served', (t) => {
  const node = new LoneNode();
  t.match(pulling(node), { kind: 'pull' });
  node.on(peer, { kind: 'busy', exchange: exchangeOf(node) });
  t.match(pulling(node), { kind: 'pull' }, 'it was busy');
  const last = { kind: 'page', packed: packDeltas([]), next: undefined, want: [] } as const;
  node.on(peer, { ...last, exchange: exchangeOf(node) });
  t.strictSame(node.outcomes, ['failed', 'in_sync']);
  t.equal(pulling(node), undefined);
  node.clock.advance(59_999);
  t.equal(pulling(node), undefined);
  node.clock.advance(1);
  t.match(pulling(node), { kind: 'pull' });
  t.end();
});

t.test('a pull that broke off with its link goes on with the next, and says what came', (t) => {
  const [few, many] = [
    new LoneNode({ symbolsMax: 16 }),
    new LoneNode({ number: 2, symbolsMax: 16 }),
  ];
  many.give(...ghosts(400, startMicros, 6));
  const self = few.registry.self;
  const [page] = many.on(self, pulling(few)) as [Page];
  t.ok(ownersIn(page) > 100);
  few.on(peer, page);
  few.reconciler.unlinked(peer);
  many.reconciler.unlinked(self);
  t.strictSame(few.on(peer, page), [], 'the link that it was asked over is gone');
  t.equal(few.counters.get('answers_unasked'), 1);
  few.settle();
  const again = pulling(few);
  t.equal(again.held.length, ownersIn(page) + 1, 'all that came, and itself');
  const [second] = many.on(self, again) as [Page];
  t.ok(second.next && page.next && second.next > page.next);
  const before = few.counters.get('deltas_duplicate');
  for (const frame of few.on(peer, second)) many.reconciler.on(self, frame as never);
  for (const frame of many.sent()) few.reconciler.on(peer, frame as never);
  converse(few, many);
  t.equal(few.counters.get('deltas_duplicate'), before, 'nothing came twice');
  t.same(new Set(keysOf(few)), new Set(keysOf(many)));
  t.strictSame(few.completed, [peer]);
  t.end();
});

t.test('heads that are about to expire are neither told nor asked for', (t) => {
  const horizonMicros = (86_400_000 - 120_000) * 1_000;
  const [few, many] = [new LoneNode(), new LoneNode({ number: 2 })];
  const age = (ms: number): number => startMicros - horizonMicros + ms * 1_000;
  const [gone, there] = [new Ghost(100, age(-1_000)), new Ghost(101, age(60_000))] as const;
  const [oldOfFew, newer] = [new Ghost(102, age(-1_000)), new Ghost(103, age(-1_000))] as const;
  many.give(gone, there, newer);
  newer.refresh(startMicros);
  few.give(oldOfFew, newer);
  const pull = pulling(few);
  const [page] = many.on(few.registry.self, pull) as [Page];
  const unpacked = unpackDeltas(page.packed);
  const told = unpacked.kind === 'opened' ? unpacked.value.map(({ head }) => head.body) : [];
  t.equal(told.filter((body) => Buffer.from(body).equals(there.state.head.body)).length, 1);
  t.equal(told.filter((body) => Buffer.from(body).equals(gone.state.head.body)).length, 0);
  const wanted = page.want.map(({ prefix }) => prefix);
  t.ok(
    wanted.some(({ hi }) => hi === prefixOf(newer.owner).hi),
    'the newer one is asked for',
  );
  t.notOk(wanted.some(({ hi }) => hi === prefixOf(oldOfFew.owner).hi));
  t.end();
});

t.test('pages that were not asked for are ignored and counted', (t) => {
  const node = new LoneNode();
  const [ghost] = ghosts(1, startMicros) as [Ghost];
  const packed = packDeltas(deltasOf(ghost.state, 0));
  const page = (exchange: number): Page => ({
    kind: 'page',
    exchange,
    packed,
    next: undefined,
    want: [],
  });
  t.strictSame(node.on(peer, page(1)), []);
  const pull = pulling(node);
  node.on(peer, page(pull.exchange + 1));
  node.on(peerOf(3), page(pull.exchange));
  t.equal(node.counters.get('answers_unasked'), 3);
  t.equal(node.registry.state(ghost.owner), undefined);
  node.on(peer, page(pull.exchange));
  t.ok(node.registry.state(ghost.owner));
  node.on(peer, page(pull.exchange));
  t.equal(node.counters.get('answers_unasked'), 4, 'it has ended');
  t.end();
});

t.test('pages that stand still, go back, leave out or cannot be unpacked end the pull', (t) => {
  const node = new LoneNode();
  node.give(...crowd);
  const owners = keysOf(node).toSorted();
  const empty = packDeltas([]);
  const bomb = deflateRawSync(Buffer.alloc(2_000_000));
  const bad: [string, Partial<Page>][] = [
    ['MALFORMED', { next: owners[5] }],
    ['MALFORMED', { next: owners[3] }],
    ['MALFORMED', { next: owners[5 + 2_049] }],
    ['MALFORMED', { next: undefined }],
    ['MALFORMED', { next: owners[9], packed: Buffer.from('garbage') }],
    ['DECOMPRESS_LIMIT', { next: owners[9], packed: bomb }],
  ];
  for (const [reason, wrong] of bad) {
    node.clock.advance(60_000);
    const before = node.registry.refusals.get(reason);
    const { exchange } = pulling(node);
    const page = (parts: Partial<Page>): Page => ({
      kind: 'page',
      exchange,
      packed: empty,
      next: undefined,
      want: [],
      ...parts,
    });
    const [next] = node.on(peer, page({ next: owners[5] })) as [Pull];
    t.match(next, { after: owners[5], until: owners[5 + 2_048] });
    t.strictSame(node.on(peer, page(wrong)), []);
    t.equal(node.registry.refusals.get(reason), before + 1);
    t.equal(node.outcomes.at(-1), 'failed');
    t.equal(node.reconciler.isAsking(peer), false);
    const unasked = node.counters.get('answers_unasked');
    node.on(peer, page({ next: owners[9] }));
    t.equal(node.counters.get('answers_unasked'), unasked + 1, 'no more of it');
  }
  t.end();
});

t.test('a pull that asks backwards, or from an unknown key, is answered for what it asks', (t) => {
  const node = new LoneNode();
  node.give(...ghosts(30, startMicros));
  const owners = keysOf(node).toSorted();
  const ask = (after?: string, until?: string): Page =>
    node.on(peer, { ...firstPull, after, until })[0] as Page;
  t.equal(ownersIn(ask(owners[20])), owners.length - 21);
  t.equal(ownersIn(ask(owners[10], owners[12])), 2);
  t.equal(ownersIn(ask(owners[12], owners[10])), 0, 'nothing lies above 12 and up to 10');
  t.equal(ask(owners[12], owners[10]).next, owners[10]);
  t.equal(ownersIn(ask(peerOf(9_999))), owners.filter((owner) => owner > peerOf(9_999)).length);
  t.end();
});

t.test('a peer that never answers is given up after 10 s, and its late page is ignored', (t) => {
  const node = new LoneNode();
  const { exchange } = pulling(node);
  node.clock.advance(10_000);
  node.reconciler.tick();
  t.equal(node.reconciler.isAsking(peer), true);
  node.clock.advance(1);
  node.reconciler.tick();
  t.strictSame(node.outcomes, ['failed']);
  const page = { kind: 'page', packed: packDeltas([]), next: undefined, want: [] } as const;
  node.on(peer, { ...page, exchange });
  t.equal(node.counters.get('answers_unasked'), 1);
  node.clock.advance(60_000);
  t.match(pulling(node), { kind: 'pull' });
  t.end();
});

t.test('a peer that lies that all is the same ends a pull, and does not stop the next', (t) => {
  const node = new LoneNode();
  pulling(node);
  node.on(peer, { kind: 'same' });
  t.equal(node.reconciler.isAsking(peer), false);
  node.clock.advance(60_000);
  t.match(pulling(node), { kind: 'pull' });
  node.on(peer, { kind: 'beyond', exchange: exchangeOf(node) });
  t.equal(node.outcomes.at(-1), 'failed', 'as does one that says beyond twice');
  node.clock.advance(60_000);
  t.match(pulling(node), { kind: 'pull' });
  t.end();
});

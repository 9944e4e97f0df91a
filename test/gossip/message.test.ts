import fc from 'fast-check';
import { Writer } from 'protobufjs/minimal.js';
import t from 'tap';
import { disco } from '../../src/gen/gossip.js';
import { decodeFrame, decodeRumor, encodeFrame } from '../../src/gossip/message.ts';
import {
  decodeDeltas,
  fieldsMax,
  frameBytesMax,
  isVigilFrame,
  rumorBytesMax,
} from '../../src/gossip/message.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import { signerOf } from './cluster.ts';

const owner = signerOf(1).owner;
const version = { prefix: prefixOf(owner), lastUpdate: 1_750_000_000_000_000 };
const head = { body: Buffer.from('body'), signature: Buffer.from('signature') };
const frames: readonly Frame[] = [
  {
    kind: 'hello',
    cluster: 'c',
    protocolMin: 1,
    protocolMax: 2,
    time: 1_750_000_000_000_000,
    head,
    thoughtDead: true,
  },
  { kind: 'refusal', reason: 'WRONG_CLUSTER', sentence: 'no' },
  { kind: 'digest', sealed: head },
  {
    kind: 'delta',
    head,
    whole: true,
    records: [Buffer.from('a'), Buffer.from('b')],
    more: true,
  },
  { kind: 'same' },
  { kind: 'moreSymbols', exchange: 7, estimator: Buffer.alloc(64, 3) },
  { kind: 'symbols', exchange: 7, first: 4, symbols: Buffer.alloc(40, 5) },
  { kind: 'difference', exchange: 7, want: Buffer.alloc(16, 9), have: [version] },
  { kind: 'beyond', exchange: 7 },
  { kind: 'pull', exchange: 7, after: undefined, until: owner, held: [version, version] },
  { kind: 'page', exchange: 7, packed: Buffer.from('p'), next: owner, want: [version] },
  { kind: 'busy', exchange: 7 },
  { kind: 'want', exchange: 7, owners: [version] },
  { kind: 'done', exchange: 7, more: true },
  { kind: 'rumor', rumor: { head, previous: 9, records: [Buffer.from('a')], accusations: [head] } },
  { kind: 'check', owner, incarnation: 1_750_000_000 },
  { kind: 'bye', reason: 'not a neighbor' },
  { kind: 'neighbor', wanted: true },
  { kind: 'token', sealed: head },
  { kind: 'accusation', sealed: head },
  { kind: 'ping', nonce: 2 ** 32 - 1 },
  { kind: 'pong', nonce: 0 },
  { kind: 'askVouch', subject: owner, nonce: 7 },
  { kind: 'vouch', subject: owner, nonce: 7 },
  { kind: 'dismissal', sealed: head },
];

t.test('every kind of frame comes back as it was', (t) => {
  for (const frame of frames) {
    const decoded = decodeFrame(encodeFrame(frame));
    t.same(decoded, { kind: 'opened', value: frame }, frame.kind);
  }
  t.equal(frames.length, 25);
  t.equal(encodeFrame({ kind: 'same' }).length, 3, 'said more often than all others');
  t.same(decodeFrame(new Uint8Array(0)), { kind: 'refused', reason: 'UNEXPECTED' });
  t.end();
});

t.test('frames that leave everything out are still read, or refused as malformed', (t) => {
  const empty = (field: number): Uint8Array =>
    Writer.create()
      .uint32((field << 3) | 2)
      .bytes(new Uint8Array())
      .finish();
  const kinds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22].map(
    (field) => decodeFrame(empty(field)).kind,
  );
  const [hello, refusal, digest, delta, want, done, rumor, check, bye, neighbor, ...sealed] = kinds;
  t.strictSame(
    [hello, delta, rumor, check],
    Array(4).fill('refused'),
    'they lack a head, an owner',
  );
  t.strictSame([refusal, digest, want, done, bye, neighbor, ...sealed], Array(8).fill('opened'));
  t.equal(decodeFrame(empty(27)).kind, 'opened', 'an empty dismissal is malformed further on');
  const exchange = [10, 11, 12, 13, 14, 15, 16].map((field) => decodeFrame(empty(field)).kind);
  t.strictSame(exchange, Array(7).fill('opened'));
  const probes = [23, 24, 25, 26].map((field) => decodeFrame(empty(field)).kind);
  t.strictSame(probes, ['opened', 'opened', 'refused', 'refused'], 'two of them lack a subject');
  t.end();
});

t.test('pings, pongs and vouchings are the frames of probes', (t) => {
  const kinds = frames.filter(isVigilFrame).map(({ kind }) => kind);
  t.strictSame(kinds, ['token', 'accusation', 'ping', 'pong', 'askVouch', 'vouch']);
  t.end();
});

t.test('a frame of a kind that only a later version has is unexpected, not malformed', (t) => {
  t.same(decodeFrame(Buffer.from([0xa2, 0x06, 0x00])), { kind: 'refused', reason: 'UNEXPECTED' });
  t.same(decodeFrame(Buffer.from('noise')), { kind: 'refused', reason: 'MALFORMED' });
  t.end();
});

t.test('a frame over the bound is refused before it is decoded', (t) => {
  const oversize = new Uint8Array(frameBytesMax + 1);
  t.same(decodeFrame(oversize), { kind: 'refused', reason: 'FRAME_TOO_LARGE' });
  const rumor = new Uint8Array(2 * rumorBytesMax + 1);
  t.same(decodeRumor(rumor), { kind: 'refused', reason: 'FRAME_TOO_LARGE' });
  t.end();
});

t.test('any bytes are either a frame or malformed, never an exception', (t) => {
  let refusals = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      if (decodeFrame(bytes).kind === 'refused') refusals += 1;
      decodeRumor(bytes);
    }),
    { numRuns: 2_000, seed: 1 },
  );
  t.ok(refusals > 500, `${refusals} of 2000`);
  t.end();
});

t.test('a damaged frame is either another frame or malformed, never an exception', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.nat(), fc.integer({ min: 1, max: 255 }), (...of) => {
      const [frame, at, bits] = of;
      const bytes = Buffer.concat([encodeFrame(frame), Buffer.alloc(1)]);
      bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ bits;
      decodeFrame(bytes);
    }),
    { numRuns: 2_000, seed: 2 },
  );
  t.pass('no exception in 2000 damaged frames');
  t.end();
});

t.test('a frame of a later version with one more field is understood', (t) => {
  const extra = Writer.create()
    .uint32((99 << 3) | 2)
    .string('from the future')
    .finish();
  const bytes = Buffer.concat([encodeFrame({ kind: 'done', exchange: 3, more: false }), extra]);
  t.same(decodeFrame(bytes), {
    kind: 'opened',
    value: { kind: 'done', exchange: 3, more: false },
  });
  t.end();
});

t.test('lists that are no whole number of entries, and half keys, are malformed', (t) => {
  const { Frame: frame, Deltas } = disco.gossip.v1;
  const malformed = { kind: 'refused', reason: 'MALFORMED' };
  const odd = Buffer.alloc(17, 1);
  for (const wrong of [
    { difference: { want: Buffer.alloc(7) } },
    { difference: { have: odd } },
    { want: { owners: odd } },
    { pull: { held: odd } },
    { pull: { after: odd } },
    { page: { want: odd } },
    { page: { next: odd } },
    { askVouch: { subject: odd } },
    { vouch: { subject: Buffer.alloc(33, 1) } },
  ])
    t.same(decodeFrame(frame.encode(wrong).finish()), malformed, JSON.stringify(wrong));
  t.same(decodeDeltas(Buffer.from('garbage')), malformed);
  t.same(decodeDeltas(Deltas.encode({ deltas: [{}] }).finish()), malformed, 'it lacks a head');
  t.end();
});

t.test('a probe of nothing but nonces is refused before anything is made of them', (t) => {
  for (const field of [23, 24, 25, 26]) {
    const nonces = Buffer.alloc(2 * fieldsMax, Buffer.from([0x08, 0x01]));
    const bytes = Writer.create()
      .uint32((field << 3) | 2)
      .bytes(nonces)
      .finish();
    t.same(decodeFrame(bytes), { kind: 'refused', reason: 'TOO_MANY_FIELDS' });
  }
  t.end();
});

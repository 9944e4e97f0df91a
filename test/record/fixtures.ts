/** Makers for tests: signers from seeded keys, records, heads, and bytes that no honest node sends. */
import { createPrivateKey } from 'node:crypto';
import { assert } from '../../src/base/assert.ts';
import type { Now } from '../../src/base/clock.ts';
import { disco } from '../../src/gen/gossip.js';
import { sealRecord } from '../../src/record/encoding.ts';
import { sha256 } from '../../src/record/hash.ts';
import { sealHead } from '../../src/record/head.ts';
import type { Head, HeadRules, NodeFacts, SealedHead } from '../../src/record/head.ts';
import type { MergeBounds, MergeVerdict, OwnerState } from '../../src/record/merge.ts';
import { plainFields } from '../../src/record/record.ts';
import type { SealedRecord, ServiceRecord } from '../../src/record/record.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import { ed25519Signer } from '../../src/record/signature.ts';
import type { Signer } from '../../src/record/signature.ts';
import type { Opened } from '../../src/record/verdict.ts';

/** What the wall clock says when a test begins, µs. */
export const startMicros = 1_750_000_000_000_000;
export const cluster = 'test';

export const wideBounds: MergeBounds = { recordsPerOwnerMax: 1_000, bytesPerOwnerMax: 1_000_000 };

/** Both clocks `ms` after the beginning. */
export function at(ms: number): Now {
  return { monoMs: ms, wallMicros: startMicros + ms * 1000 };
}

const signers = new Map<number, Signer>();
/** An Ed25519 private key in PKCS #8, up to its 32 bytes (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

export function keySeed(number: number): Uint8Array {
  return sha256(`disco test key ${number}`);
}

/** The same number always gives the same key. */
export function signerOf(number: number): Signer {
  const known = signers.get(number);
  if (known !== undefined) return known;
  const key = Buffer.concat([pkcs8Prefix, keySeed(number)]);
  const signer = ed25519Signer(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
  signers.set(number, signer);
  return signer;
}

export function makeRecord(fields: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    owner: signerOf(1).owner,
    group: 'shop',
    name: 'cart',
    instanceId: 'cart-1',
    lastUpdate: startMicros,
    deleted: false,
    ip: '10.0.0.7',
    port: 8080,
    health: 'passing',
    ttlMs: 0,
    version: '1.2.3',
    tags: ['blue'],
    metadata: { zone: 'a' },
    ...plainFields,
    ...fields,
  };
}

export function makeSealed(fields: Partial<ServiceRecord> = {}): SealedRecord {
  return sealRecord(makeRecord(fields));
}

export function makeTombstone(fields: Partial<ServiceRecord> = {}): SealedRecord {
  return makeSealed({ deleted: true, ip: '', port: 0, tags: [], metadata: {}, ...fields });
}

/** The wire form of `makeRecord`, with fields that its type would not allow. */
export function recordBytes(fields: disco.gossip.v1.Record.$Properties = {}): Uint8Array {
  const { maintenance: _, endpoints: _none, ...record } = makeRecord();
  const { owner, health: _health, tags, metadata, ...plain } = record;
  const key = keyOfOwner(owner) as Uint8Array;
  const honest = { ...plain, owner: key, health: 1, tags: [...tags], metadata: { ...metadata } };
  return disco.gossip.v1.Record.encode({ ...honest, ...fields }).finish();
}

export function makeFacts(fields: Partial<NodeFacts> = {}): NodeFacts {
  return {
    name: 'node-1',
    addresses: ['/ip4/10.0.0.7/tcp/7600'],
    startedAt: startMicros,
    protocolMin: 1,
    protocolMax: 1,
    left: false,
    version: '0.1.0',
    ...fields,
  };
}

/** A head over a set, signed by key 1 unless told otherwise. */
export function makeHead(
  set: RecordSet = RecordSet.empty,
  fields: Partial<Head> = {},
  signer: Signer = signerOf(1),
): SealedHead {
  const head: Head = {
    cluster,
    owner: signer.owner,
    lastUpdate: startMicros + 1,
    incarnation: 1,
    bootId: '0011223344556677',
    floor: 0,
    count: set.count,
    root: set.root,
    facts: makeFacts(),
    ...fields,
  };
  return sealHead(head, signer);
}

export function makeState(
  records: readonly SealedRecord[],
  fields: Partial<Head> = {},
  signer: Signer = signerOf(1),
): OwnerState {
  const set = RecordSet.empty.with(records, []);
  return { head: makeHead(set, fields, signer), set };
}

/** The wire form of `makeHead`, with fields that its type would not allow. */
export function headBytes(fields: disco.gossip.v1.Head.$Properties = {}): Uint8Array {
  const { head } = makeHead();
  const honest = {
    ...head,
    owner: keyOfOwner(head.owner) as Uint8Array,
    bootId: Buffer.from(head.bootId, 'hex'),
    facts: { ...head.facts, addresses: [...head.facts.addresses] },
  };
  return disco.gossip.v1.Head.encode({ ...honest, ...fields }).finish();
}

export const rulesAtStart: HeadRules = {
  cluster,
  headBytesMax: 2_048,
  latest: startMicros + 60_000_000,
  earliest: startMicros - 86_400_000_000,
};

/** Field 900, wire type varint, value 7: what a later version may add to any message. */
export const unknownField = Uint8Array.of(0xa0, 0x38, 0x07);

export function withUnknownField(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, unknownField]);
}

/** A head whose owner signed one more field than this version knows. */
export function signedWithUnknownField(head: SealedHead, signer: Signer): SealedHead {
  const body = withUnknownField(head.body);
  const signature = signer.sign('disco/v1/head', head.head.cluster, body);
  return { body, signature, hash: sha256(body), head: head.head };
}

/** A copy with one bit turned over. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

/** What was opened; a failure of the test when it was refused. */
export function valueOf<T>(result: Opened<T>): T {
  assert(result.kind === 'opened', `expected an opened value, not ${JSON.stringify(result)}`);
  return result.value;
}

export function appliedOf(verdict: MergeVerdict): Extract<MergeVerdict, { kind: 'applied' }> {
  assert(verdict.kind === 'applied', `expected applied, not ${JSON.stringify(verdict)}`);
  return verdict;
}

/** Keys and bytes of a set, in its own order: equal for equal sets. */
export function contentOf(set: RecordSet): string[] {
  return [...set.records()].map(({ key, bytes }) => `${key} ${Buffer.from(bytes).toString('hex')}`);
}

/**
 * A member that says what the test wants: a transport on the cluster's network with a key of its
 * own, and no engine behind it. It keeps every frame that it is sent, and answers none.
 */
import type { RumorVerdict } from '../../src/gossip/context.ts';
import { bare, decodeFrame, encodeFrame, encodeRumor } from '../../src/gossip/message.ts';
import type { Delta, Frame, Rumor } from '../../src/gossip/frame.ts';
import { sealDigest } from '../../src/gossip/digest.ts';
import type { Digest } from '../../src/gossip/digest.ts';
import type { MemoryTransport } from '../../src/gossip/memory-transport.ts';
import type { TransportHandler } from '../../src/gossip/transport.ts';
import type { Head, Sealed } from '../../src/record/head.ts';
import { sealHead } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import type { SealedRecord, ServiceRecord } from '../../src/record/record.ts';
import { sealRecord } from '../../src/record/encoding.ts';
import type { Signer } from '../../src/record/signature.ts';
import { signerOf } from '../gossip/cluster.ts';
import type { TestCluster, TestNode } from '../gossip/cluster.ts';
import { makeRecord } from '../record/fixtures.ts';

/** All records that a head commits to, unless `whole` is false, in one chunk. */
export const delta = (head: Sealed, records: readonly Uint8Array[], whole = true): Delta => ({
  kind: 'delta',
  head,
  whole,
  records,
  more: false,
});

/** Where it says it is: nobody is there. */
const nowhere = '/ip4/192.0.2.66/tcp/1';

export class HostilePeer implements TransportHandler {
  readonly signer: Signer;
  readonly id: OwnerId;
  readonly frames: { readonly peer: OwnerId; readonly frame: Frame }[] = [];
  /** What it does with a frame when it comes; nothing unless told. */
  answer: (peer: OwnerId, frame: Frame) => unknown = () => undefined;
  readonly #cluster: TestCluster;
  readonly #transport: MemoryTransport;
  readonly #linked = new Set<OwnerId>();

  constructor(cluster: TestCluster, number: number) {
    this.#cluster = cluster;
    this.signer = signerOf(number);
    this.id = this.signer.owner;
    this.#transport = cluster.network.join(this.id, `mem/hostile-${number}`);
    void this.#transport.start(this);
  }

  /** A member of good standing that is linked with a node, and wants to stay so. */
  static greeted(cluster: TestCluster, number: number, node: TestNode): HostilePeer {
    const peer = new HostilePeer(cluster, number);
    peer.link(node);
    return peer;
  }

  link({ address, registry }: TestNode): void {
    this.#transport.dial({ addresses: [address] }, 1_000, () => undefined);
    this.#cluster.run(20);
    this.greet(registry.self);
    this.send(registry.self, { kind: 'neighbor', wanted: true });
    this.#cluster.run(20);
  }

  greet(peer: OwnerId, changes: Partial<Extract<Frame, { kind: 'hello' }>> = {}): void {
    const protocol = { protocolMin: 1, protocolMax: 1, thoughtDead: false };
    const time = this.#cluster.clock.now().wallMicros;
    const head = this.head();
    this.send(peer, { kind: 'hello', cluster: 'test', time, head, ...protocol, ...changes });
  }

  isLinked({ registry }: TestNode): boolean {
    return this.#linked.has(registry.self);
  }

  send(peer: OwnerId, frame: Frame): void {
    this.sendBytes(peer, encodeFrame(frame));
  }

  /** What no encoder makes. */
  sendBytes(peer: OwnerId, bytes: Uint8Array): void {
    this.#transport.send(peer, bytes);
  }

  publish(rumor: Rumor): void {
    this.#transport.publish(encodeRumor(rumor));
  }

  /** A head of its own over records of its own. */
  head(records: readonly SealedRecord[] = [], fields: Partial<Head> = {}): Sealed {
    const { wallMicros } = this.#cluster.clock.now();
    return bare(sealHead(headOf(this.signer, wallMicros, records, fields), this.signer));
  }

  record(fields: Partial<ServiceRecord> = {}): SealedRecord {
    const { wallMicros } = this.#cluster.clock.now();
    const plain = { owner: this.id, group: 'test', name: 'hostile', lastUpdate: wallMicros };
    return sealRecord(makeRecord({ ...plain, ...fields }));
  }

  /** A digest of what a node holds, with other parts where they are given. */
  digest(parts: Partial<Digest>): Extract<Frame, { kind: 'digest' }> {
    const time = this.#cluster.clock.now().wallMicros;
    const empty = { setHash: new Uint8Array(16), symbols: new Uint8Array(64), salt: undefined };
    const sealed = sealDigest({ time, exchange: 1, ...empty, ...parts }, 'test', this.signer);
    return { kind: 'digest', sealed };
  }

  /** Frames of a kind that it was sent. */
  received<K extends Frame['kind']>(kind: K): Extract<Frame, { kind: K }>[] {
    const isOfKind = (frame: Frame): frame is Extract<Frame, { kind: K }> => frame.kind === kind;
    return this.frames.map(({ frame }) => frame).filter(isOfKind);
  }

  linked(peer: OwnerId): void {
    this.#linked.add(peer);
  }

  unlinked(peer: OwnerId): void {
    this.#linked.delete(peer);
  }

  message(peer: OwnerId, bytes: Uint8Array): void {
    const decoded = decodeFrame(bytes);
    if (decoded.kind === 'refused') throw new Error(`a node sent what is ${decoded.reason}`);
    this.frames.push({ peer, frame: decoded.value });
    this.answer(peer, decoded.value);
  }

  rumor(): RumorVerdict {
    return 'ignore';
  }
}

/** What an owner might sign over such records now. */
export function headOf(
  signer: Signer,
  wallMicros: number,
  records: readonly SealedRecord[] = [],
  fields: Partial<Head> = {},
): Head {
  const set = RecordSet.empty.with(records, []);
  const protocol = { protocolMin: 1, protocolMax: 1, left: false, version: 'test' };
  const facts = { name: 'hostile', addresses: [nowhere], startedAt: wallMicros, ...protocol };
  const counts = { incarnation: 1, floor: 0, count: set.count, root: set.root };
  const owner = signer.owner;
  const lastUpdate = wallMicros;
  return {
    cluster: 'test',
    owner,
    lastUpdate,
    bootId: '66'.repeat(8),
    ...counts,
    facts,
    ...fields,
  };
}

/** Everything that a peer could change at a node: what is held, told and shown, and who is there. */
export function stateOf({ registry }: TestNode): string {
  const heads = [...registry.owners()].map(([, { head }]) =>
    Buffer.from(head.hash).toString('hex'),
  );
  const members = [...registry.members()].map(({ owner, state }) => `${owner} ${state}`);
  const shown = registry.index.list().map(({ record }) => `${record.owner} ${record.instanceId}`);
  return JSON.stringify([heads.sort(), members.sort(), shown, registry.feed.revision]);
}

/** How often each reason was given, as an object, for what was refused since `before`. */
export function refusedSince(
  { registry }: TestNode,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const all = registry.refusals.entries();
  return Object.fromEntries(
    all
      .map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}

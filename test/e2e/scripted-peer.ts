/**
 * A node that says what the test wants: the real transport with a key of its own, and no engine.
 *
 * It greets whoever links with it, keeps every frame that it is sent, and passes no rumor on.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { seedOf } from '../../src/daemon/identity.ts';
import { disco } from '../../src/gen/gossip.js';
import type { RumorVerdict } from '../../src/gossip/context.ts';
import { Libp2pTransport } from '../../src/gossip/libp2p-transport.ts';
import { bare, decodeFrame, encodeFrame, protocolVersion } from '../../src/gossip/message.ts';
import { prefixOf } from '../../src/gossip/version.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import type { TransportHandler } from '../../src/gossip/transport.ts';
import { bootIdBytes, sealHead } from '../../src/record/head.ts';
import type { Head, Sealed } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { ed25519Signer } from '../../src/record/signature.ts';
import { Writer } from 'protobufjs/minimal.js';
import { eventually, type Node } from './cluster.ts';

export const clusterName = 'default';

export type Delta = Extract<Frame, { kind: 'delta' }>;

/** A field that this version does not know, to be put behind any message. */
const laterField = Buffer.from(
  Writer.create()
    .uint32((1_000 << 3) | 2)
    .string('from a later version')
    .finish(),
);

export function withLaterField(message: Uint8Array): Uint8Array {
  return Buffer.concat([message, laterField]);
}

export function holdsLaterField(message: Uint8Array): boolean {
  return Buffer.from(message).includes(laterField);
}

export class ScriptedPeer implements TransportHandler {
  readonly id: OwnerId;
  readonly frames: { readonly peer: OwnerId; readonly frame: Frame }[] = [];
  /** Rumors from the broadcast topic. */
  readonly rumors: { readonly peer: OwnerId; readonly bytes: Uint8Array }[] = [];
  address = '';
  /** What becomes of every frame on its way out. */
  dress: (frame: Uint8Array) => Uint8Array = (frame) => frame;
  readonly #transport: Libp2pTransport;
  readonly #key = generateKeyPairSync('ed25519').privateKey;
  readonly #signer = ed25519Signer(this.#key);
  readonly #linked = new Set<OwnerId>();
  readonly #bootId = randomBytes(bootIdBytes).toString('hex');
  #head: Sealed;

  static async start(t: Test): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer();
    t.teardown(() => peer.#transport.stop());
    const [address = ''] = await peer.#transport.start(peer);
    peer.address = address;
    peer.#head = peer.sealHead([]);
    return peer;
  }

  private constructor() {
    this.id = this.#signer.owner;
    this.#head = this.sealHead([]);
    this.#transport = new Libp2pTransport({
      keySeed: seedOf(this.#key),
      cluster: clusterName,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      connectionsMax: 100,
      inboundConnectionsPerSecondMax: 100,
      peersPerAddressMax: 0,
      neighborsK: 8,
    });
  }

  /** A head of this node over these records. @param dress what becomes of its body */
  sealHead(
    records: readonly SealedRecord[],
    dress: (body: Uint8Array) => Uint8Array = (body) => body,
  ): Sealed {
    const set = RecordSet.empty.with(records, []);
    const head: Head = {
      cluster: clusterName,
      owner: this.id,
      lastUpdate: Date.now() * 1000,
      incarnation: 1,
      bootId: this.#bootId,
      floor: 0,
      count: set.count,
      root: set.root,
      facts: {
        name: 'scripted',
        addresses: this.address === '' ? [] : [this.address],
        startedAt: Date.now() * 1000,
        protocolMin: protocolVersion,
        // The next version speaks this one too.
        protocolMax: protocolVersion + 1,
        left: false,
        version: '99.0.0',
      },
    };
    const body = dress(bare(sealHead(head, this.#signer)).body);
    return { body, signature: this.#signer.sign('disco/v1/head', clusterName, body) };
  }

  /** Dials a daemon and waits until each has greeted the other. */
  async link(node: Node): Promise<void> {
    const dialed = Promise.withResolvers<void>();
    this.#transport.dial({ addresses: [node.gossip] }, 5_000, (outcome) => {
      if (outcome.kind === 'dialed') dialed.resolve();
      else dialed.reject(new Error(`could not dial ${node.name}: ${outcome.how}`));
    });
    await dialed.promise;
    await this.frame(node.peerId, 'hello');
  }

  /** The first frame of a kind from a peer, now or later. */
  async frame<K extends Frame['kind']>(
    peer: OwnerId,
    kind: K,
    isIt: (frame: Extract<Frame, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<Frame, { kind: K }>> {
    const find = (): Frame | undefined =>
      this.frames.find((sent) => {
        if (sent.peer !== peer || sent.frame.kind !== kind) return false;
        return isIt(sent.frame as Extract<Frame, { kind: K }>);
      })?.frame;
    await eventually(`a ${kind} from ${peer}`, () => find() !== undefined);
    return find() as Extract<Frame, { kind: K }>;
  }

  /** Asks a daemon for all that it holds of an owner. */
  async ask(node: Node, owner: OwnerId): Promise<Delta> {
    const seen = this.frames.length;
    const owners = [{ prefix: prefixOf(owner), lastUpdate: 0 }];
    this.send(node, { kind: 'want', exchange: 0, owners });
    const isNew = (frame: Delta): boolean =>
      this.frames.some((s, i) => i >= seen && s.frame === frame);
    return this.frame(node.peerId, 'delta', (frame) => isNew(frame) && frame.whole);
  }

  send(node: Node, frame: Frame): void {
    this.#transport.send(node.peerId, this.dress(encodeFrame(frame)));
  }

  sendBytes(node: Node, bytes: Uint8Array): void {
    this.#transport.send(node.peerId, bytes);
  }

  publish(bytes: Uint8Array): void {
    this.#transport.publish(bytes);
  }

  linked(peer: OwnerId): void {
    this.#linked.add(peer);
    const hello = disco.gossip.v1.Hello.encode({
      cluster: clusterName,
      protocolMin: protocolVersion,
      protocolMax: protocolVersion + 1,
      time: Date.now() * 1000,
      head: this.#head,
    }).finish();
    const field = Writer.create()
      .uint32((1 << 3) | 2)
      .bytes(this.dress(hello))
      .finish();
    this.#transport.send(peer, this.dress(field));
  }

  unlinked(peer: OwnerId): void {
    this.#linked.delete(peer);
  }

  isLinked(node: Node): boolean {
    return this.#linked.has(node.peerId);
  }

  message(peer: OwnerId, bytes: Uint8Array): void {
    const decoded = decodeFrame(bytes);
    if (decoded.kind === 'opened') this.frames.push({ peer, frame: decoded.value });
  }

  rumor(peer: OwnerId, bytes: Uint8Array): RumorVerdict {
    this.rumors.push({ peer, bytes });
    return 'ignore';
  }
}

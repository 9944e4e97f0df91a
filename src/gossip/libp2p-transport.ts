/**
 * The transport contract on libp2p: TCP, noise, yamux, identify; gossipsub for rumors.
 *
 * Each side of a link opens one long-lived stream and writes its frames there, length-prefixed;
 * connection set-up is js-libp2p's weak point, so links stay open. gossipsub's own signing is off
 * (StrictNoSign, message id = content hash): records are signed already, and gossipsub may lose
 * what it likes, since the digests repair.
 */
import { gossipsub, StrictNoSign } from '@chainsafe/libp2p-gossipsub';
import type { GossipSub } from '@chainsafe/libp2p-gossipsub';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import type { Connection, Libp2p, PeerId, ServiceMap, Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { Counters } from '../base/counters.ts';
import { DiscoError } from '../base/error.ts';
import { sha256 } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';
import type { DialTarget } from './context.ts';
import { dialFailureOf, isPortInUse, listenProblem } from './dial-failure.ts';
import { FrameReader, FrameWriter } from './frame-stream.ts';
import { frugalNoise, frugalYamux } from './frugal-wire.ts';
import { knock } from './knock.ts';
import { frameBytesMax, rumorBytesMax } from './message.ts';
import type { DialOutcome, Transport, TransportHandler } from './transport.ts';

const protocol = '/disco/gossip/1';
/** Time for the other side to read what was sent before a link was hung up. */
const lingerMs = 1_000;

export interface Libp2pTransportOptions {
  /** Seed of the Ed25519 key, 32 bytes. */
  readonly keySeed: Uint8Array;
  readonly cluster: string;
  /** Multiaddrs. */
  readonly listen: readonly string[];
  readonly connectionsMax: number;
  readonly inboundConnectionsPerSecondMax: number;
  /** 0: no limit. */
  readonly peersPerAddressMax: number;
  readonly neighborsK: number;
  /** `rumor_copies`: rumors published, and every copy received; gossipsub asks the id of each. */
  readonly counters?: Counters;
}

interface Services extends ServiceMap {
  identify: unknown;
  pubsub: GossipSub;
}

/**
 * All connections to one key. There are two when both dialed at once, and when two processes run
 * with one key; so what is said goes where the peer spoke last, and an answer to who asked.
 */
interface Link {
  readonly writers: Map<Connection, FrameWriter>;
  writer: FrameWriter;
  readonly connection: Connection;
}

export class Libp2pTransport implements Transport {
  readonly #options: Libp2pTransportOptions;
  readonly #topic: string;
  readonly #links = new Map<OwnerId, Link>();
  #node: Libp2p<Services> | undefined;
  #handler: TransportHandler | undefined;

  constructor(options: Libp2pTransportOptions) {
    this.#options = options;
    this.#topic = `disco/1/${options.cluster}`;
  }

  async start(handler: TransportHandler): Promise<readonly string[]> {
    this.#handler = handler;
    const node = await this.#create();
    this.#node = node;
    node.addEventListener('peer:disconnect', ({ detail }) => this.#disconnected(detail));
    node.addEventListener('connection:open', ({ detail }) => this.#connected(detail));
    await node.handle(protocol, (stream, connection) => this.#incoming(stream, connection), {
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
    });
    await this.#listen(node);
    const { pubsub } = node.services;
    pubsub.topicValidators.set(this.#topic, (peer, message) => {
      return this.#handler?.rumor(peer.toString(), message.data) as never;
    });
    pubsub.subscribe(this.#topic);
    return node.getMultiaddrs().map((address) => address.decapsulateCode(421).toString());
  }

  dial(target: DialTarget, timeoutMs: number, done: (outcome: DialOutcome) => void): void {
    const { addresses, isDoubted = false } = target;
    if (!isDoubted) return this.#dialAll(target, timeoutMs, done);
    knock(addresses, timeoutMs, (answer) => {
      if (answer === 'open') this.#dialAll(target, timeoutMs, done);
      else done({ kind: 'failed', how: answer });
    });
  }

  #dialAll(target: DialTarget, timeoutMs: number, done: (outcome: DialOutcome) => void): void {
    const suffix = target.peer === undefined ? '' : `/p2p/${target.peer}`;
    this.#dial(
      target.addresses.map((address) => address + suffix),
      timeoutMs,
    ).then(
      (connection) => done({ kind: 'dialed', peer: connection.remotePeer.toString() }),
      (error: unknown) => done({ kind: 'failed', how: dialFailureOf(error) }),
    );
  }

  send(peer: OwnerId, bytes: Uint8Array): boolean {
    return this.#links.get(peer)?.writer.write(bytes) ?? false;
  }

  publish(bytes: Uint8Array): void {
    // Failing means that nobody listens yet; the digests will tell them.
    this.#node?.services.pubsub.publish(this.#topic, bytes).catch(() => undefined);
  }

  hangUp(peer: OwnerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    link.writer.end();
    // The other side closes the connection once it has read all; if it does not, we do.
    setTimeout(() => {
      if (this.#links.get(peer) === link) this.#close(link.connection);
    }, lingerMs).unref();
  }

  async stop(): Promise<void> {
    this.#handler = undefined;
    await this.#node?.stop();
  }

  async #create(): Promise<Libp2p<Services>> {
    const { keySeed, listen, connectionsMax, inboundConnectionsPerSecondMax } = this.#options;
    return createLibp2p<Services>({
      start: false,
      privateKey: await generateKeyPairFromSeed('Ed25519', keySeed),
      addresses: { listen: [...listen] },
      transports: [tcp({ socketOptions: { noDelay: true } } as never)],
      connectionEncrypters: [frugalNoise()],
      streamMuxers: [frugalYamux()],
      connectionMonitor: { enabled: false },
      connectionManager: {
        maxConnections: connectionsMax,
        inboundConnectionThreshold: inboundConnectionsPerSecondMax,
        maxIncomingPendingConnections: 128,
      },
      services: { identify: identify(), pubsub: this.#pubsub() },
    });
  }

  #pubsub(): ReturnType<typeof gossipsub> {
    const { neighborsK, peersPerAddressMax, counters } = this.#options;
    return gossipsub({
      globalSignaturePolicy: StrictNoSign,
      msgIdFn: (message) => {
        counters?.add('rumor_copies');
        return sha256(message.data).subarray(0, 20);
      },
      allowedTopics: [this.#topic],
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      fallbackToFloodsub: false,
      floodPublish: true,
      doPX: false,
      // As many as there are links: fewer copies cost the tail (bench/broadcast-limit.ts --sweep).
      D: neighborsK,
      Dlo: Math.max(2, neighborsK - 2),
      Dhi: 2 * neighborsK,
      maxInboundDataLength: 3 * rumorBytesMax,
      scoreParams: {
        // Nodes of one host share an address; the score would prune them.
        IPColocationFactorWeight: peersPerAddressMax === 0 ? 0 : -5,
        IPColocationFactorThreshold: Math.max(1, peersPerAddressMax),
      },
    });
  }

  async #listen(node: Libp2p<Services>): Promise<void> {
    try {
      await node.start();
    } catch (error) {
      await node.stop();
      const listen = this.#options.listen.join(', ');
      if (isPortInUse(error)) {
        const sentence = `the gossip address ${listen} is in use by another process: stop that one, or give another --listen (port 0 picks a free one)`;
        throw new DiscoError('FAILED_PRECONDITION', 'PORT_IN_USE', sentence, error);
      }
      const sentence = `cannot listen for gossip on ${listen} (${listenProblem(error)}): give an address of this host with --listen`;
      throw new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence, error);
    }
  }

  #dial(addresses: readonly string[], timeoutMs: number): Promise<Connection> {
    if (this.#node === undefined) return Promise.reject(new Error('the transport is stopped'));
    const signal = AbortSignal.timeout(timeoutMs);
    return this.#node.dial(
      addresses.map((address) => multiaddr(address)),
      { signal },
    );
  }

  #connected(connection: Connection): void {
    const peer = connection.remotePeer.toString();
    if (this.#handler === undefined) return;
    const writer = new FrameWriter();
    const link = this.#links.get(peer);
    if (link === undefined) {
      const writers = new Map([[connection, writer]]);
      this.#links.set(peer, { writers, writer, connection });
      this.#handler.linked(peer);
    } else link.writers.set(connection, writer);
    connection.newStream(protocol, { maxOutboundStreams: 2 }).then(
      // A link without its stream is none; whoever wants it dials again.
      (stream) => writer.start(stream, () => this.#close(connection)),
      (error: Error) => connection.abort(error),
    );
  }

  /** Ends all connections to a peer: when both dialed at once, there are two. */
  #close({ remotePeer }: Connection): void {
    this.#node?.hangUp(remotePeer).catch(() => undefined);
  }

  #disconnected(peerId: PeerId): void {
    const peer = peerId.toString();
    if (this.#links.delete(peer)) this.#handler?.unlinked(peer);
  }

  #incoming(stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString();
    const reader = new FrameReader(frameBytesMax, (bytes) => {
      const link = this.#links.get(peer);
      if (link !== undefined) link.writer = link.writers.get(connection) ?? link.writer;
      this.#handler?.message(peer, bytes);
    });
    reader.start(stream, () => this.#close(connection));
  }
}

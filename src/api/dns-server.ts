/**
 * DnsServer: carries questions and answers, over UDP and over TCP on one port.
 *
 * It is no tool against others: an answer over UDP to an address that is not of a private network
 * holds no records, only the word to come by TCP, so nobody can have more sent to a stranger than
 * he sends himself; and only private networks are passed on upstream.
 */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as DatagramSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { formatAddress, isLoopback, isPrivate, isWildcard, parseAddress } from '../base/address.ts';
import { CellRate } from '../base/cell-rate.ts';
import type { Clock } from '../base/clock.ts';
import { Counters } from '../base/counters.ts';
import { errorText } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { aliasOf, questionAbout, readAnswers } from './dns-alias.ts';
import { DnsAnswerer } from './dns-answerer.ts';
import { headerFlag, readQuery } from './dns-query.ts';
import type { Query } from './dns-query.ts';
import { DnsStream } from './dns-stream.ts';
import { Upstream } from './dns-upstream.ts';
import {
  cutAnswer,
  headerAnswer,
  messageBytesMax,
  udpBytesMax,
  udpBytesMin,
} from './dns-writer.ts';
import { listenError } from './listen-error.ts';
import type { DiscoveryService } from './service.ts';

const door = {
  name: 'DNS',
  flag: '--dns',
  isOptional: true,
  hint: 'a port below 1024 takes a privilege',
};

export interface DnsOptions {
  /** `host:port`; port 0 picks one that is free for both. */
  readonly address: string;
  /** For how long anybody may go by an answer. */
  readonly ttlSeconds: number;
  /** Where other names are asked for; empty: they are refused. */
  readonly upstream: readonly string[];
  /** Of this node, whose instances go first; empty: nobody said. */
  readonly zone: string;
}

export interface DnsTools {
  readonly clock: Clock;
  readonly random: Random;
  /** 0 to 65535, which nobody can foresee. */
  readonly randomId: () => number;
  readonly log: Log;
  /** Who gets records by UDP and has other names asked for; on loopback everybody. */
  readonly isNear?: (ip: string) => boolean;
}

/** Connections at once; further ones are closed. */
export const connectionsMax = 256;
/** How often a port is looked for that neither TCP nor UDP has in use. */
const portsTried = 10;
/** Bursts are longer than the usual 200 KB; the system may give less. */
const receiveBytes = 1024 * 1024;
/** One line a minute of each kind, whatever is sent. */
const logRate = { burst: 1, perSecond: 1 / 60, keysMax: 16 };
const codeNames = ['noerror', 'formerr', 'servfail', 'nxdomain', 'notimp', 'refused'];

export class DnsServer {
  /** Questions, and how they were answered. */
  readonly counters = new Counters();
  readonly #options: DnsOptions;
  readonly #tools: DnsTools;
  readonly #isNear: (ip: string) => boolean;
  readonly #answerer: DnsAnswerer;
  readonly #upstream: Upstream | undefined;
  readonly #logged = new CellRate<string>(logRate);
  readonly #streams = new Set<DnsStream>();
  readonly #tcp: Server;
  #udp: DatagramSocket | undefined;
  #host = '';
  #isLocal = false;

  constructor(service: DiscoveryService, options: DnsOptions, tools: DnsTools) {
    const { registry, control } = service;
    this.#options = options;
    this.#tools = tools;
    this.#isNear = tools.isNear ?? isPrivate;
    const { upstream: servers, ttlSeconds, zone } = options;
    if (servers.length > 0) this.#upstream = new Upstream({ servers, ...tools });
    this.#answerer = new DnsAnswerer(registry, control, tools.random, {
      ttlSeconds,
      zone,
      isRecursive: servers.length > 0,
      address: () => (isWildcard(this.#host) ? control.hostAddress() : this.#host),
    });
    this.#tcp = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    this.#tcp.maxConnections = connectionsMax;
  }

  /**
   * Begins to listen.
   *
   * @returns the address with the real port
   * @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE
   */
  async start(): Promise<string> {
    const { host, port } = parseAddress(this.#options.address);
    for (let attempt = 1; ; attempt++) {
      try {
        const bound = await listenStream(this.#tcp, host, port);
        this.#host = bound.address;
        this.#isLocal = isLoopback(bound.address);
        this.#udp = await this.#listenDatagrams(bound);
        this.#tcp.on('error', (error) => this.#warn('DNS over TCP', error));
        return formatAddress({ host, port: bound.port });
      } catch (error) {
        if (this.#tcp.listening) await closeServer(this.#tcp);
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!isTaken || port !== 0 || attempt === portsTried)
          throw listenError(door, this.#options.address, error);
      }
    }
  }

  async stop(): Promise<void> {
    this.#upstream?.close();
    this.#udp?.close();
    this.#udp = undefined;
    const closed = this.#tcp.listening ? closeServer(this.#tcp) : Promise.resolve();
    for (const stream of this.#streams) stream.destroy();
    await closed;
  }

  #listenDatagrams({ address, port }: AddressInfo): Promise<DatagramSocket> {
    const isIpv6 = isIPv6(address);
    const socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      // The address of whoever asked is no name to be looked up.
      lookup: (ip, _options, found) => found(null, ip, isIpv6 ? 6 : 4),
    });
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ port, address }, () => {
        socket.removeAllListeners('error');
        socket.on('error', (error) => this.#warn('DNS over UDP', error));
        socket.on('message', (bytes, peer) => this.#onDatagram(socket, bytes, peer));
        this.#enlarge(socket);
        resolve(socket);
      });
    });
  }

  #enlarge(socket: DatagramSocket): void {
    try {
      socket.setRecvBufferSize(receiveBytes);
    } catch (error) {
      this.#tools.log.debug({ error: errorText(error) }, 'the buffer for DNS stays as it is');
    }
  }

  #onDatagram(socket: DatagramSocket, bytes: Buffer, peer: RemoteInfo): void {
    const isNear = this.#isLocal || this.#isNear(peer.address);
    const send = (answer: Buffer | undefined): void => {
      // Who asks, and is gone, is not told.
      if (answer !== undefined && socket === this.#udp)
        socket.send(answer, peer.port, peer.address, () => undefined);
    };
    const answer = this.#respond(bytes, isNear, (query) => (isNear ? datagramLimit(query) : 0));
    if (answer instanceof Promise) void answer.then(send);
    else send(answer);
  }

  #accept(socket: Socket): void {
    const isNear = this.#isLocal || this.#isNear(socket.remoteAddress ?? '');
    const answer = (bytes: Buffer): Buffer | undefined | Promise<Buffer | undefined> =>
      this.#respond(bytes, isNear, () => messageBytesMax);
    const stream = new DnsStream(socket, answer, this.#tools.clock);
    this.#streams.add(stream);
    socket.once('close', () => this.#streams.delete(stream));
  }

  /** @param limitOf bytes that the answer may take */
  #respond(
    bytes: Buffer,
    isNear: boolean,
    limitOf: (query: Query) => number,
  ): Buffer | undefined | Promise<Buffer | undefined> {
    const query = readQuery(bytes);
    this.counters.add(query === undefined ? 'dns_ignored' : 'dns_queries');
    if (query === undefined) return undefined;
    if (query.kind === 'bad') return this.#count(headerAnswer(query));
    const limit = limitOf(query);
    try {
      const answer = this.#answer(query, limit, isNear);
      return answer instanceof Promise
        ? answer.then((later) => this.#count(later))
        : this.#count(answer);
    } catch (error) {
      this.#warn('a DNS question failed: a bug', error);
      return this.#count(this.#answerer.fail(query, limit, 'this daemon made a mistake'));
    }
  }

  #answer(query: Query, limit: number, isNear: boolean): Buffer | Promise<Buffer> {
    const answer = this.#answerer.answer(query, limit);
    const upstream = this.#upstream;
    const isWished = (query.flags & headerFlag.recursionDesired) !== 0;
    if (upstream !== undefined && isNear && isWished) {
      if (answer === undefined) return this.#passOn(upstream, query, limit);
      const target = aliasOf(answer, query);
      return target === undefined ? answer : this.#follow(upstream, query, limit, target);
    }
    if (answer !== undefined) return answer;
    if (upstream === undefined) return this.#answerer.refuse(query, limit);
    const why = isNear ? 'the question does not ask for recursion' : 'this is for its network';
    return this.#answerer.refuse(query, limit, `not passed on: ${why}`);
  }

  async #passOn(upstream: Upstream, query: Query, limit: number): Promise<Buffer> {
    const answer = await upstream.ask(query, limit > udpBytesMax);
    if (answer === undefined) return this.#failed(query, limit);
    return answer.length > limit ? cutAnswer(answer, query) : answer;
  }

  /** Our alias, and what is at its other end, which may be nothing. */
  async #follow(upstream: Upstream, query: Query, limit: number, target: Buffer): Promise<Buffer> {
    const about = questionAbout(target, query);
    const answer = about && (await upstream.ask(about, true));
    if (about === undefined || answer === undefined) return this.#failed(query, limit);
    return this.#answerer.resolved(query, limit, target, readAnswers(answer, about));
  }

  #failed(query: Query, limit: number): Buffer {
    this.#warn('no answer from the DNS upstream', this.#options.upstream.join(', '));
    return this.#answerer.fail(query, limit, 'the upstream does not answer');
  }

  #count(answer: Buffer): Buffer {
    const flags = answer.readUInt16BE(2);
    this.counters.add(`dns_${codeNames[flags & 0xf] ?? 'other'}`);
    if ((flags & headerFlag.truncated) !== 0) this.counters.add('dns_truncated');
    return answer;
  }

  #warn(what: string, error: unknown): void {
    const { monoMs } = this.#tools.clock.now();
    if (!this.#logged.has(what, monoMs)) return;
    this.#logged.take(what, monoMs);
    this.#tools.log.warn({ error: errorText(error) }, what);
  }
}

function datagramLimit({ edns }: Query): number {
  if (edns === undefined) return udpBytesMin;
  return Math.min(Math.max(edns.udpBytes, udpBytesMin), udpBytesMax);
}

function listenStream(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

/**
 * Upstream: passes questions about other names on to another DNS server, and its answers back.
 *
 * Equal questions that are under way at once go out once. So a loop of servers ends here: what comes
 * back round waits for itself and fails with it, and nothing multiplies.
 */
import { parseAddress } from '../base/address.ts';
import type { Address } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { askByDatagram, askByStream } from './dns-exchange.ts';
import type { Ask } from './dns-exchange.ts';
import { headerBytes, headerFlag, rcode, recordType } from './dns-query.ts';
import type { Query } from './dns-query.ts';
import { udpBytesMax } from './dns-writer.ts';

export interface UpstreamOptions {
  /** Literal addresses with ports, in the order in which they are tried. */
  readonly servers: readonly string[];
  readonly clock: Clock;
  /** 0 to 65535, which nobody can foresee. */
  readonly randomId: () => number;
}

/** Questions under way; each is a socket. More fail at once. */
export const underWayMax = 500;
/** For one try, so that all of them end before a usual client gives up after 5 s. */
export const tryMs = 1_500;
const triesMax = 3;

export class Upstream {
  readonly #servers: readonly Address[];
  readonly #clock: Clock;
  readonly #randomId: () => number;
  readonly #underWay = new Map<string, Promise<Buffer | undefined>>();
  readonly #closing = new AbortController();

  constructor({ servers, clock, randomId }: UpstreamOptions) {
    this.#servers = servers.map(parseAddress);
    this.#clock = clock;
    this.#randomId = randomId;
  }

  /** Questions that wait for an answer now. */
  get waiting(): number {
    return this.#underWay.size;
  }

  /**
   * @param isStream the answer may be longer than a datagram
   * @returns an answer to this query, in bytes of its own; undefined when there is none
   */
  async ask(query: Query, isStream: boolean): Promise<Buffer | undefined> {
    const { id, bytes, questionEnd } = query;
    const question = bytes.toString('latin1', headerBytes, questionEnd).toLowerCase();
    const key = `${flagsOf(query)} ${query.edns?.isDnssecOk} ${isStream} ${question}`;
    const known = this.#underWay.get(key);
    if (known === undefined && this.#underWay.size >= underWayMax) return undefined;
    const answering = known ?? this.#begin(key, query, isStream);
    const answer = await answering;
    if (answer === undefined) return undefined;
    const copy = Buffer.from(answer);
    copy.writeUInt16BE(id, 0);
    // Each gets back the letters' case that it chose.
    bytes.copy(copy, headerBytes, headerBytes, questionEnd);
    return copy;
  }

  /** Whoever waits is told that there is no answer. */
  close(): void {
    this.#closing.abort();
  }

  #begin(key: string, query: Query, isStream: boolean): Promise<Buffer | undefined> {
    const answering = this.#tryAll(query, isStream).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, answering);
    return answering;
  }

  /** One server after the other, and round again; a server's failure is told if none does better. */
  async #tryAll(query: Query, isStream: boolean): Promise<Buffer | undefined> {
    let failure: Buffer | undefined;
    for (let attempt = 0; attempt < triesMax; attempt++) {
      const server = this.#servers[attempt % this.#servers.length];
      if (server === undefined || this.#closing.signal.aborted) break;
      const answer = await this.#tryOne(query, server, isStream);
      if (answer !== undefined && !isFailure(answer)) return answer;
      failure = answer ?? failure;
    }
    return failure;
  }

  async #tryOne(query: Query, server: Address, isStream: boolean): Promise<Buffer | undefined> {
    const { questionEnd } = query;
    const [clock, { signal }] = [this.#clock, this.#closing];
    const bytes = messageOf(query, this.#randomId());
    const ask: Ask = { bytes, questionEnd, server, timeoutMs: tryMs, clock, signal };
    const answer = await askByDatagram(ask);
    const isCut = answer !== undefined && (answer.readUInt16BE(2) & headerFlag.truncated) !== 0;
    return isCut && isStream ? ((await askByStream(ask)) ?? answer) : answer;
  }
}

/** The question, with nothing of what else came along with it. */
function messageOf(query: Query, id: number): Buffer {
  const { bytes, questionEnd, edns } = query;
  const opt = Buffer.alloc(edns === undefined ? 0 : 11);
  if (edns !== undefined) {
    opt.writeUInt16BE(recordType.OPT, 1);
    opt.writeUInt16BE(udpBytesMax, 3);
    opt.writeUInt16BE(edns.isDnssecOk ? 0x8000 : 0, 7);
  }
  const message = Buffer.concat([bytes.subarray(0, questionEnd), opt]);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(flagsOf(query), 2);
  message.fill(0, 6, headerBytes);
  message.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  return message;
}

function flagsOf({ flags }: Query): number {
  return flags & (headerFlag.recursionDesired | headerFlag.checkingDisabled);
}

function isFailure(answer: Buffer): boolean {
  const code = answer.readUInt16BE(2) & 0xf;
  return code === rcode.servFail || code === rcode.refused;
}

/**
 * DNS over a registry in memory. Messages are made and read by dns-packet, so that what is ours is
 * held against somebody else's reading of the RFCs.
 */
import * as packet from 'dns-packet';
import type { Answer, OptAnswer, Packet, RecordType } from 'dns-packet';
import { assert } from '../../src/base/assert.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DnsAnswerer } from '../../src/api/dns-answerer.ts';
import type { AnswererOptions } from '../../src/api/dns-answerer.ts';
import { readQuery } from '../../src/api/dns-query.ts';
import type { Query } from '../../src/api/dns-query.ts';
import type { ServiceRecord } from '../../src/record/record.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

export interface Edns {
  readonly udpBytes?: number;
  readonly version?: number;
  readonly isDnssecOk?: boolean;
}

export interface Asked {
  readonly id?: number;
  /** Of the header; recursion is desired when left out. */
  readonly flags?: number;
  readonly edns?: Edns;
  /** Bytes that the answer may take; 1,232 with EDNS, 512 without when left out. */
  readonly limit?: number;
}

/** An answer, with each record as a line such as `A 10.0.0.7`. */
export interface Told {
  readonly id: number;
  readonly rcode: string;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly isRecursive: boolean;
  readonly question: string;
  readonly answers: readonly string[];
  readonly authorities: readonly string[];
  /** With their names, and without OPT. */
  readonly additionals: readonly string[];
  readonly ttls: readonly number[];
  readonly edns: { readonly udpBytes: number; readonly rcodeHigh: number } | undefined;
  /** The extended error, `code text`. */
  readonly note: string | undefined;
  readonly bytes: number;
}

export function question(name: string, type: string, { id = 7, flags, edns }: Asked = {}): Buffer {
  const opt: OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: edns?.udpBytes ?? 1232,
    extendedRcode: 0,
    ednsVersion: edns?.version ?? 0,
    flags: edns?.isDnssecOk === true ? packet.DNSSEC_OK : 0,
    flag_do: edns?.isDnssecOk === true,
    options: [],
  };
  return packet.encode({
    type: 'query',
    id,
    flags: flags ?? packet.RECURSION_DESIRED,
    questions: [{ name, type: type as RecordType }],
    ...(edns !== undefined && { additionals: [opt] }),
  });
}

export function read(bytes: Buffer): Query {
  const query = readQuery(bytes);
  assert(query?.kind === 'query', 'a question that can be read');
  return query;
}

export function told(bytes: Buffer): Told {
  const decoded = packet.decode(bytes) as packet.DecodedPacket & { rcode: string };
  assert(packet.decode.bytes === bytes.length, 'nothing follows the message');
  const { answers = [], authorities = [], additionals = [], questions = [] } = decoded as Packet;
  const opt = additionals.find(({ type }) => type === 'OPT');
  return {
    id: decoded.id ?? -1,
    rcode: decoded.rcode,
    isAuthoritative: decoded.flag_aa,
    isTruncated: decoded.flag_tc,
    isRecursive: decoded.flag_ra,
    question: questions.map(({ name, type }) => `${name} ${type}`).join(),
    answers: answers.map(lineOf),
    authorities: authorities.map((answer) => `${answer.name} ${lineOf(answer)}`),
    additionals: additionals
      .filter(({ type }) => type !== 'OPT')
      .map((answer) => `${answer.name} ${lineOf(answer)}`),
    ttls: [...answers, ...authorities].map((answer) => ('ttl' in answer ? (answer.ttl ?? -1) : -1)),
    edns:
      opt?.type === 'OPT'
        ? { udpBytes: opt.udpPayloadSize, rcodeHigh: opt.extendedRcode }
        : undefined,
    note: opt?.type === 'OPT' ? noteOf(opt.options) : undefined,
    bytes: bytes.length,
  };
}

function lineOf(answer: Answer): string {
  switch (answer.type) {
    case 'SRV': {
      const { priority, weight, port, target } = answer.data;
      return `SRV ${priority} ${weight} ${port} ${target}`;
    }
    case 'TXT':
      return `TXT ${[answer.data].flat().map(String).join(' ')}`;
    case 'SOA':
      return `SOA ${answer.data.mname} ${answer.data.rname} minimum ${answer.data.minimum}`;
    case 'HINFO':
      return `HINFO ${answer.data.cpu}`;
    case 'OPT':
      return 'OPT';
    default:
      return `${answer.type} ${typeof answer.data === 'string' ? answer.data : 'unread'}`;
  }
}

function noteOf(options: readonly object[]): string | undefined {
  const [option] = options as readonly { code: number; data: Buffer }[];
  if (option?.code !== 15) return undefined;
  return `${option.data.readUInt16BE(0)} ${option.data.toString('utf8', 2)}`;
}

type Named = Partial<ServiceRecord> & { readonly instanceId: string };

/** A node and what it answers by DNS. */
export class DnsNode {
  readonly node = new Node();
  readonly answerer: DnsAnswerer;
  readonly #records = new Map<number, Map<string, Partial<ServiceRecord>>>();

  constructor(options: Partial<AnswererOptions> = {}) {
    const { registry, control } = this.node;
    this.answerer = new DnsAnswerer(registry, control, seededRandom(7), {
      ttlSeconds: 1,
      zone: '',
      isRecursive: false,
      address: () => '127.0.0.1',
      ...options,
    });
  }

  /** An instance of math/add, at node 2 unless said otherwise, is heard of; each id is one. */
  add(fields: Named, key = 2): void {
    this.#put(fields, key);
    this.#hear(key);
  }

  /** Instances i-1, i-2 … of math/add at 10.0.0.1, 10.0.0.2 … */
  addMany(count: number): void {
    for (let host = 1; host <= count; host++)
      this.#put({ instanceId: `i-${host}`, ip: `10.0.${host >> 8}.${host & 255}` }, 2);
    this.#hear(2);
  }

  #put(fields: Named, key: number): void {
    const plain = { group: 'math', name: 'add', tags: [], metadata: {}, version: '' };
    const own = this.#records.get(key) ?? new Map<string, Partial<ServiceRecord>>();
    this.#records.set(key, own);
    const record = { ...plain, ...fields, owner: signerOf(key).owner };
    own.set(`${record.group}/${record.name}/${record.instanceId}`, record);
  }

  /** All that a node had is gone. */
  clear(key = 2): void {
    this.#records.delete(key);
    this.#hear(key);
  }

  /** The answer of this node's zone; a failure of the test when it is somebody else's to give. */
  ask(name: string, type: string, asked: Asked = {}): Told {
    const bytes = this.bytes(name, type, asked);
    assert(bytes !== undefined, `${name} is answered here`);
    return told(bytes);
  }

  bytes(name: string, type: string, asked: Asked = {}): Buffer | undefined {
    const limit = asked.limit ?? (asked.edns === undefined ? 512 : 1232);
    return this.answerer.answer(read(question(name, type, asked)), limit);
  }

  #hear(key: number): void {
    const { owner } = signerOf(key);
    this.node.registry.observe(owner, { kind: 'linked' }, this.node.clock.now());
    const records = [...(this.#records.get(key)?.values() ?? [])];
    const verdict = this.node.hear(key, records.map(makeSealed));
    assert(verdict.kind === 'applied', `what node ${key} says is taken: ${verdict.kind}`);
  }
}

/**
 * DnsAnswerer: what is told to a question about this cluster.
 *
 * Names below `disco.` are answered with authority, and so are the reverse names of addresses at
 * which instances are; everything else is somebody else's. Healthy instances alone are told, by the
 * rule of Get, in an order that chance turns, those of this daemon's zone first. What does not fit
 * is left out and said to be (TC): while there are instances no answer is empty and whole.
 */
import type { Random } from '../base/random.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import { reverseKey } from './dns-address.ts';
import { wireName, zoneLabel } from './dns-labels.ts';
import { classAny, classIn, rcode, recordType } from './dns-query.ts';
import type { Query } from './dns-query.ts';
import { srvTargetOffset, targetOf, textOf } from './dns-view.ts';
import type { Piece, Ranked, ServiceView } from './dns-view.ts';
import { AnswerWriter, questionName, section, udpBytesMin } from './dns-writer.ts';
import type { Note } from './dns-writer.ts';
import { DnsZone } from './dns-zone.ts';
import type { Found } from './dns-zone.ts';
import type { NodeControl } from './node-control.ts';
import { notFound } from './not-found.ts';

/** Names told for one address; a host may run a thousand instances. */
export const namesOfAddressMax = 8;

export interface AnswererOptions {
  /** For how long anybody may go by an answer, also by one that there is nothing. */
  readonly ttlSeconds: number;
  /** The daemon's; empty: none. */
  readonly zone: string;
  /** Other names can be asked for here as well: it is only told. */
  readonly isRecursive: boolean;
  /** The address that answers, for ns.disco. */
  readonly address: () => string;
}

/** Info codes of RFC 8914. */
const noteCode = { other: 0, stale: 3, notReady: 14, notAuthoritative: 20 } as const;
/** The host in the zone's NS and SOA records. */
const nameServer = 'ns';
const hostmaster = 'hostmaster';
/** `disco` and the root, at the end of every name of the zone. */
const zoneBytes = wireName([zoneLabel]).length;
const questionTailBytes = 4;
/** For secondaries, of which there are none. */
const refreshSeconds = 3_600;
const retrySeconds = 600;
const expireSeconds = 86_400;
/** What is said to ANY (RFC 8482 §4.2): a HINFO record with "RFC8482", and an empty string. */
const minimalAny = Buffer.from('\x07RFC8482\x00', 'latin1');
const none: Ranked<Piece> = { near: [], far: [] };

export class DnsAnswerer {
  readonly #registry: Registry;
  readonly #control: NodeControl;
  readonly #random: Random;
  readonly #options: AnswererOptions;
  readonly #zone: DnsZone;
  readonly #writer = new AnswerWriter();

  constructor(registry: Registry, control: NodeControl, random: Random, options: AnswererOptions) {
    this.#registry = registry;
    this.#control = control;
    this.#random = random;
    this.#options = options;
    this.#zone = new DnsZone(registry, options.zone);
  }

  /**
   * @param limit bytes that the answer may take; with 0 it holds no record at all
   * @returns undefined when the question is about something else
   */
  answer(query: Query, limit: number): Buffer | undefined {
    const { edns, labels, type } = query;
    if (edns !== undefined && edns.version > 0) return this.#bare(query, limit, rcode.badVers);
    if (query.class !== classIn && query.class !== classAny) return this.refuse(query, limit);
    if (labels.at(-1) !== zoneLabel) return this.#answerAddress(query, limit);
    // A transfer would be a list of everything.
    if (type === recordType.AXFR || type === recordType.IXFR) return this.refuse(query, limit);
    return this.#answerZone(query, limit);
  }

  /** To a question that is not for this server, or could not be passed on. */
  refuse(query: Query, limit: number, text = 'only names below disco. are answered here'): Buffer {
    return this.#bare(query, limit, rcode.refused, { code: noteCode.notAuthoritative, text });
  }

  /** When an answer should be there and is not. */
  fail(query: Query, limit: number, text: string): Buffer {
    return this.#bare(query, limit, rcode.servFail, { code: noteCode.other, text });
  }

  #answerZone(query: Query, limit: number): Buffer {
    const below = query.labels.slice(0, -1);
    if (below.length === 0) return this.#answerApex(query, limit);
    if (below.length === 1 && below[0] === nameServer) {
      const address = targetOf(this.#options.address());
      return this.#tellAs(query, limit, address.type, { near: [address], far: [] });
    }
    const found = this.#zone.find(below);
    if (found === undefined) return this.#deny(query, limit, rcode.nxDomain);
    if (query.type === recordType.ANY)
      return this.#tellAs(query, limit, recordType.HINFO, {
        near: [{ data: minimalAny }],
        far: [],
      });
    return this.#answerFound(query, limit, found);
  }

  #answerFound(query: Query, limit: number, found: Found): Buffer {
    const { type } = query;
    switch (found.kind) {
      case 'service':
        return this.#answerService(query, limit, found.view);
      case 'port': {
        const pieces = type === recordType.SRV ? found.view.ports(found.endpoint) : undefined;
        return this.#tell(query, limit, recordType.SRV, pieces ?? none, found.view);
      }
      case 'instances':
        return this.#answerInstances(query, limit, found.view, found.instances);
      case 'address': {
        const target = targetOf(found.ip);
        return this.#tellAs(query, limit, target.type, { near: [target], far: [] });
      }
      case 'parent':
        return this.#deny(query, limit, rcode.noError);
    }
  }

  #answerService(query: Query, limit: number, view: ServiceView): Buffer {
    const { type } = query;
    switch (type) {
      case recordType.SRV:
        return this.#tell(query, limit, type, view.ports() ?? none, view);
      case recordType.TXT:
        return this.#tell(query, limit, type, view.texts(), view);
      case recordType.A:
      case recordType.AAAA:
      case recordType.CNAME: {
        const alias = this.#aliasOf(view);
        if (alias !== undefined)
          return this.#tell(query, limit, recordType.CNAME, { near: [alias], far: [] }, view);
        const pieces = type === recordType.CNAME ? none : view.addresses(type);
        return this.#tell(query, limit, type, pieces, view);
      }
      default:
        return this.#tell(query, limit, type, none, view);
    }
  }

  /** One of the host names, when there is nothing else: beside a CNAME there can be no address. */
  #aliasOf(view: ServiceView): Piece | undefined {
    const isEmpty = ({ near, far }: Ranked<Piece>): boolean => near.length + far.length === 0;
    const hasAddress = [recordType.A, recordType.AAAA].some(
      (type) => !isEmpty(view.addresses(type)),
    );
    if (hasAddress) return undefined;
    const { near, far } = view.addresses(recordType.CNAME);
    return this.#random.pick(near.length > 0 ? near : far);
  }

  /** By its own name an instance is told whatever its health: who has the name chose it before. */
  #answerInstances(
    query: Query,
    limit: number,
    view: ServiceView,
    instances: readonly Instance[],
  ): Buffer {
    const { type } = query;
    if (type === recordType.SRV || type === recordType.TXT) {
      const isPort = type === recordType.SRV;
      const piece = (instance: Instance): Piece =>
        isPort ? view.portOf(instance) : { data: textOf(instance) };
      return this.#tellAs(query, limit, type, { near: instances.map(piece), far: [] });
    }
    const targets = instances.map(({ record }) => targetOf(record.ip));
    const [first] = targets;
    const isAlias = first !== undefined && targets.every((one) => one.type === recordType.CNAME);
    if (isAlias) return this.#tellAs(query, limit, recordType.CNAME, { near: [first], far: [] });
    const seen = new Set<string>();
    const near = targets
      .filter((target) => target.type === type)
      .filter(({ data }) => seen.size !== seen.add(data.join()).size);
    return this.#tellAs(query, limit, type, { near, far: [] });
  }

  #answerApex(query: Query, limit: number): Buffer {
    const { type } = query;
    const data =
      type === recordType.SOA
        ? this.#soa(query)
        : type === recordType.NS
          ? inZone(query, nameServer)
          : minimalAny;
    const isKnown = type === recordType.SOA || type === recordType.NS || type === recordType.ANY;
    if (!isKnown) return this.#deny(query, limit, rcode.noError);
    const told = type === recordType.ANY ? recordType.HINFO : type;
    return this.#tellAs(query, limit, told, { near: [{ data }], far: [] });
  }

  #answerAddress(query: Query, limit: number): Buffer | undefined {
    if (query.type !== recordType.PTR && query.type !== recordType.ANY) return undefined;
    const key = reverseKey(query.labels);
    const instances = key === undefined ? [] : this.#zone.at(key);
    if (instances.length === 0) return undefined;
    const pieces = instances.slice(0, namesOfAddressMax).map((instance) => {
      const data = wireName(this.#zone.view(instance.record).nameOf(instance));
      return { data };
    });
    return this.#write(query, limit, recordType.PTR, { near: pieces, far: [] }, undefined);
  }

  /** Records of one type, if it is that which was asked for, or an alias. */
  #tellAs(query: Query, limit: number, type: number, pieces: Ranked<Piece>): Buffer {
    const isAsked = [query.type, recordType.CNAME, recordType.HINFO].includes(type);
    const isThere = isAsked && pieces.near.length + pieces.far.length > 0;
    if (!isThere) return this.#deny(query, limit, rcode.noError);
    return this.#write(query, limit, type, pieces, undefined);
  }

  /** What a service comes to. */
  #tell(
    query: Query,
    limit: number,
    type: number,
    pieces: Ranked<Piece>,
    view: ServiceView,
  ): Buffer {
    if (pieces.near.length + pieces.far.length === 0)
      return this.#deny(query, limit, rcode.noError, view);
    return this.#write(query, limit, type, pieces, this.#markOf(query, view));
  }

  #write(
    query: Query,
    limit: number,
    type: number,
    { near, far }: Ranked<Piece>,
    note: Note | undefined,
  ): Buffer {
    const { ttlSeconds } = this.#options;
    const writer = this.#begin(query, limit, note);
    const told: { readonly piece: Piece; readonly at: number }[] = [];
    let isCut = false;
    for (const pieces of [near, far]) {
      const start = this.#random.int(pieces.length);
      for (let index = 0; index < pieces.length && !isCut; index++) {
        const piece = pieces[(start + index) % pieces.length] as Piece;
        const at = writer.add(section.answer, questionName, type, ttlSeconds, piece.data);
        if (at === 0) isCut = true;
        else if (piece.address !== undefined) told.push({ piece, at });
      }
    }
    for (const { piece, at } of told) {
      const { address } = piece;
      const owner = at + srvTargetOffset;
      if (address !== undefined)
        writer.add(section.additional, owner, address.type, ttlSeconds, address.data);
    }
    return this.#finish(rcode.noError, isCut);
  }

  /**
   * Nothing is known of it. A node that has not heard from any other yet cannot know that there is
   * nothing, so it does not say so: whoever asks goes on to the next server.
   */
  #deny(query: Query, limit: number, code: number, view?: ServiceView): Buffer {
    const isUnhealthy = view !== undefined && view.healthy.length === 0;
    if ((code === rcode.nxDomain || isUnhealthy) && this.#control.isPartial()) {
      const text = 'this node has not yet heard from any other, which may know more';
      return this.#bare(query, limit, rcode.servFail, { code: noteCode.notReady, text });
    }
    const note = isUnhealthy && query.edns !== undefined ? this.#whyOf(view) : undefined;
    const writer = this.#begin(query, limit, note);
    const owner = zoneAt(query);
    const { ttlSeconds } = this.#options;
    writer.add(section.authority, owner, recordType.SOA, ttlSeconds, this.#soa(query));
    return this.#finish(code, false);
  }

  /** An answer that is a code and nothing else. */
  #bare(query: Query, limit: number, code: number, note?: Note): Buffer {
    const writer = this.#begin(query, limit, note);
    const { isRecursive } = this.#options;
    return writer.finish({ rcode: code, isRecursionAvailable: isRecursive });
  }

  /** With less room than any datagram has, records come before reasons. */
  #begin(query: Query, limit: number, note: Note | undefined): AnswerWriter {
    this.#writer.begin(query, limit, limit < udpBytesMin ? undefined : note);
    return this.#writer;
  }

  #finish(code: number, isTruncated: boolean): Buffer {
    const isRecursionAvailable = this.#options.isRecursive;
    const verdict = { rcode: code, isAuthoritative: true, isTruncated, isRecursionAvailable };
    return this.#writer.finish(verdict);
  }

  /** That the answer may be old, for those who can be told. */
  #markOf({ edns }: Query, { service }: ServiceView): Note | undefined {
    if (edns === undefined) return undefined;
    const hold = this.#registry.brake.hold(service.group, service.name);
    if (hold !== undefined) return { code: noteCode.stale, text: `holding: ${hold.reason}` };
    if (!this.#control.isIsolated()) return undefined;
    return { code: noteCode.stale, text: 'isolated: this node reaches no other' };
  }

  #whyOf({ service }: ServiceView): Note {
    const { group, name } = service;
    const { message } = notFound(this.#registry.index, false, group, name);
    return { code: noteCode.other, text: message };
  }

  #soa(query: Query): Buffer {
    const { ttlSeconds } = this.#options;
    const names = [inZone(query, nameServer), inZone(query, hostmaster)];
    const numbers = Buffer.alloc(20);
    const serial = this.#registry.feed.revision % 2 ** 32;
    const fields = [serial, refreshSeconds, retrySeconds, expireSeconds, ttlSeconds];
    for (const [index, value] of fields.entries()) numbers.writeUInt32BE(value, index * 4);
    return Buffer.concat([...names, numbers]);
  }
}

/** Where in the message the zone's own name stands: at the end of the question's. */
function zoneAt({ questionEnd }: Query): number {
  return questionEnd - questionTailBytes - zoneBytes;
}

/** The name of a host of the zone, whose end is a pointer to the question's. */
function inZone(query: Query, label: string): Buffer {
  const pointer = Buffer.alloc(2);
  pointer.writeUInt16BE(0xc000 | zoneAt(query), 0);
  return Buffer.concat([wireName([label]).subarray(0, -1), pointer]);
}

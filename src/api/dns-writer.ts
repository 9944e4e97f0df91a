/**
 * AnswerWriter: one DNS answer, written into a buffer that is used again and again.
 *
 *   header │ question, as it was asked │ answers │ authority │ additional │ OPT
 *
 * A record is written whole or not at all. Its owner's name is always a pointer to where that name
 * stands already (RFC 1035 §4.1.4): sixteen bytes for an address, so that a datagram holds many.
 */
import { classIn, headerBytes, headerFlag, recordType } from './dns-query.ts';
import type { BadQuery, Query } from './dns-query.ts';

/** The largest datagram that is sent: what crosses any network unfragmented (DNS flag day 2020). */
export const udpBytesMax = 1232;
/** What a datagram may always have. */
export const udpBytesMin = 512;
/** What the length in front of a message over TCP can say. */
export const messageBytesMax = 65_535;
/** Where the name of the question stands: the owner of most records. */
export const questionName = headerBytes;

const pointerBits = 0xc000;
const offsetMax = 0x3fff;
const recordHeadBytes = 12;
const optBytes = 11;
/** Extended DNS errors (RFC 8914). */
const optionExtendedError = 15;
const noteBytesMax = 200;

/** Sections in the order in which they have to be written. */
export const section = { answer: 0, authority: 1, additional: 2 } as const;
export type Section = (typeof section)[keyof typeof section];

/** Why an answer is as it is: an info code of RFC 8914, and words for whoever reads it. */
export interface Note {
  readonly code: number;
  /** Cut to 200 bytes. */
  readonly text: string;
}

/** What the header says. */
export interface Verdict {
  readonly rcode: number;
  readonly isAuthoritative?: boolean;
  readonly isTruncated?: boolean;
  readonly isRecursionAvailable?: boolean;
}

export class AnswerWriter {
  readonly #buffer = Buffer.allocUnsafe(messageBytesMax);
  #query: Query | undefined;
  #end = 0;
  #limit = 0;
  /** The option in the OPT record, which is written last and must find its place. */
  #option: Buffer | undefined;
  readonly #counts = [0, 0, 0];

  /**
   * Begins an answer.
   *
   * @param limit bytes that it may take; the question and the OPT record are let in always
   * @param note told only to who speaks EDNS
   */
  begin(query: Query, limit: number, note?: Note): void {
    this.#query = query;
    this.#end = query.bytes.copy(this.#buffer, 0, 0, query.questionEnd);
    this.#option = query.edns === undefined || note === undefined ? undefined : optionOf(note);
    const reserved = query.edns === undefined ? 0 : optBytes + (this.#option?.length ?? 0);
    this.#limit = Math.min(limit, messageBytesMax) - reserved;
    this.#counts.fill(0);
  }

  /**
   * @param owner where its name stands in the message
   * @returns where its data stands; 0 when there was no room, and nothing was written
   */
  add(to: Section, owner: number, type: number, ttl: number, data: Uint8Array): number {
    const start = this.#end;
    const end = start + recordHeadBytes + data.length;
    if (end > this.#limit || owner > offsetMax) return 0;
    const buffer = this.#buffer;
    buffer.writeUInt16BE(pointerBits | owner, start);
    buffer.writeUInt16BE(type, start + 2);
    buffer.writeUInt16BE(classIn, start + 4);
    buffer.writeUInt32BE(ttl, start + 6);
    buffer.writeUInt16BE(data.length, start + 10);
    buffer.set(data, start + recordHeadBytes);
    this.#counts[to] = (this.#counts[to] ?? 0) + 1;
    this.#end = end;
    return start + recordHeadBytes;
  }

  /** The answer, in bytes of its own. */
  finish(verdict: Verdict): Buffer {
    const query = this.#query as Query;
    const buffer = this.#buffer;
    const additional = this.#counts[section.additional] ?? 0;
    buffer.writeUInt16BE(flagsOf(query, verdict), 2);
    buffer.writeUInt16BE(1, 4);
    buffer.writeUInt16BE(this.#counts[section.answer] ?? 0, 6);
    buffer.writeUInt16BE(this.#counts[section.authority] ?? 0, 8);
    buffer.writeUInt16BE(additional + (query.edns === undefined ? 0 : 1), 10);
    if (query.edns !== undefined) this.#writeOpt(verdict.rcode >> 4, query.edns.isDnssecOk);
    return Buffer.from(buffer.subarray(0, this.#end));
  }

  #writeOpt(extendedRcode: number, isDnssecOk: boolean): void {
    const [buffer, start, option] = [this.#buffer, this.#end, this.#option];
    buffer[start] = 0;
    buffer.writeUInt16BE(recordType.OPT, start + 1);
    buffer.writeUInt16BE(udpBytesMax, start + 3);
    buffer[start + 5] = extendedRcode;
    buffer[start + 6] = 0;
    buffer.writeUInt16BE(isDnssecOk ? 0x8000 : 0, start + 7);
    buffer.writeUInt16BE(option?.length ?? 0, start + 9);
    if (option !== undefined) buffer.set(option, start + optBytes);
    this.#end = start + optBytes + (option?.length ?? 0);
  }
}

/** An answer to what could not be read: a header and nothing else. */
export function headerAnswer({ id, flags, rcode }: BadQuery): Buffer {
  const answer = Buffer.alloc(headerBytes);
  answer.writeUInt16BE(id, 0);
  answer.writeUInt16BE(flagsOf({ flags }, { rcode }), 2);
  return answer;
}

/**
 * What is left of an answer that does not fit: its header, marked as cut, and the question.
 *
 * @param answer to this very query
 */
export function cutAnswer(answer: Buffer, { questionEnd }: Query): Buffer {
  const cut = Buffer.from(answer.subarray(0, questionEnd));
  cut.writeUInt16BE(cut.readUInt16BE(2) | headerFlag.truncated, 2);
  cut.fill(0, 6, headerBytes);
  return cut;
}

/** The opcode, RD and CD are told back. */
function flagsOf({ flags }: Pick<Query, 'flags'>, verdict: Verdict): number {
  const kept = flags & (0x7800 | headerFlag.recursionDesired | headerFlag.checkingDisabled);
  return (
    headerFlag.response |
    kept |
    (verdict.isAuthoritative === true ? headerFlag.authoritative : 0) |
    (verdict.isTruncated === true ? headerFlag.truncated : 0) |
    (verdict.isRecursionAvailable === true ? headerFlag.recursionAvailable : 0) |
    (verdict.rcode & 0xf)
  );
}

function optionOf({ code, text }: Note): Buffer {
  const bytes = Buffer.alloc(6 + noteBytesMax);
  // Whole characters only.
  const length = bytes.write(text, 6, noteBytesMax);
  bytes.writeUInt16BE(optionExtendedError, 0);
  bytes.writeUInt16BE(2 + length, 2);
  bytes.writeUInt16BE(code, 4);
  return bytes.subarray(0, 6 + length);
}

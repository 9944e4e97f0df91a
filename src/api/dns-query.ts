/**
 * What is asked by DNS (RFC 1035, RFC 6891): one message, read within its bounds.
 *
 *   header 12 bytes │ question: name, type, class │ records that are skipped │ OPT among the last
 *
 * Bytes come from anybody, so nothing here throws, and each byte is looked at once.
 */

/** Numbers of the record types that are known here, and of what can only be asked for. */
export const recordType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** Response codes; those above 15 need EDNS. */
export const rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  badVers: 16,
} as const;

export const classIn = 1;
export const classAny = 255;
/** What a message begins with. */
export const headerBytes = 12;
/** Bits of the header's second 16. */
export const headerFlag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
} as const;
/** What a name takes at most, with its length bytes and the root. */
export const nameBytesMax = 255;
export const labelBytesMax = 63;

const opcodeQuery = 0;
/** What follows the name of a question, and of a record before its data. */
const questionTailBytes = 4;
const recordTailBytes = 10;

/** What the asker says of itself with an OPT record. */
export interface Edns {
  /** The largest datagram that it takes. */
  readonly udpBytes: number;
  readonly version: number;
  /** It asks for DNSSEC records, and is told that it did. */
  readonly isDnssecOk: boolean;
}

export interface Query {
  readonly kind: 'query';
  /** The whole message, as it came; the question is repeated from it to the letter. */
  readonly bytes: Buffer;
  readonly id: number;
  /** As they came: those that are repeated in the answer are taken from here. */
  readonly flags: number;
  /** Of the name, in lower case, from the left; bytes above 127 as Latin-1. */
  readonly labels: readonly string[];
  readonly type: number;
  readonly class: number;
  /** Behind the question, which begins behind the header. */
  readonly questionEnd: number;
  readonly edns: Edns | undefined;
}

/** What cannot be answered but with a code. */
export interface BadQuery {
  readonly kind: 'bad';
  readonly id: number;
  readonly flags: number;
  readonly rcode: number;
}

/** @returns undefined for what must not be answered at all: answers, and less than a header */
export function readQuery(bytes: Buffer): Query | BadQuery | undefined {
  if (bytes.length < headerBytes) return undefined;
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  if ((flags & headerFlag.response) !== 0) return undefined;
  const bad = (code: number): BadQuery => ({ kind: 'bad', id, flags, rcode: code });
  if (((flags >> 11) & 0xf) !== opcodeQuery) return bad(rcode.notImp);
  if (bytes.readUInt16BE(4) !== 1) return bad(rcode.formErr);
  const labels: string[] = [];
  const nameEnd = readName(bytes, headerBytes, labels);
  const questionEnd = nameEnd + questionTailBytes;
  if (nameEnd < 0 || questionEnd > bytes.length) return bad(rcode.formErr);
  const edns = readEdns(bytes, questionEnd);
  if (edns === 'bad') return bad(rcode.formErr);
  const type = bytes.readUInt16BE(nameEnd);
  const recordClass = bytes.readUInt16BE(nameEnd + 2);
  return { kind: 'query', bytes, id, flags, labels, type, class: recordClass, questionEnd, edns };
}

/** @returns where the name ends; -1 when it does not, or points elsewhere, as no first name can */
function readName(bytes: Buffer, start: number, labels: string[]): number {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > labelBytesMax) return -1;
    at += 1;
    if (length === 0) return at - start > nameBytesMax ? -1 : at;
    if (at + length > bytes.length || at + length - start >= nameBytesMax) return -1;
    labels.push(bytes.toString('latin1', at, at + length).toLowerCase());
    at += length;
  }
}

/** Walks over the records to the message's end, which has to be that of the last one. */
function readEdns(bytes: Buffer, start: number): Edns | undefined | 'bad' {
  const others = bytes.readUInt16BE(6) + bytes.readUInt16BE(8);
  const records = others + bytes.readUInt16BE(10);
  let at = start;
  let edns: Edns | undefined;
  for (let index = 0; index < records; index++) {
    const nameAt = at;
    at = skipName(bytes, at);
    if (at < 0 || at + recordTailBytes > bytes.length) return 'bad';
    const isOpt = index >= others && bytes.readUInt16BE(at) === recordType.OPT;
    if (isOpt) {
      // There is one, and the root has it.
      if (edns !== undefined || at !== nameAt + 1) return 'bad';
      const udpBytes = bytes.readUInt16BE(at + 2);
      const isDnssecOk = (bytes.readUInt16BE(at + 6) & 0x8000) !== 0;
      edns = { udpBytes, version: bytes[at + 5] ?? 0, isDnssecOk };
    }
    at += recordTailBytes + bytes.readUInt16BE(at + 8);
    if (at > bytes.length) return 'bad';
  }
  return at === bytes.length ? edns : 'bad';
}

function skipName(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return -1;
    // A pointer ends a name.
    if (length >= 0xc0) return at + 2;
    if (length > labelBytesMax) return -1;
    at += 1 + length;
    if (length === 0) return at;
  }
}

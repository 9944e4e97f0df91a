/**
 * Following an alias: an answer of ours that leads to somebody else's host name, the question about
 * that name, and the addresses that come back.
 *
 * Whoever has no other resolver gets both in one answer; what lies between, alias after alias, is
 * left out.
 */
import { headerBytes, headerFlag, readQuery, recordType, skipName } from './dns-query.ts';
import type { Query } from './dns-query.ts';

/** A record's data, and for how many seconds it may be kept. */
export interface Found {
  readonly ttl: number;
  readonly data: Buffer;
}

const recordTailBytes = 10;

/** @returns the name, as it travels, that an answer to a question for addresses is an alias of */
export function aliasOf(answer: Buffer, { type, questionEnd }: Query): Buffer | undefined {
  if (type !== recordType.A && type !== recordType.AAAA) return undefined;
  if (answer.readUInt16BE(6) !== 1) return undefined;
  const at = skipName(answer, questionEnd);
  if (answer.readUInt16BE(at) !== recordType.CNAME) return undefined;
  const dataAt = at + recordTailBytes;
  return answer.subarray(dataAt, dataAt + answer.readUInt16BE(dataAt - 2));
}

/** The same question about another name. */
export function questionAbout(name: Buffer, { bytes, questionEnd }: Query): Query | undefined {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(headerFlag.recursionDesired, 2);
  header.writeUInt16BE(1, 4);
  const typeAndClass = bytes.subarray(questionEnd - 4, questionEnd);
  const query = readQuery(Buffer.concat([header, name, typeAndClass]));
  return query?.kind === 'query' ? query : undefined;
}

/** All of the answers that are of the type that was asked for; whatever cannot be read ends them. */
export function readAnswers(answer: Buffer, { type, questionEnd }: Query): Found[] {
  const found: Found[] = [];
  let at = questionEnd;
  for (let left = answer.readUInt16BE(6); left > 0; left--) {
    at = skipName(answer, at);
    if (at < 0 || at + recordTailBytes > answer.length) break;
    const dataAt = at + recordTailBytes;
    const end = dataAt + answer.readUInt16BE(dataAt - 2);
    if (end > answer.length) break;
    if (answer.readUInt16BE(at) === type)
      found.push({ ttl: answer.readUInt32BE(at + 4), data: answer.subarray(dataAt, end) });
    at = end;
  }
  return found;
}

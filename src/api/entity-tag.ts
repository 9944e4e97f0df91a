/**
 * Entity tags (RFC 9110): whoever has the same list already is told so, and no more.
 *
 * A tag is made of the content itself, so that it changes whenever the answer does, whatever made it
 * change. It is weak: gzip or not, the content is the same.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sha256 } from '../record/hash.ts';

/** Of the hash; 96 bits are enough to never meet twice by chance. */
const tagBytes = 12;

/** `W/"…"` of a text. */
export function entityTag(text: string): string {
  return `W/"${Buffer.from(sha256(text).subarray(0, tagBytes)).toString('base64url')}"`;
}

/** Whether an If-None-Match header names the tag, or any (`*`). */
export function isNamed(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const opaque = (text: string): string => text.trim().replace(/^W\//, '');
  return header.split(',').some((each) => each.trim() === '*' || opaque(each) === opaque(tag));
}

/** Answers a JSON document with its tag, or 304 to who has it already. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  document: object,
): FastifyReply {
  const text = JSON.stringify(document);
  const tag = entityTag(text);
  void reply.headers({ etag: tag, 'cache-control': 'no-cache', vary: 'accept-encoding' });
  if (isNamed(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(text);
}

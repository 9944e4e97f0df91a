/** From JSON bodies and queries, whose shape a schema has checked, to the messages of the API. */
import { disco } from '../gen/discovery.js';
import { EnumWords } from './enum-words.ts';
import { checkWords, healthWords } from './json-answer.ts';
import { invalid, quote } from './validate.ts';

type V1 = typeof disco.v1;
type Props<N extends keyof V1> = V1[N] extends { encode(message: infer M): unknown } ? M : never;

export const policyWords = new EnumWords(disco.v1.GetRequest.Policy);

type CheckBody = Omit<Props<'Check'>, 'kind'> & { readonly kind: string };

/** The body of `register`. */
export type RegisterBody = Omit<Props<'RegisterRequest'>, 'checks'> & {
  readonly checks?: readonly CheckBody[];
};

/** How old an answer may be, as a query says it. */
interface FreshnessQuery {
  readonly maxStaleMs?: number;
  readonly staleOk?: boolean;
}

/** The query of `get`. */
export interface GetQuery extends FreshnessQuery {
  readonly policy?: string;
}

/** The query of the lists. */
export interface ListQuery extends FreshnessQuery {
  readonly group?: string;
  readonly name?: string;
  readonly health?: readonly string[];
  readonly tags?: readonly string[];
  /** `key=value` each */
  readonly metadata?: readonly string[];
  readonly version?: string;
  readonly zone?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export function registerRequest({ checks, ...body }: RegisterBody): Props<'RegisterRequest'> {
  if (checks === undefined) return body;
  const read = (check: CheckBody): Props<'Check'> => ({
    ...check,
    kind: checkWords.number(check.kind),
  });
  return { ...body, checks: checks.map(read) };
}

/** @throws DiscoError INVALID_ARGUMENT/INVALID_QUERY */
export function listRequest({ health, tags, metadata, ...query }: ListQuery): Props<'ListRequest'> {
  return {
    ...query,
    healths: (health ?? []).map((word) => healthWords.number(word)),
    tags: [...(tags ?? [])],
    metadata: Object.fromEntries((metadata ?? []).map(readPair)),
  };
}

export function getRequest({ policy, ...query }: GetQuery): Omit<Props<'GetRequest'>, 'group'> {
  return { ...query, policy: policyWords.number(policy) };
}

function readPair(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  const rule = 'write key=value, as in ?metadata=rack=7';
  throw invalid('INVALID_QUERY', `metadata is ${quote(text)}: ${rule}`);
}

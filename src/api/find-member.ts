/** Which member a person means: by its name, or by its peer id. */
import { DiscoError } from '../base/error.ts';
import { closeWords } from '../base/spelling.ts';
import type { Member } from '../membership/member.ts';
import type { Registry } from '../registry/registry.ts';
import { invalid, quote } from './validate.ts';

/** Whose name is longer is found by its peer id. */
const wordCharsMax = 256;
/** Of many that an error could name. */
const shownMax = 5;

export interface FoundMember {
  readonly member: Member;
  readonly name: string;
}

/**
 * @param word a name or a peer id
 * @throws DiscoError NOT_FOUND/UNKNOWN_MEMBER with the names that are close,
 *   INVALID_ARGUMENT/AMBIGUOUS_MEMBER when several have that name, INVALID_ARGUMENT/INVALID_NAME
 */
export function findMember(registry: Registry, word: string): FoundMember {
  if (word === '' || word.length > wordCharsMax)
    throw invalid(
      'INVALID_NAME',
      'name is empty or too long: give a name or a peer id of a member',
    );
  const nameOf = ({ owner }: Member): string =>
    registry.state(owner)?.head.head.facts.name ?? owner;
  const byId = registry.member(word);
  if (byId !== undefined) return { member: byId, name: nameOf(byId) };
  const members = [...registry.members()];
  const found = members.filter((member) => nameOf(member) === word);
  const [member] = found;
  if (member === undefined) throw unknown(word, members.map(nameOf));
  if (found.length === 1) return { member, name: word };
  const shown = found.slice(0, shownMax).map(({ owner, state }) => `${owner} is ${state}`);
  if (found.length > shownMax) shown.push('…');
  const sentence = `${found.length} members have the name ${quote(word)}: give the peer id of one (${shown.join(', ')})`;
  throw new DiscoError('INVALID_ARGUMENT', 'AMBIGUOUS_MEMBER', sentence);
}

function unknown(word: string, names: readonly string[]): DiscoError {
  const close = closeWords(word, [...new Set(names)], shownMax).map(quote);
  const hint = close.length === 0 ? '' : `: did you mean ${close.join(' or ')}?`;
  const sentence = `this node knows no member ${quote(word)}${hint || ': "disco members --all" shows whom it knows'}`;
  return new DiscoError('NOT_FOUND', 'UNKNOWN_MEMBER', sentence);
}

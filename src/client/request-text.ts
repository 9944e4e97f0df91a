/**
 * Texts of a request. protobuf writes whatever is no string as an empty one, which mostly means "all"
 * or "the default": so a number among the metadata would be lost without a word.
 */
import { inspect } from 'node:util';
import { DiscoError } from '../base/error.ts';

/** @throws DiscoError INVALID_ARGUMENT/USAGE for what is neither a string nor left out */
export function textOf(field: string, value: unknown): string {
  return isLeftOut(value) ? '' : givenText(field, value);
}

/** A copy. @throws DiscoError INVALID_ARGUMENT/USAGE, also for a string, whose letters it is not */
export function textsOf(field: string, values: unknown): string[] {
  if (isLeftOut(values)) return [];
  if (!Array.isArray(values)) throw refused(field, values, 'an array of strings');
  return values.map((value: unknown, index) => givenText(`${field}[${index}]`, value));
}

/** A copy. @throws DiscoError INVALID_ARGUMENT/USAGE */
export function textMapOf(field: string, map: unknown): Record<string, string> {
  if (isLeftOut(map)) return {};
  if (typeof map !== 'object' || Array.isArray(map))
    throw refused(field, map, 'an object of strings');
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, givenText(`${field}.${key}`, value)]),
  );
}

function isLeftOut(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** One that is in a list is not left out. */
function givenText(field: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw refused(field, value, 'a string');
}

function refused(field: string, value: unknown, expected: string): DiscoError {
  const sentence = `${field} is ${inspect(value, { depth: 1, breakLength: Infinity })}; expected ${expected}`;
  return new DiscoError('INVALID_ARGUMENT', 'USAGE', sentence);
}

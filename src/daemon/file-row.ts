/**
 * FileRow: what one key of a registration file may hold, and how it is read.
 *
 * Whoever reads adds file, line, column and key to what is wrong.
 */
import { fromBase64url } from '../base/challenge.ts';
import { errorText } from '../base/error.ts';
import { closestWord } from '../base/spelling.ts';
import { describeNode, type JsonNode } from './json-file.ts';

/** What a key may hold. */
export interface Row<Value> {
  readonly isRequired: boolean;
  /** @throws Error with what is wrong about the value */
  readonly read: (node: JsonNode) => Value;
}

/** What to say of a key that no row is for. */
export function unknownKey(name: string, keys: readonly string[]): string {
  const closest = closestWord(name, keys);
  const advice =
    closest === undefined ? `known are ${keys.join(', ')}` : `did you mean ${closest}?`;
  return `is not known; ${advice}`;
}

/** A key that must be there. */
export function required<Value>(row: Row<Value>): Row<Value> {
  return { ...row, isRequired: true };
}

/** @param check throws when the value is of the right type and wrong all the same */
function row<Value>(
  expected: string,
  typed: (node: JsonNode) => Value | undefined,
  check: (value: Value) => unknown,
): Row<Value> {
  const read = (node: JsonNode): Value => {
    const value = typed(node);
    if (value === undefined) throw new Error(`got ${describeNode(node)}, expected ${expected}`);
    check(value);
    return value;
  };
  return { isRequired: false, read };
}

/** @param check throws when the text is wrong */
export function text(check: (value: string) => unknown = () => undefined): Row<string> {
  return row('a text', (node) => (node.kind === 'string' ? node.value : undefined), check);
}

/** Bytes, as a text of base64url. */
export function bytes(): Row<Uint8Array> {
  const typed = (node: JsonNode): Uint8Array | undefined =>
    node.kind === 'string' ? fromBase64url(node.value) : undefined;
  return row('bytes in base64url, without padding', typed, () => undefined);
}

/** A whole number within bounds. */
export function integer(min: number, max: number): Row<number> {
  const typed = (node: JsonNode): number | undefined => {
    if (node.kind !== 'number' || !Number.isInteger(node.value)) return undefined;
    return node.value >= min && node.value <= max ? node.value : undefined;
  };
  return row(`a whole number from ${min} to ${max}`, typed, () => undefined);
}

/** A list of texts. */
export function texts(check: (value: string[]) => unknown): Row<string[]> {
  const typed = (node: JsonNode): string[] | undefined => {
    if (node.kind !== 'array') return undefined;
    const found = node.items.flatMap((item) => (item.kind === 'string' ? [item.value] : []));
    return found.length === node.items.length ? found : undefined;
  };
  return row('a list of texts', typed, check);
}

/** An object whose values are texts. */
export function pairs(
  check: (value: Record<string, string>) => unknown,
): Row<Record<string, string>> {
  const typed = (node: JsonNode): Record<string, string> | undefined => {
    if (node.kind !== 'object') return undefined;
    const found: [string, string][] = [];
    for (const [key, item] of node.entries)
      if (item.kind === 'string') found.push([key, item.value]);
    return found.length === node.entries.size ? Object.fromEntries(found) : undefined;
  };
  return row('an object whose values are texts', typed, check);
}

/** A key that is known from elsewhere, and why it has no place here. */
export function refused(why: string): Row<never> {
  const read = (): never => {
    throw new Error(why);
  };
  return { isRequired: false, read };
}

/** True or false. */
export function flag(): Row<boolean> {
  const typed = (node: JsonNode): boolean | undefined =>
    node.kind === 'boolean' ? node.value : undefined;
  return row('true or false', typed, () => undefined);
}

/** One of a few words, each of which stands for a value. */
export function choice<Value>(values: Readonly<Record<string, Value>>): Row<Value> {
  const words = Object.keys(values);
  const typed = (node: JsonNode): Value | undefined =>
    node.kind === 'string' && Object.hasOwn(values, node.value) ? values[node.value] : undefined;
  return row(`one of ${words.join(', ')}`, typed, () => undefined);
}

/** A list of objects with keys of their own; errors name the place within the list. */
export function objects<Item extends object>(rows: {
  readonly [Key in keyof Item]: Row<NonNullable<Item[Key]>>;
}): Row<Partial<Item>[]> {
  const typed = (node: JsonNode): Partial<Item>[] | undefined =>
    node.kind === 'array'
      ? node.items.map((item, index) => readObject(item, rows, `[${index}]`))
      : undefined;
  return row('a list of objects', typed, () => undefined);
}

function readObject<Item extends object>(
  node: JsonNode,
  rows: { readonly [Key in keyof Item]: Row<NonNullable<Item[Key]>> },
  where: string,
): Partial<Item> {
  if (node.kind !== 'object')
    throw new Error(`${where}: got ${describeNode(node)}, expected an object`);
  const names = Object.keys(rows) as (keyof Item & string)[];
  const found: Partial<Item> = {};
  for (const [key, value] of node.entries) {
    const name = names.find((each) => each === key);
    if (name === undefined) throw new Error(`${where}.${key} ${unknownKey(key, names)}`);
    try {
      found[name] = rows[name].read(value);
    } catch (error) {
      throw new Error(`${where}.${key}: ${errorText(error)}`);
    }
  }
  const missing = names.find((name) => rows[name].isRequired && !node.entries.has(name));
  if (missing !== undefined) throw new Error(`${where}: there is no key ${missing}`);
  return found;
}

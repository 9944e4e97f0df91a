/**
 * JSON with the place of every value, for files that people write: an error can then say at which
 * line and column, also when the JSON is sound and only its meaning is wrong.
 *
 * Accepts exactly what JSON.parse accepts, except a key that is there twice and nesting deeper than
 * any of our files needs; a byte order mark at the start is skipped.
 */
import { DiscoError } from '../base/error.ts';

/** Both counted from 1, as editors do; columns in UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type JsonNode = Place &
  (
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'null'; readonly value: null }
    | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
    | { readonly kind: 'object'; readonly entries: ReadonlyMap<string, JsonNode> }
  );

const depthMax = 16;
const blank = /[ \t\n\r]*/y;
const literal = /true|false|null/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON forbids exactly these
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;

/** @throws CONFIG that names the file, line, column and what was expected */
export function parseJsonFile(file: string, text: string): JsonNode {
  return new JsonReader(file, text).whole();
}

/** `FILE, line 3, column 7`: how an error about a node begins. */
export function nodePlace(file: string, { line, column }: Place): string {
  return `${file}, line ${line}, column ${column}`;
}

/** What a person would call it in an error. */
export function describeNode(node: JsonNode): string {
  if (node.kind === 'array') return 'a list';
  if (node.kind === 'object') return 'an object';
  return JSON.stringify(node.value);
}

class JsonReader {
  readonly #file: string;
  readonly #text: string;
  #at: number;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#at = text.startsWith('\uFEFF') ? 1 : 0;
  }

  whole(): JsonNode {
    const node = this.#value(0);
    this.#take(blank);
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the file');
    return node;
  }

  #value(depth: number): JsonNode {
    this.#take(blank);
    const place = this.#place();
    if (depth > depthMax) throw this.#error(`nested deeper than ${depthMax} levels`);
    switch (this.#text[this.#at]) {
      case '{':
        return { ...place, kind: 'object', entries: this.#object(depth) };
      case '[':
        return { ...place, kind: 'array', items: this.#array(depth) };
      case '"':
        return { ...place, kind: 'string', value: this.#string('a closed string') };
      default:
        return { ...place, ...this.#scalar() };
    }
  }

  #object(depth: number): Map<string, JsonNode> {
    const entries = new Map<string, JsonNode>();
    this.#at++;
    if (this.#skip('}')) return entries;
    do {
      this.#take(blank);
      const place = this.#at;
      const key = this.#string('a key in double quotes');
      if (entries.has(key)) throw this.#error(`key ${JSON.stringify(key)} is there twice`, place);
      if (!this.#skip(':')) throw this.#unexpected("':'");
      entries.set(key, this.#value(depth + 1));
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#unexpected("',' or '}'");
    return entries;
  }

  #array(depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    this.#at++;
    if (this.#skip(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#skip(','));
    if (!this.#skip(']')) throw this.#unexpected("',' or ']'");
    return items;
  }

  #string(expected: string): string {
    const token = this.#take(string);
    if (token === undefined) throw this.#unexpected(expected);
    return JSON.parse(token) as string;
  }

  #scalar() {
    const word = this.#take(literal);
    if (word === 'null') return { kind: 'null', value: null } as const;
    if (word !== undefined) return { kind: 'boolean', value: word === 'true' } as const;
    const digits = this.#take(number);
    if (digits === undefined) throw this.#unexpected('a value');
    return { kind: 'number', value: Number(digits) } as const;
  }

  /** The token at the cursor, which moves past it. */
  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #skip(character: string): boolean {
    this.#take(blank);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #place(at = this.#at): Place {
    const before = this.#text.slice(0, at).split('\n');
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  }

  #unexpected(expected: string): DiscoError {
    const next = this.#text.codePointAt(this.#at);
    const got = next === undefined ? 'the end of the file' : `'${String.fromCodePoint(next)}'`;
    return this.#error(`got ${got}, expected ${expected}`);
  }

  #error(what: string, at = this.#at): DiscoError {
    const message = `${nodePlace(this.#file, this.#place(at))}: ${what}`;
    return new DiscoError('INVALID_ARGUMENT', 'CONFIG', message);
  }
}

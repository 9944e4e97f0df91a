/**
 * One value of one option: from the text or the JSON that somebody wrote to the checked,
 * normalised form that Config holds.
 *
 * Every error says where the value stood, what it was and what was expected.
 */
import { resolve } from 'node:path';
import { formatAddress, parseAddress } from '../base/address.ts';
import { DiscoError, errorText } from '../base/error.ts';
import { isName } from '../record/names.ts';
import type { Option, TextKind } from './config-options.ts';
import { describeNode, type JsonNode } from './json-file.ts';

export type Value = string | number | boolean | readonly string[];

/** Where a value stood. */
export interface Origin {
  /** `flag --x`, `environment DISCO_X`, `file PATH` */
  readonly source: string;
  /** The same for errors, with line, column and key of a file. */
  readonly where: string;
  /** Relative paths begin here. */
  readonly folder: string;
}

/** A value in a text, from a flag (a list may come as several) or the environment. */
export function valueOfText(option: Option, texts: readonly string[], origin: Origin): Value {
  const shown = JSON.stringify(texts.join(','));
  return new ValueCheck(option, origin, shown).check(textValue(option, texts));
}

/** A value in the config file, which has to be of the very type. */
export function valueOfJson(option: Option, node: JsonNode, origin: Origin): Value {
  return new ValueCheck(option, origin, describeNode(node)).check(jsonValue(option, node));
}

/** `none` or a list of addresses, as opposed to the name of a seeds file. */
export function isSeedList(text: string): boolean {
  return text === 'none' || /,|:\d+$|^\/(ip4|ip6|ip6zone|dns|dns4|dns6)\//.test(text);
}

/** Undefined when the text cannot be of the option's type. */
function textValue({ shape }: Option, texts: readonly string[]): Value | undefined {
  const last = texts.at(-1) ?? '';
  switch (shape.kind) {
    case 'list':
      return texts.flatMap((text) => text.split(',')).map((text) => text.trim());
    case 'integer':
      return /^-?\d{1,15}$/.test(last) ? Number(last) : undefined;
    case 'boolean':
      if (/^(true|1|yes|on)$/i.test(last)) return true;
      return /^(false|0|no|off)$/i.test(last) ? false : undefined;
    case 'string':
    case 'enum':
      return last;
  }
}

function jsonValue({ shape }: Option, node: JsonNode): Value | undefined {
  switch (shape.kind) {
    case 'list': {
      const items = node.kind === 'array' ? node.items : [node];
      const texts = items.flatMap((item) => (item.kind === 'string' ? [item.value] : []));
      return texts.length === items.length ? texts : undefined;
    }
    case 'integer':
      return node.kind === 'number' ? node.value : undefined;
    case 'boolean':
      return node.kind === 'boolean' ? node.value : undefined;
    case 'string':
    case 'enum':
      return node.kind === 'string' ? node.value : undefined;
  }
}

class ValueCheck {
  readonly #option: Option;
  readonly #origin: Origin;
  readonly #shown: string;

  constructor(option: Option, origin: Origin, shown: string) {
    this.#option = option;
    this.#origin = origin;
    this.#shown = shown;
  }

  check(value: Value | undefined): Value {
    const { shape } = this.#option;
    switch (shape.kind) {
      case 'boolean':
        if (typeof value !== 'boolean') throw this.#refuse('true or false');
        return value;
      case 'integer':
        return this.#integer(value, shape.min, shape.max);
      case 'enum':
        if (typeof value === 'string' && shape.values.includes(value)) return value;
        throw this.#refuse(`one of ${shape.values.join(', ')}`);
      case 'string':
        if (typeof value !== 'string' || value === '') throw this.#refuse('a text');
        return this.#text(shape.text, value);
      case 'list':
        if (typeof value !== 'object') throw this.#refuse('a list of texts');
        return this.#list(shape.text, value, shape.default.length > 0);
    }
  }

  #integer(value: Value | undefined, min: number, max: number): number {
    const isWhole = typeof value === 'number' && Number.isInteger(value);
    if (isWhole && value >= min && value <= max) return value;
    throw this.#refuse(`a whole number from ${min} to ${max}`);
  }

  #list(kind: TextKind, texts: readonly string[], isRequired: boolean): readonly string[] {
    if (kind === 'grpc' && texts.includes('off')) {
      if (texts.length > 1) throw this.#refuse('either off or addresses');
      return [];
    }
    if (isRequired && texts.length === 0) throw this.#refuse('at least one address');
    return [...new Set(texts.map((text) => this.#text(kind, text)))];
  }

  #text(kind: TextKind, text: string): string {
    switch (kind) {
      case 'path':
        return resolve(this.#origin.folder, text);
      case 'name':
        if (isName(text)) return text;
        throw this.#refuse("1 to 128 letters, digits, '.', '-' or '_'");
      case 'grpc':
        return text.startsWith('unix:') ? this.#socket(text) : this.#address(text);
      case 'http':
      case 'dns':
        return text === 'off' ? text : this.#address(text);
      case 'address':
        return this.#address(text);
      case 'seeds':
        return this.#seeds(text);
    }
  }

  #address(text: string): string {
    try {
      return formatAddress(parseAddress(text));
    } catch (error) {
      throw this.#error(errorText(error));
    }
  }

  #socket(text: string): string {
    // unix:///path is the same socket as unix:/path
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '' || path.includes('\0')) throw this.#refuse('unix:PATH');
    return `unix:${path}`;
  }

  #seeds(text: string): string {
    if (text === 'none') return text;
    if (!isSeedList(text)) return resolve(this.#origin.folder, text);
    const addresses = text.split(',').map((part) => this.#address(part.trim()));
    const portless = addresses.find((address) => address.endsWith(':0'));
    if (portless !== undefined) throw this.#error(`seed node ${portless} has no port to dial`);
    return addresses.join(',');
  }

  #refuse(expected: string): DiscoError {
    return this.#error(`got ${this.#shown}, expected ${expected}`);
  }

  #error(what: string): DiscoError {
    return new DiscoError('INVALID_ARGUMENT', 'CONFIG', `${this.#origin.where}: ${what}`);
  }
}

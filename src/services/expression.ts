/**
 * Arithmetic as text and as a tree.
 *
 *   sum     = product { ( "+" | "-" ) product }      left-associative
 *   product = factor { ( "*" | "/" ) factor }        left-associative
 *   factor  = "-" factor | "(" sum ")" | number
 *   number  = digits and a point somewhere, an exponent if need be: 2  .5  5.  1e3  2.5E-7
 *
 * Both the length and the depth of nesting are bounded, so that neither parsing nor walking the
 * tree can exhaust the stack.
 */
import { SyntaxProblem } from './evaluation-error.ts';
import type { Operation } from './operation.ts';

export const expressionCharsMax = 1_000;
export const nestingMax = 100;

/** A tree: at most `expressionCharsMax` nodes, so no path in it is longer. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'negation'; readonly operand: Expression }
  | {
      readonly kind: 'operation';
      readonly operation: Operation;
      readonly left: Expression;
      readonly right: Expression;
    };

interface Token {
  readonly kind: 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly position: number;
}

const numberPattern = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const spacePattern = /\s*/y;
const symbols = '+-*/()';
const sumOperations: ReadonlyMap<string, Operation> = new Map([
  ['+', 'add'],
  ['-', 'sub'],
]);
const productOperations: ReadonlyMap<string, Operation> = new Map([
  ['*', 'mul'],
  ['/', 'div'],
]);

/**
 * Reads a whole text as one expression.
 *
 * @throws SyntaxProblem with the place, for a text that is none, or is too long or nested too deep
 */
export function parseExpression(text: string): Expression {
  if (text.length > expressionCharsMax) {
    const bound = `an expression has ${expressionCharsMax} characters at most`;
    throw new SyntaxProblem(text, expressionCharsMax, `${bound}; this has ${text.length}`);
  }
  return new Parser(text).parse();
}

/**
 * A number for people: 15 significant digits, which hide what binary fractions cannot hold
 * (0.1 + 0.2 is 0.3), and no negative zero.
 */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(15)));
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = matchAt(spacePattern, text, 0).length;
  while (position < text.length) {
    const number = matchAt(numberPattern, text, position);
    const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
    if (number !== '') tokens.push({ kind: 'number', text: number, position });
    else if (symbols.includes(character))
      tokens.push({ kind: 'symbol', text: character, position });
    else throw new SyntaxProblem(text, position, `${quote(character)} has no meaning here`);
    position += number === '' ? character.length : number.length;
    position += matchAt(spacePattern, text, position).length;
  }
  tokens.push({ kind: 'end', text: '', position: text.length });
  return tokens;
}

function matchAt(pattern: RegExp, text: string, position: number): string {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0] ?? '';
}

function quote(text: string): string {
  return JSON.stringify(text);
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Expression {
    const tree = this.#sum();
    const rest = this.#token;
    if (rest.kind === 'end') return tree;
    if (rest.text === ')') throw this.#problem(rest, 'this ")" closes nothing');
    throw this.#problem(rest, `expected an operation (+ - * /) before ${quote(rest.text)}`);
  }

  #sum(): Expression {
    return this.#chain(sumOperations, () => this.#product());
  }

  #product(): Expression {
    return this.#chain(productOperations, () => this.#factor());
  }

  #chain(known: ReadonlyMap<string, Operation>, part: () => Expression): Expression {
    let left = part();
    for (;;) {
      const operation = known.get(this.#token.text);
      if (operation === undefined) return left;
      this.#index += 1;
      left = { kind: 'operation', operation, left, right: part() };
    }
  }

  #factor(): Expression {
    const token = this.#token;
    if (token.kind === 'number') {
      this.#index += 1;
      return { kind: 'number', value: this.#valueOf(token) };
    }
    if (token.text !== '-' && token.text !== '(') throw this.#missingOperand(token);
    this.#depth += 1;
    if (this.#depth > nestingMax) {
      throw this.#problem(token, `parentheses and signs nest ${nestingMax} deep at most`);
    }
    this.#index += 1;
    const inner = token.text === '-' ? this.#negation() : this.#group(token);
    this.#depth -= 1;
    return inner;
  }

  #negation(): Expression {
    return { kind: 'negation', operand: this.#factor() };
  }

  #group(opening: Token): Expression {
    const inner = this.#sum();
    const closing = this.#token;
    if (closing.kind === 'end') throw this.#problem(opening, 'this "(" is never closed');
    if (closing.text !== ')') {
      const why = `expected an operation (+ - * /) or ")" before ${quote(closing.text)}`;
      throw this.#problem(closing, why);
    }
    this.#index += 1;
    return inner;
  }

  #valueOf(token: Token): number {
    const value = Number(token.text);
    if (Number.isFinite(value)) return value;
    throw this.#problem(token, `this number is beyond ${Number.MAX_VALUE}`);
  }

  #missingOperand(token: Token): SyntaxProblem {
    const expected = 'expected a number, "(" or "-"';
    if (this.#tokens.length === 1) return this.#problem(token, `nothing to evaluate: ${expected}`);
    const where = token.kind === 'end' ? 'at the end' : `instead of ${quote(token.text)}`;
    return this.#problem(token, `${expected} ${where}`);
  }

  get #token(): Token {
    // The end token is never passed by.
    return this.#tokens[this.#index] as Token;
  }

  #problem(token: Token, why: string): SyntaxProblem {
    return new SyntaxProblem(this.#text, token.position, why);
  }
}

/**
 * Why an expression has no value, with what HTTP and gRPC answer for it.
 */
export type EvaluationReason =
  /** The text is no expression. */
  | 'SYNTAX'
  /** It is one, but has no finite value: a division by zero, a number too large. */
  | 'ARITHMETIC'
  /** No instance of an operation is registered, or none that is well. */
  | 'NO_INSTANCE'
  /** Every instance that was tried failed. */
  | 'NO_ANSWER'
  /** The caller went away, or the time was up. */
  | 'CANCELLED';

export class EvaluationError extends Error {
  override readonly name: string = 'EvaluationError';
  readonly reason: EvaluationReason;

  constructor(reason: EvaluationReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }

  /** The one who asked has to change the question; asking again is of no use. */
  get isCallersFault(): boolean {
    return this.reason === 'SYNTAX' || this.reason === 'ARITHMETIC';
  }
}

/** The text is no expression: where, and a picture of it. */
export class SyntaxProblem extends EvaluationError {
  override readonly name = 'SyntaxProblem';
  /** Index into the text, in UTF-16 units, from 0. */
  readonly position: number;
  /** Two lines: the text, or the part around the place, and a caret under it. */
  readonly picture: string;

  constructor(text: string, position: number, why: string) {
    const picture = pictureOf(text, position);
    super('SYNTAX', `${why}\n${picture}`);
    this.position = position;
    this.picture = picture;
  }
}

const charsBefore = 60;
const charsAfter = 20;

function pictureOf(text: string, position: number): string {
  const from = Math.max(0, position - charsBefore);
  const before = (from > 0 ? '…' : '') + printable(text.slice(from, position));
  const until = position + charsAfter;
  const after = printable(text.slice(position, until)) + (until < text.length ? '…' : '');
  return `${before}${after}\n${' '.repeat(before.length)}^`;
}

/** One line, whatever is in it: neither line breaks nor what a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\s/gu, ' ').replace(/\p{C}/gu, '?');
}

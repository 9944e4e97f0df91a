/**
 * The four operations: what the math services compute and what an expression is made of.
 */
export const operations = ['add', 'sub', 'mul', 'div'] as const;

/** An operation's name is its service's name in disco, in the group `math`. */
export type Operation = (typeof operations)[number];

/** How people write each. */
export const symbolOf: Readonly<Record<Operation, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
};

/** A value, or a sentence that says why there is none. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'refused'; readonly why: string };

/** Computes one operation; infinite and undefined numbers neither go in nor come out. */
export function applyOperation(operation: Operation, left: number, right: number): Outcome {
  if (!Number.isFinite(left) || !Number.isFinite(right)) {
    return refused(`${operation} takes finite numbers; it was given ${left} and ${right}`);
  }
  if (operation === 'div' && right === 0) {
    return refused(`${left} cannot be divided by zero; change the divisor`);
  }
  const value = compute(operation, left, right);
  if (Number.isFinite(value)) return { kind: 'value', value };
  const written = `${left} ${symbolOf[operation]} ${right}`;
  return refused(`${written} is beyond ${Number.MAX_VALUE}; use smaller numbers`);
}

function compute(operation: Operation, left: number, right: number): number {
  switch (operation) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'div':
      return left / right;
  }
}

function refused(why: string): Outcome {
  return { kind: 'refused', why };
}

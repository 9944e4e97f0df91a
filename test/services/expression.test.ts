import fc from 'fast-check';
import { test } from 'tap';
import {
  expressionCharsMax,
  formatNumber,
  nestingMax,
  parseExpression,
  type Expression,
} from '../../src/services/expression.ts';
import { SyntaxProblem } from '../../src/services/evaluation-error.ts';
import { applyOperation } from '../../src/services/operation.ts';

/** The tree with a pair of parentheses around every operation. */
function shown(tree: Expression): string {
  switch (tree.kind) {
    case 'number':
      return String(tree.value);
    case 'negation':
      return `(-${shown(tree.operand)})`;
    case 'operation':
      return `(${shown(tree.left)} ${tree.operation} ${shown(tree.right)})`;
  }
}

/** Undefined for what has no finite value. */
function valueOf(tree: Expression): number | undefined {
  if (tree.kind === 'number') return tree.value;
  if (tree.kind === 'negation') {
    const operand = valueOf(tree.operand);
    return operand === undefined ? undefined : -operand;
  }
  const [left, right] = [valueOf(tree.left), valueOf(tree.right)];
  if (left === undefined || right === undefined) return undefined;
  const outcome = applyOperation(tree.operation, left, right);
  return outcome.kind === 'value' ? outcome.value : undefined;
}

test('precedence, parentheses, signs and association are as in school', async (t) => {
  const trees = {
    '1 + 2 * 3': '(1 add (2 mul 3))',
    '(1 + 2) * 3': '((1 add 2) mul 3)',
    '8 - 4 - 2': '((8 sub 4) sub 2)',
    '8 / 4 / 2': '((8 div 4) div 2)',
    '8 / 4 * 2': '((8 div 4) mul 2)',
    '-2 * 3': '((-2) mul 3)',
    '2 - -3': '(2 sub (-3))',
    '2--3': '(2 sub (-3))',
    '--2': '(-(-2))',
    '-(1 + 2)': '(-(1 add 2))',
    '(2 + 3) * 4 / 5 - 1': '((((2 add 3) mul 4) div 5) sub 1)',
    '((7))': '7',
    '\t1\n+ 1 ': '(1 add 1)',
  };
  for (const [text, tree] of Object.entries(trees)) {
    t.equal(shown(parseExpression(text)), tree, JSON.stringify(text));
  }
});

test('numbers may have a point and an exponent', async (t) => {
  const numbers = { '.5': 0.5, '5.': 5, '007': 7, '1e3': 1000, '2.5E-7': 2.5e-7, '1e+2': 100 };
  for (const [text, value] of Object.entries(numbers)) {
    t.strictSame(parseExpression(text), { kind: 'number', value }, text);
  }
});

test('a text that is no expression is refused, with the place', async (t) => {
  const problems: [string, number, RegExp][] = [
    ['', 0, /nothing to evaluate: expected a number, "\(" or "-"/],
    ['   ', 3, /nothing to evaluate/],
    ['1 +', 3, /expected a number, "\(" or "-" at the end/],
    ['1 + * 2', 4, /expected a number, "\(" or "-" instead of "\*"/],
    ['+1', 0, /instead of "\+"/],
    ['()', 1, /instead of "\)"/],
    ['1 2', 2, /expected an operation \(\+ - \* \/\) before "2"/],
    ['1.2.3', 3, /expected an operation \(\+ - \* \/\) before ".3"/],
    ['2(3)', 1, /expected an operation \(\+ - \* \/\) before "\("/],
    ['1 + 2)', 5, /this "\)" closes nothing/],
    ['(1 + (2)', 0, /this "\(" is never closed/],
    ['(1 2)', 3, /expected an operation \(\+ - \* \/\) or "\)" before "2"/],
    ['2 ^ 3', 2, /"\^" has no meaning here/],
    ['1 + x', 4, /"x" has no meaning here/],
    ['1e', 1, /"e" has no meaning here/],
    ['.', 0, /"." has no meaning here/],
    ['1 + 😀', 4, /"😀" has no meaning here/],
    ['1e999', 0, /this number is beyond 1\.79/],
  ];
  for (const [text, position, message] of problems) {
    t.throws(() => parseExpression(text), { name: 'SyntaxProblem', position, message }, text);
  }
});

test('a syntax error shows the text with a caret under the place', async (t) => {
  t.throws(() => parseExpression('(2 + 3) * / 5'), {
    message: 'expected a number, "(" or "-" instead of "/"\n(2 + 3) * / 5\n          ^',
  });
});

test('a text of the greatest length is read, one character more is refused', async (t) => {
  const longest = `1${'+1'.repeat((expressionCharsMax - 2) / 2)} `;
  t.equal(longest.length, expressionCharsMax);
  t.equal(valueOf(parseExpression(longest)), 500);
  t.throws(() => parseExpression(`${longest} `), {
    position: expressionCharsMax,
    message: /an expression has 1000 characters at most; this has 1001/,
  });
});

test('the deepest nesting is read, one more is refused', async (t) => {
  const nested = (depth: number): string => `${'('.repeat(depth)}1${')'.repeat(depth)}`;
  t.equal(valueOf(parseExpression(nested(nestingMax))), 1);
  t.throws(() => parseExpression(nested(nestingMax + 1)), {
    position: nestingMax,
    message: /parentheses and signs nest 100 deep at most/,
  });
  t.equal(valueOf(parseExpression(`${'-'.repeat(nestingMax)}1`)), 1);
  t.throws(() => parseExpression('-'.repeat(900)), { message: /nest 100 deep/ });
  const siblings = Array.from({ length: 150 }, () => '(1)').join('+');
  t.equal(valueOf(parseExpression(siblings)), 150, 'siblings are not nested');
});

/** Text that JavaScript reads in the same way, with parentheses and blanks anywhere. */
const { expression } = fc.letrec<{ expression: string; factor: string }>((tie) => ({
  expression: fc
    .tuple(
      tie('factor'),
      fc.array(fc.tuple(fc.constantFrom(' + ', '-', ' * ', '/'), tie('factor')), { maxLength: 3 }),
    )
    .map(([first, rest]) => first + rest.map(([symbol, next]) => symbol + next).join('')),
  factor: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('0', '1', '2.5', '.5', '3.', '1e3', '12E-2'),
    // JavaScript reads -- as another operator, so signs are set apart.
    tie('factor').map((inner) => ` -(${inner})`),
    tie('expression').map((inner) => `( ${inner})`),
  ),
}));

test('an expression has the value that JavaScript gives it', async (t) => {
  let finite = 0;
  fc.assert(
    fc.property(expression, (text) => {
      fc.pre(text.length <= expressionCharsMax);
      const ours = valueOf(parseExpression(text));
      const twin = new Function(`return ${text};`)() as number;
      // Ours ends at the first infinity; the twin may come back from one: 1 / (1 / 0).
      if (ours === undefined) return true;
      finite += 1;
      return Object.is(ours, twin);
    }),
    { numRuns: 500 },
  );
  t.ok(finite > 100, `${finite} of them had a value`);
});

test('any text is either read or refused with a place inside it', async (t) => {
  const soup = fc.string({ unit: fc.constantFrom(...'0123.eE+-*/() x\u{1f600}'), maxLength: 40 });
  const counted = { read: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
      try {
        parseExpression(text);
        counted.read += 1;
      } catch (error) {
        if (!(error instanceof SyntaxProblem)) return false;
        counted.refused += 1;
        return error.position <= text.length && error.picture.split('\n').length === 2;
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.ok(counted.read > 0 && counted.refused > 0, JSON.stringify(counted));
});

test('numbers are written for people', async (t) => {
  const written: [number, string][] = [
    [3, '3'],
    [-0, '0'],
    [0.1 + 0.2, '0.3'],
    [1 / 3, '0.333333333333333'],
    [-2.5, '-2.5'],
    [2 ** 53, '9007199254740992'],
    [1e21, '1e+21'],
    [1.5e-9, '1.5e-9'],
  ];
  for (const [value, text] of written) t.equal(formatNumber(value), text);
});

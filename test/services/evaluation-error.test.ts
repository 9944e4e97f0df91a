import { test } from 'tap';
import { EvaluationError, SyntaxProblem } from '../../src/services/evaluation-error.ts';

test('the caret stands under the place', async (t) => {
  const problem = new SyntaxProblem('2 + * 3', 4, 'expected a number');
  t.equal(problem.picture, '2 + * 3\n    ^');
  t.equal(problem.message, 'expected a number\n2 + * 3\n    ^');
  t.equal(problem.position, 4);
  t.equal(problem.reason, 'SYNTAX');
});

test('the caret may stand behind the end', async (t) => {
  t.equal(new SyntaxProblem('2 +', 3, 'x').picture, '2 +\n   ^');
  t.equal(new SyntaxProblem('', 0, 'x').picture, '\n^');
});

test('of a long text the part around the place is shown', async (t) => {
  const text = `${'1+'.repeat(100)}*${'+1'.repeat(100)}`;
  const [line = '', caret = ''] = new SyntaxProblem(text, 200, 'x').picture.split('\n');
  t.equal(line, `…${'1+'.repeat(30)}*${'+1'.repeat(9)}+…`);
  t.equal(line[caret.indexOf('^')], '*');
});

test('whatever the text holds, the picture has two lines and nothing for a terminal', async (t) => {
  const text = '1\n+\t\u001b[31m\u202e\ud800 2';
  t.equal(new SyntaxProblem(text, 4, 'x').picture, '1 + ?[31m?? 2\n    ^');
});

test('the text and the numbers are the fault of the caller, the services are not', async (t) => {
  t.ok(new SyntaxProblem('', 0, 'x').isCallersFault);
  t.ok(new EvaluationError('ARITHMETIC', 'x').isCallersFault);
  for (const reason of ['NO_INSTANCE', 'NO_ANSWER', 'CANCELLED'] as const) {
    t.notOk(new EvaluationError(reason, 'x').isCallersFault, reason);
  }
});

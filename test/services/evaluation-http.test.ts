import { test, type Test } from 'tap';
import { EvaluationError, SyntaxProblem } from '../../src/services/evaluation-error.ts';
import { evaluationServer, type Evaluate } from '../../src/services/evaluation-http.ts';

const steps = [
  { operation: 'add', left: 2, right: 3, value: 5, servedBy: 'h:1', attempts: 0 },
] as const;

const five: Evaluate = async () => ({ value: 5, steps });

function failing(error: Error): Evaluate {
  return async () => {
    throw error;
  };
}

function serverOf(t: Test, evaluate: Evaluate) {
  const app = evaluationServer(evaluate);
  t.teardown(() => app.close());
  const post = async (payload: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const answer = await app.inject({ method: 'POST', url: '/evaluate', headers, payload: text });
    return { status: answer.statusCode, body: answer.json<unknown>() };
  };
  const get = async (url: string) => {
    const answer = await app.inject({ url });
    return { status: answer.statusCode, body: answer.json<unknown>() };
  };
  return { app, post, get };
}

test('POST answers the value, and the steps when asked for', async (t) => {
  const { post } = serverOf(t, five);
  const expression = '2 + 3';
  t.strictSame(await post({ expression }), { status: 200, body: { expression, value: 5 } });
  t.strictSame(await post({ expression, trace: true }), {
    status: 200,
    body: { expression, value: 5, steps },
  });
});

test('GET answers the same', async (t) => {
  const { get } = serverOf(t, five);
  const body = { expression: '2 + 3', value: 5 };
  t.strictSame(await get('/evaluate?expression=2%20%2B%203'), { status: 200, body });
  for (const trace of ['trace=true', 'trace=1', 'trace']) {
    const answer = await get(`/evaluate?expression=2%20%2B%203&${trace}`);
    t.strictSame(answer.body, { ...body, steps }, trace);
  }
  const without = await get('/evaluate?expression=2%20%2B%203&trace=false');
  t.strictSame(without.body, body);
});

test('the text arrives as it was sent', async (t) => {
  const texts: string[] = [];
  const { post } = serverOf(t, async (text) => {
    texts.push(text);
    return { value: 0, steps: [] };
  });
  await post({ expression: ' 1 +\n1 ' });
  t.strictSame(texts, [' 1 +\n1 ']);
});

test('a syntax error is 400, with the caret in the message', async (t) => {
  const { post } = serverOf(t, failing(new SyntaxProblem('2 +', 3, 'expected a number')));
  t.strictSame(await post({ expression: '2 +' }), {
    status: 400,
    body: { error: 'SYNTAX', message: 'expected a number\n2 +\n   ^' },
  });
});

test('what the numbers make impossible is 400', async (t) => {
  const { post } = serverOf(t, failing(new EvaluationError('ARITHMETIC', 'not by zero')));
  t.strictSame(await post({ expression: '1/0' }), {
    status: 400,
    body: { error: 'ARITHMETIC', message: 'not by zero' },
  });
});

test('a missing or silent operation is 503', async (t) => {
  for (const reason of ['NO_INSTANCE', 'NO_ANSWER'] as const) {
    const { post } = serverOf(t, failing(new EvaluationError(reason, 'no add')));
    t.strictSame(await post({ expression: '1+1' }), {
      status: 503,
      body: { error: reason, message: 'no add' },
    });
  }
});

test('a question that is none is 400, and nothing is evaluated', async (t) => {
  const { post, get } = serverOf(t, failing(new Error('was evaluated')));
  const message = 'expected an `expression` that is a text, such as "(2 + 3) * 4"';
  const noText = { status: 400, body: { error: 'INVALID_BODY', message } };
  for (const bad of [{}, { expression: 7 }, null, [], 'null', '"2+3"']) {
    t.strictSame(await post(bad), noText, JSON.stringify(bad));
  }
  t.strictSame(await get('/evaluate'), noText);
  t.strictSame(await get('/evaluate?expression=1&expression=2'), noText);
  t.strictSame(await post({ expression: '1', trace: 'maybe' }), {
    status: 400,
    body: { error: 'INVALID_BODY', message: 'expected `trace` to be true or false' },
  });
});

test('a body that is no JSON, of another type or too large is refused', async (t) => {
  const { post, app } = serverOf(t, five);
  t.match(await post('{"expression": '), { status: 400, body: { error: 'INVALID_BODY' } });
  t.match(await post({ expression: '1'.repeat(20_000) }), {
    status: 413,
    body: { error: 'INVALID_BODY', message: /too large/ },
  });
  const answer = await app.inject({ method: 'POST', url: '/evaluate', payload: '2+3' });
  t.equal(answer.statusCode, 415);
});

test('another path or method says what is served', async (t) => {
  const { get, app } = serverOf(t, five);
  t.strictSame(await get('/'), {
    status: 404,
    body: { error: 'NOT_FOUND', message: 'GET / is not served; see GET and POST /evaluate' },
  });
  const answer = await app.inject({ method: 'DELETE', url: '/evaluate' });
  t.equal(answer.statusCode, 404);
});

test('what nobody expected is 500 with its sentence', async (t) => {
  const { post } = serverOf(t, failing(new TypeError('x is undefined')));
  t.strictSame(await post({ expression: '1' }), {
    status: 500,
    body: { error: 'BUG', message: 'the entrypoint failed: x is undefined' },
  });
});

test('a caller who hangs up cancels the evaluation', async (t) => {
  const cancelled = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { app } = serverOf(t, async (_text, signal) => {
    asked.resolve();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    cancelled.resolve();
    throw new EvaluationError('CANCELLED', 'gone');
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const controller = new AbortController();
  const answer = fetch(`${url}/evaluate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"expression": "1"}',
    signal: controller.signal,
  });
  await asked.promise;
  controller.abort();
  await t.rejects(answer, { name: 'AbortError', message: /abort/ });
  await cancelled.promise;
});

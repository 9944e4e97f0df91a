/** Errors as HTTP tells them. */
import t from 'tap';
import { classicErrorOf, httpStatus, problemOf, toldError } from '../../src/api/problem.ts';
import { DiscoError, errorCodes } from '../../src/base/error.ts';

t.test('a problem has the reason as its type and title, and our code and reason', (t) => {
  const error = new DiscoError('NOT_FOUND', 'NO_HEALTHY_INSTANCE', 'math/add has none');
  t.strictSame(problemOf(error), {
    type: 'urn:disco:problem:no-healthy-instance',
    title: 'No healthy instance',
    status: 404,
    detail: 'math/add has none',
    code: 'NOT_FOUND',
    reason: 'NO_HEALTHY_INSTANCE',
  });
  t.strictSame(classicErrorOf(error), {
    error: { code: 'NOT_FOUND', reason: 'NO_HEALTHY_INSTANCE', message: 'math/add has none' },
  });
  t.end();
});

t.test('a problem names fields as they are sent over HTTP, and leaves alone what was sent', (t) => {
  const detail = (message: string): string =>
    problemOf(new DiscoError('INVALID_ARGUMENT', 'INVALID_TTL', message)).detail;
  t.equal(detail('ttl_ms is 5: give 100'), 'ttlMs is 5: give 100');
  t.equal(
    detail('checks[0].interval_ms is 1 and timeout_ms is 2'),
    'checks[0].intervalMs is 1 and timeoutMs is 2',
  );
  const quoted = String.raw`instance_id is "ttl_ms \" page_token": no`;
  t.equal(detail(quoted), String.raw`instanceId is "ttl_ms \" page_token": no`);
  for (const same of ['my_group/my_name is not known', 'round_robin', 'attl_msb'])
    t.equal(detail(same), same);
  t.end();
});

t.test('each code has its status, and a method that is not allowed one of its own', (t) => {
  const statuses = errorCodes.map((code) => httpStatus(new DiscoError(code, 'BUG', '')));
  t.strictSame(statuses, [400, 404, 403, 409, 429, 503, 500]);
  t.equal(httpStatus(new DiscoError('INVALID_ARGUMENT', 'METHOD_NOT_ALLOWED', '')), 405);
  t.end();
});

t.test('what is no error of ours is a bug, which is told to the log and not to callers', (t) => {
  const bugs: unknown[] = [];
  const told = (error: unknown): DiscoError => toldError(error, (bug) => bugs.push(bug));
  const known = new DiscoError('UNAVAILABLE', 'STOPPING', 'later');
  t.equal(told(known), known);
  t.match(told({ statusCode: 413 }), { code: 'INVALID_ARGUMENT', reason: 'INVALID_BODY' });
  t.match(told({ statusCode: 415 }), { code: 'INVALID_ARGUMENT', reason: 'INVALID_BODY' });
  t.strictSame(bugs, []);
  const mistakes = [new TypeError('secret'), { statusCode: 500 }, 'text'];
  for (const mistake of mistakes) {
    const { code, reason, message } = told(mistake);
    t.strictSame([code, reason], ['INTERNAL', 'BUG']);
    t.notMatch(message, /secret|text/);
  }
  t.strictSame(bugs, mistakes);
  t.end();
});

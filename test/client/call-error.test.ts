import { Metadata, status } from '@grpc/grpc-js';
import { test } from 'tap';
import { callError } from '../../src/client/call-error.ts';

const call = { method: 'List', address: '127.0.0.1:1', source: 'as given', deadlineMs: 50 };

function failure(code: number, details: string, reason?: string): Error {
  const metadata = new Metadata();
  for (const each of reason === undefined ? [] : [reason]) metadata.set('disco-reason', each);
  return Object.assign(new Error(details), { code, details, metadata });
}

test("the daemon's own code, reason and sentence are passed on as they are", (t) => {
  const error = callError(failure(status.NOT_FOUND, 'it is gone', 'SERVICE_GONE'), call);
  t.match(error, { code: 'NOT_FOUND', reason: 'SERVICE_GONE', message: 'it is gone' });
  const newer = callError(failure(status.NOT_FOUND, 'so', 'A_REASON_TO_COME'), call);
  t.match(newer, { code: 'NOT_FOUND', reason: 'A_REASON_TO_COME' });
  t.end();
});

test('what comes without a reason says what was tried and what to do', (t) => {
  t.match(callError(failure(status.UNAVAILABLE, 'connect'), call), {
    code: 'UNAVAILABLE',
    reason: 'NO_DAEMON',
    message: /no disco daemon answers at 127\.0\.0\.1:1 \(as given\); run `disco start`/,
  });
  t.match(callError(failure(status.DEADLINE_EXCEEDED, 'late'), call), {
    code: 'UNAVAILABLE',
    reason: 'TIMEOUT',
    message: /did not answer List within 50 ms/,
  });
  t.match(callError(failure(status.UNIMPLEMENTED, 'what?'), call), {
    reason: 'NO_DAEMON',
    message: /does not know List: it is no disco daemon, or an older one/,
  });
  t.match(callError(failure(status.RESOURCE_EXHAUSTED, 'too large'), call), {
    code: 'RESOURCE_EXHAUSTED',
    message: /List failed at .*: too large/,
  });
  t.end();
});

test('anything else that is thrown is a mistake of this program', (t) => {
  const cause = new TypeError('no function');
  const error = callError(cause, call);
  t.match(error, { code: 'INTERNAL', reason: 'BUG', message: /no function/ });
  t.equal(error.cause, cause);
  t.end();
});

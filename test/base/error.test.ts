import { test } from 'tap';
import { DiscoError, errorCodes, errorText } from '../../src/base/error.ts';

test('a DiscoError is an Error with a code and a reason', (t) => {
  const error = new DiscoError('NOT_FOUND', 'UNKNOWN_SERVICE', 'no service math/add');
  t.type(error, Error);
  t.match(error, {
    name: 'DiscoError',
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SERVICE',
    message: 'no service math/add',
  });
  t.end();
});

test('the cause is kept when there is one, and no property at all when there is none', (t) => {
  const cause = new Error('disk full');
  t.equal(new DiscoError('INTERNAL', 'DISK', 'cannot write', cause).cause, cause);
  t.notOk('cause' in new DiscoError('INTERNAL', 'DISK', 'cannot write'));
  t.end();
});

test('codes are distinct', (t) => {
  t.equal(new Set(errorCodes).size, errorCodes.length);
  t.end();
});

test('anything that can be thrown has a text', (t) => {
  const thrown = [new Error('a'), new DiscoError('INTERNAL', 'BUG', 'b'), 'c', 4, null, undefined];
  t.strictSame(thrown.map(errorText), ['a', 'b', 'c', '4', 'null', 'undefined']);
  t.end();
});

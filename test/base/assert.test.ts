import { test } from 'tap';
import { assert, AssertionError, unreachable } from '../../src/base/assert.ts';

test('assert lets what holds pass', (t) => {
  t.doesNotThrow(() => assert(true, 'never shown'));
  t.end();
});

test('assert throws its message when the condition does not hold', (t) => {
  const error = t.throws(() => assert(false, 'floor is below the head')) as Error;
  t.type(error, AssertionError);
  t.match(error, { name: 'AssertionError', message: 'floor is below the head' });
  t.end();
});

test('unreachable names the value that reached it', (t) => {
  const value = { kind: 'surprise' } as never;
  t.throws(() => unreachable(value), { message: 'unreachable: {"kind":"surprise"}' });
  t.end();
});

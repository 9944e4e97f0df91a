import { test } from 'tap';
import { checkOptions, requestOf } from '../../src/client/register-options.ts';
import type { RegisterOptions } from '../../src/client/register-options.ts';

const add = { group: 'math', name: 'add' };
/** As of a program without types. */
const untyped = (options: object): RegisterOptions => ({ ...add, ...options });

test('a ttl is the default, and with it an end to what is critical for too long', async (t) => {
  t.match(requestOf(add), { ...add, ip: '', port: 0, ttlMs: 10_000, deregisterAfterMs: 60_000 });
  t.match(requestOf({ ...add, ttlMs: 0 }), { ttlMs: 0, deregisterAfterMs: 0 });
  t.match(requestOf({ ...add, ttlMs: 0, deregisterAfterMs: 5 }), { deregisterAfterMs: 5 });
});

test('what is no text is refused, as it would be registered as an empty one', async (t) => {
  const rows: readonly (readonly [object, string])[] = [
    [{ metadata: { rack: 7 } }, 'metadata.rack is 7; expected a string'],
    [{ tags: 'blue' }, "tags is 'blue'; expected an array of strings"],
    [{ ip: 5 }, 'ip is 5; expected a string'],
    [{ version: 2 }, 'version is 2; expected a string'],
    [{ endpoints: [{ name: 9, port: 1 }] }, 'name of an endpoint is 9; expected a string'],
  ];
  for (const [options, message] of rows)
    t.throws(() => requestOf(untyped(options)), {
      code: 'INVALID_ARGUMENT',
      reason: 'USAGE',
      message,
    });
});

test('what the request does not show is checked too', async (t) => {
  t.throws(() => checkOptions(untyped({ lingerMs: -1 })), {
    reason: 'USAGE',
    message: /^lingerMs/,
  });
  t.throws(() => checkOptions(untyped({ ttlMs: 1.5 })), {
    reason: 'INVALID_TTL',
    message: /^ttlMs/,
  });
  t.doesNotThrow(() => checkOptions(untyped({ ttlMs: 0, lingerMs: 250 })));
});

/** From JSON to messages. */
import t from 'tap';
import { getRequest, listRequest, registerRequest } from '../../src/api/json-request.ts';
import { disco } from '../../src/gen/discovery.js';

t.test('the kinds of checks are words, the rest of a registration is as it is', (t) => {
  const body = { group: 'math', name: 'add', port: 5001 };
  t.strictSame(registerRequest(body), body);
  const checks = [{ kind: 'http', path: '/' }, { kind: 'tcp' }];
  t.strictSame(registerRequest({ ...body, checks }), {
    ...body,
    checks: [{ kind: disco.v1.Check.Kind.HTTP, path: '/' }, { kind: disco.v1.Check.Kind.TCP }],
  });
  t.end();
});

t.test('a list is filtered by states of health, tags and pairs', (t) => {
  const { HEALTH_PASSING, HEALTH_WARNING } = disco.v1.Health;
  t.strictSame(listRequest({}), { healths: [], tags: [], metadata: {} });
  t.strictSame(
    listRequest({
      group: 'math',
      health: ['passing', 'warning'],
      tags: ['a,b'],
      metadata: ['rack=7', 'url=http://x?y=z', 'none='],
      pageSize: 5,
    }),
    {
      group: 'math',
      healths: [HEALTH_PASSING, HEALTH_WARNING],
      tags: ['a,b'],
      metadata: { rack: '7', url: 'http://x?y=z', none: '' },
      pageSize: 5,
    },
  );
  for (const pair of ['rack', '=7', ''])
    t.throws(() => listRequest({ metadata: [pair] }), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_QUERY',
      message: `metadata is "${pair}": write key=value, as in ?metadata=rack=7`,
    });
  t.end();
});

t.test('a pick is asked for by the name of its policy, or by none', (t) => {
  const { Policy } = disco.v1.GetRequest;
  t.strictSame(getRequest({}), { policy: Policy.POLICY_UNSPECIFIED });
  t.strictSame(getRequest({ policy: 'round_robin', maxStaleMs: 5, staleOk: true }), {
    policy: Policy.ROUND_ROBIN,
    maxStaleMs: 5,
    staleOk: true,
  });
  t.end();
});

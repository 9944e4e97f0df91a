/** What the API takes and tells of checks. */
import t from 'tap';
import { disco } from '../../src/gen/discovery.js';
import { makeCheck } from '../contract/store-contract.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { serve } from './fixture.ts';

const { Health } = disco.v1;
const add = { group: 'math', name: 'add' };
const here = { ...add, ip: '127.0.0.1', port: 5001 };

/** An instance of math/add as node 2 states it. */
const far = (fields: Parameters<typeof makeSealed>[0]) =>
  makeSealed({ owner: signerOf(2).owner, ...add, ...fields });

t.test('checks are kept with the registration, and make it critical until they pass', async (t) => {
  const { client, node } = await serve(t);
  const kind = disco.v1.Check.Kind.HTTP;
  await client.call('Register', { ...here, checks: [{ kind, path: '/healthz' }] });
  t.match(node.registry.registration('math/add/127.0.0.1:5001'), {
    checks: [{ kind: 'http', path: '/healthz', method: 'GET', intervalMs: 10_000 }],
  });
  const refusal = await client.refusal('Get', add);
  t.match(refusal, { reason: 'NO_HEALTHY_INSTANCE', sentence: /1 critical/ });
  await client.call('Register', { ...here, checks: [{ kind }], deregisterAfterMs: 60_000 });
  t.match(node.registry.registration('math/add/127.0.0.1:5001'), { deregisterAfterMs: 60_000 });
});

t.test('Get and List tell what the checks of an own instance found; Watch does not', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', here);
  node.hear(2, [far({ ip: '127.0.0.1', port: 5001, instanceId: '127.0.0.1:5001' })]);
  const results = [{ time: 1_000, durationMs: 2, hasPassed: true, output: 'connected' }];
  const report = { check: makeCheck(), health: 'passing', results } as const;
  node.control.reported = { 'math/add/127.0.0.1:5001': [report] };
  const { instances } = await client.call('List', {});
  const own = instances.filter(({ owner }) => owner === node.self);
  t.match(own, [{ checks: [{ check: { kind: disco.v1.Check.Kind.TCP }, results: [{}] }] }]);
  t.match(own[0]?.checks?.[0]?.results, [{ output: 'connected', status: Health.HEALTH_PASSING }]);
  const others = instances.filter(({ owner }) => owner !== node.self);
  t.match(others, [{ checks: [] }], 'of another with the same name nothing is known here');
  const reader = client.watch();
  const events = await reader.snapshot();
  t.strictSame(
    events.flatMap(({ instance }) => instance?.checks ?? []),
    [],
  );
  await reader.cancel(node);
});

/** The key of a registration whose identity is checked: when it is taken, and what becomes of it. */
import t from 'tap';
import { disco } from '../../src/gen/discovery.js';
import { makeCheck } from '../contract/store-contract.ts';
import { serve } from './fixture.ts';

const { TCP, IDENTITY } = disco.v1.Check.Kind;
const here = { group: 'math', name: 'add', ip: '127.0.0.1', port: 5001 };
const checks = [{ kind: IDENTITY }];
const identityKey = new Uint8Array(32).fill(7);
const written = Buffer.from(identityKey).toString('base64url');
const key = 'math/add/127.0.0.1:5001';

t.test('a key is kept with the check that needs it, and replaced by another', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', { ...here, checks, identityKey });
  t.match(node.registry.registration(key), {
    identityKey: written,
    checks: [{ kind: 'identity' }],
  });
  const [stored] = node.store.load().registrations;
  t.equal(stored?.identityKey, written);
  await client.call('Register', { ...here, checks, identityKey: new Uint8Array(32).fill(8) });
  t.not(node.registry.registration(key)?.identityKey, written);
  await client.call('Register', here);
  t.equal(node.registry.registration(key)?.identityKey, undefined);
});

t.test('a check without a key, a key without a check, and no key at all are refused', async (t) => {
  const { client, node } = await serve(t);
  const refused = (sentence: string) => ({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_CHECK',
    sentence,
  });
  t.strictSame(
    await client.refusal('Register', { ...here, checks }),
    refused('identity_key is empty: a check of kind IDENTITY needs the public key of the instance'),
  );
  for (const without of [[], [{ kind: TCP }]])
    t.strictSame(
      await client.refusal('Register', { ...here, checks: without, identityKey }),
      refused(
        'identity_key is given without such a check: nobody would ask for it; add a check of kind IDENTITY, or leave the key out',
      ),
    );
  for (const length of [1, 31, 33, 1_000])
    t.strictSame(
      await client.refusal('Register', { ...here, checks, identityKey: new Uint8Array(length) }),
      refused(`identity_key has ${length} bytes: give an Ed25519 public key, 32 bytes`),
    );
  t.equal(node.registry.index.count, 0);
});

t.test('Get tells why nobody is healthy when another process has the address', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', { ...here, checks, identityKey });
  const result = { hasPassed: false, output: 'x', time: 1, durationMs: 1 };
  const report = { check: makeCheck({ kind: 'identity' }), health: 'critical' } as const;
  const reason = 'identity_mismatch';
  const get = () => client.refusal('Get', { group: 'math', name: 'add' });
  const says = /another process answers at 127\.0\.0\.1:5001 \(identity_mismatch\)/;
  node.control.reported = { [key]: [{ ...report, results: [{ ...result, reason }] }] };
  t.match(await get(), { code: 'NOT_FOUND', reason: 'NO_HEALTHY_INSTANCE', sentence: says });
  node.control.reported = { [key]: [{ ...report, results: [result, { ...result, reason }] }] };
  t.notMatch((await get()).sentence, says, 'only the last run counts');
  const { instances } = await client.call('List', {});
  t.match(instances[0]?.checks?.[0]?.results, [{ reason: '' }, { reason }]);
});

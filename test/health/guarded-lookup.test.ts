import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import t from 'tap';
import { checkTarget, guarded, resolved } from '../../src/health/guarded-lookup.ts';

const forbidden = { code: 'PERMISSION_DENIED', reason: 'CHECK_TARGET_FORBIDDEN' };
const { signal } = new AbortController();

/** A name server that knows one name. */
const lookupOf =
  (...addresses: string[]): LookupFunction =>
  (_name, { all }, callback) => {
    const found = addresses.map((address): LookupAddress => {
      return { address, family: address.includes(':') ? 6 : 4 };
    });
    const [first] = found;
    if (all === true) callback(null, found);
    else callback(null, first?.address ?? '', first?.family);
  };

/** What a connection would be made to. */
const ask = (lookup: LookupFunction, all: boolean): Promise<unknown> =>
  new Promise((resolve, reject) => {
    guarded(lookup)('db.internal', { all }, (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });

t.test('what is link-local, or tells secrets in a cloud, is no target', (t) => {
  for (const host of ['169.254.169.254', 'fe80::1%eth0', '::ffff:169.254.0.1', 'fd00:ec2::254'])
    t.throws(() => checkTarget(host), { ...forbidden, message: new RegExp(`: ${host} is link-`) });
  for (const host of ['127.0.0.1', '10.0.0.7', '::1', 'fd00::1', 'db.internal'])
    t.doesNotThrow(() => checkTarget(host), host);
  t.end();
});

t.test('a name that leads there is refused, whichever of its addresses does', async (t) => {
  for (const all of [true, false])
    await t.rejects(ask(lookupOf('169.254.169.254'), all), {
      ...forbidden,
      message: /: db\.internal \(169\.254\.169\.254\) is link-local/,
    });
  await t.rejects(ask(lookupOf('10.0.0.7', '100.100.100.200'), true), forbidden);
  t.equal(await ask(lookupOf('10.0.0.7'), false), '10.0.0.7');
  t.match(await ask(lookupOf('10.0.0.7', '::1'), true), [{ address: '10.0.0.7' }, { family: 6 }]);
});

t.test('a name has all its addresses, or none in time', async (t) => {
  t.strictSame(await resolved('x', signal, lookupOf('10.0.0.7', '::1')), ['10.0.0.7', '::1']);
  const never: LookupFunction = () => undefined;
  const stop = new AbortController();
  const waiting = resolved('x', stop.signal, never);
  stop.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });
  await t.rejects(resolved('x', stop.signal, never), { message: 'enough' });
  const unknown: LookupFunction = (_name, _options, callback) =>
    callback(Object.assign(new Error('ENOTFOUND x'), { code: 'ENOTFOUND' }), '');
  await t.rejects(resolved('x', signal, guarded(unknown)), { message: 'ENOTFOUND x' });
});

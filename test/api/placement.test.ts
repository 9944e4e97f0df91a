import t from 'tap';
import { checkHostAddress, placedAt } from '../../src/api/placement.ts';
import { makeCheck, makeRegistration } from '../contract/store-contract.ts';

const wish = makeRegistration({ ip: '', port: 80, instanceId: '' });

t.test('what is left out comes from the host, and the id from the address', (t) => {
  t.match(placedAt(wish, '10.0.0.7'), { ip: '10.0.0.7', instanceId: '10.0.0.7:80' });
  t.match(placedAt({ ...wish, ip: '::1' }, '10.0.0.7'), { ip: '::1', instanceId: '[::1]:80' });
  t.match(placedAt({ ...wish, instanceId: 'x' }, 'a.b'), { ip: 'a.b', instanceId: 'x' });
  t.end();
});

t.test('what is given stays, whatever the address of the host', (t) => {
  const whole = makeRegistration();
  t.strictSame(placedAt(whole, 'fe80::1%eth0'), whole);
  t.end();
});

t.test('what was left out is noted, since it follows the host', (t) => {
  t.match(placedAt(wish, '10.0.0.7'), { follows: 'ip and id' });
  t.match(placedAt({ ...wish, instanceId: 'x' }, '10.0.0.7'), { follows: 'ip' });
  t.notOk('follows' in placedAt({ ...wish, ip: '10.0.0.7' }, '10.0.0.7'));
  t.end();
});

t.test('an address that means nothing to others is no address', (t) => {
  t.throws(() => placedAt(wish, 'fe80::1%eth0'), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_ADDRESS',
  });
  t.throws(() => checkHostAddress('my_host'), {
    code: 'INVALID_ARGUMENT',
    message: /the address of this node, "my_host", means nothing to others: give ip/,
  });
  t.equal(checkHostAddress('db.internal'), 'db.internal');
  t.end();
});

t.test('a host too long for an id needs one that is given', (t) => {
  const ip = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}`;
  t.throws(() => placedAt({ ...wish, ip }, ''), {
    reason: 'INVALID_NAME',
    message: /ip:port is too long for one \(185 characters\): give a shorter instance_id/,
  });
  t.end();
});

t.test('checks of an address that tells secrets in a cloud are refused', (t) => {
  const secret = { ...wish, ip: '169.254.169.254' };
  t.match(placedAt(secret, ''), { ip: '169.254.169.254' }, 'without checks it harms nobody');
  t.throws(() => placedAt({ ...secret, checks: [makeCheck()] }, ''), {
    code: 'PERMISSION_DENIED',
    reason: 'CHECK_TARGET_FORBIDDEN',
    message:
      'ip is "169.254.169.254", which is link-local or of a cloud\'s metadata service, and is never checked: leave the checks out, or give another ip',
  });
  t.end();
});

import fc from 'fast-check';
import t from 'tap';
import { addressBytes, addressKey, reverseKey } from '../../src/api/dns-address.ts';

const hex = (ip: string): string | undefined =>
  addressBytes(ip) && Buffer.from(addressBytes(ip) as Uint8Array).toString('hex');

t.test('addresses become four or sixteen bytes', (t) => {
  const cases = {
    '10.0.0.255': '0a0000ff',
    '::': '00'.repeat(16),
    '::1': `${'00'.repeat(15)}01`,
    '1::': `0001${'00'.repeat(14)}`,
    '2001:db8::8:1': `20010db8${'00'.repeat(8)}00080001`,
    '1:2:3:4:5:6:7:8': '00010002000300040005000600070008',
    '::ffff:10.0.0.7': `${'00'.repeat(10)}ffff0a000007`,
  };
  for (const [ip, expected] of Object.entries(cases)) t.equal(hex(ip), expected, ip);
  t.end();
});

t.test('what is no address, or means nothing elsewhere, has no bytes', (t) => {
  for (const text of ['', 'db.internal', '10.0.0', 'fe80::1%eth0', '1.2.3.4.5'])
    t.equal(addressBytes(text), undefined, text);
  t.end();
});

t.test('spellings of one address have one key, whatever the address', (t) => {
  t.equal(addressKey('2001:DB8:0::1'), addressKey('2001:db8::1'));
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      const short = new URL(`http://[${ip}]`).hostname.slice(1, -1);
      return addressKey(ip) === addressKey(short) && addressKey(ip)?.length === 32;
    }),
  );
  t.end();
});

t.test('a reverse name leads to the key of its address', (t) => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => {
      const labels = [...ip.split('.').toReversed(), 'in-addr', 'arpa'];
      return reverseKey(labels) === addressKey(ip);
    }),
  );
  const nibbles = (addressKey('2001:db8::1') as string).split('').toReversed();
  t.equal(reverseKey([...nibbles, 'ip6', 'arpa']), addressKey('2001:db8::1'));
  t.end();
});

t.test('parts of reverse names, and all other names, lead nowhere', (t) => {
  const names = ['in-addr.arpa', '0.10.in-addr.arpa', '1.0.0.0.10.in-addr.arpa', 'add.math.disco'];
  for (const name of [...names, '300.0.0.10.in-addr.arpa', '1.2.ip6.arpa', 'arpa', ''])
    t.equal(reverseKey(name.split('.')), undefined, name);
  const wrong = ['g', ...'0'.repeat(31), 'ip6', 'arpa'];
  t.equal(reverseKey(wrong), undefined);
  t.end();
});

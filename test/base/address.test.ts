import fc from 'fast-check';
import { test } from 'tap';
import {
  formatAddress,
  isLinkLocal,
  isMetadataRange,
  isLoopback,
  isPrivate,
  isWildcard,
  parseAddress,
  toMultiaddr,
} from '../../src/base/address.ts';

const wellFormed = [
  { text: '127.0.0.1:7947', host: '127.0.0.1', port: 7947 },
  { text: 'seed-1:0', host: 'seed-1', port: 0 },
  { text: 'Seed_1.Example.COM:65535', host: 'seed_1.example.com', port: 65_535 },
  { text: '[::1]:80', host: '::1', port: 80 },
  { text: '[2001:DB8:0:0::0001]:80', host: '2001:db8::1', port: 80 },
  { text: '[fe80::1%eth0]:80', host: 'fe80::1%eth0', port: 80 },
  { text: '/ip4/10.0.0.7/tcp/7947', host: '10.0.0.7', port: 7947 },
  { text: '/ip6/::1/tcp/7947', host: '::1', port: 7947 },
  { text: '/ip6zone/eth0/ip6/fe80::1/tcp/7947', host: 'fe80::1%eth0', port: 7947 },
  { text: '/dns4/seed-1/tcp/7947', host: 'seed-1', port: 7947 },
  { text: '/dns6/seed-1/tcp/7947', host: 'seed-1', port: 7947 },
  { text: '/dns/seed-1/tcp/7947', host: 'seed-1', port: 7947 },
];

for (const { text, host, port } of wellFormed) {
  test(`${text} is host ${host}, port ${port}`, (t) => {
    t.strictSame(parseAddress(text), { host, port });
    t.end();
  });
}

const malformed = [
  { text: '', why: 'there is no host' },
  { text: ':80', why: 'there is no host' },
  { text: '10.0.0.7', why: 'there is no port' },
  { text: '10.0.0.7:', why: 'there is no port' },
  { text: '10.0.0.7:65536', why: "port '65536' is not within 0 to 65535" },
  { text: '10.0.0.7:-1', why: "port '-1' is not within 0 to 65535" },
  { text: '10.0.0.7:8o', why: "port '8o' is not within 0 to 65535" },
  { text: '10.0.0.256:80', why: "'10.0.0.256' is not an IPv4 address" },
  { text: 'two words:80', why: "'two words' is not a host name" },
  { text: `${'a'.repeat(64)}:80`, why: `'${'a'.repeat(64)}' is not a host name` },
  { text: '::1:80', why: 'an IPv6 address stands in brackets' },
  { text: '[::1]', why: 'there is no port' },
  { text: '[::g]:80', why: '[::g] is not an IPv6 address' },
  { text: '/ip4/10.0.0.256/tcp/80', why: "'10.0.0.256' is not an IPv4 address" },
  { text: '/ip6/10.0.0.7/tcp/80', why: "'10.0.0.7' is not an IPv6 address" },
  { text: '/ip4/10.0.0.7/udp/80', why: 'only TCP is spoken' },
  { text: '/ip4/10.0.0.7/tcp', why: 'there is no port' },
  { text: '/ip4/10.0.0.7/tcp/80/ws', why: 'nothing may follow the port, not /ws' },
  { text: '/ip4/10.0.0.7/tcp/80/p2p/12D3', why: 'the peer id is learned at the handshake' },
  { text: '/unix/disco/tcp/80', why: '/unix is none of /ip4, /ip6, /dns, /dns4, /dns6' },
];

for (const { text, why } of malformed) {
  test(`'${text}' is refused: ${why}`, (t) => {
    const expected = { code: 'INVALID_ARGUMENT', reason: 'INVALID_ADDRESS' };
    const error = t.throws(() => parseAddress(text), expected) as Error;
    t.ok(error.message.startsWith(`'${text}' is not an address: ${why}`), error.message);
    t.match(error.message, 'expected host:port, [IPv6]:port or a multiaddr');
    t.end();
  });
}

test('an address survives both ways of writing it', (t) => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  const address = fc.record({ host, port: fc.integer({ min: 0, max: 65_535 }) });
  fc.assert(
    fc.property(address, (written) => {
      const read = parseAddress(formatAddress(written));
      t.strictSame(parseAddress(formatAddress(read)), read);
      t.strictSame(parseAddress(toMultiaddr(read)), read);
      t.equal(read.port, written.port);
    }),
    { seed: 1, numRuns: 200 },
  );
  t.end();
});

test('any other text is an INVALID_ADDRESS and never another error', (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      t.throws(() => parseAddress(`${text}!`), { name: 'DiscoError', reason: 'INVALID_ADDRESS' });
    }),
    { seed: 1, numRuns: 200 },
  );
  t.end();
});

test('loopback is 127.0.0.0/8, ::1 and localhost, whatever their spelling', (t) => {
  const inside = [
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '::ffff:127.0.0.1',
    'localhost',
    'a.LocalHost.',
  ];
  const outside = [
    '128.0.0.1',
    '10.0.0.1',
    '0.0.0.0',
    '::',
    '::2',
    'localhost.com',
    'notlocalhost',
  ];
  t.strictSame(inside.filter(isLoopback), inside);
  t.strictSame(outside.filter(isLoopback), []);
  t.end();
});

test('wildcard is every interface of either family', (t) => {
  const hosts = ['0.0.0.0', '::', '127.0.0.1', '::1', 'localhost'];
  t.strictSame(hosts.filter(isWildcard), ['0.0.0.0', '::']);
  t.end();
});

test('link-local is 169.254.0.0/16 and fe80::/10, with or without a zone', (t) => {
  const inside = ['169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0'];
  const outside = ['169.253.0.1', '10.0.0.1', 'fec0::1', '::1', 'fe80.example'];
  t.strictSame(inside.filter(isLinkLocal), inside);
  t.strictSame(outside.filter(isLinkLocal), []);
  t.end();
});

test('where clouds tell secrets is link-local, and two addresses that are not', (t) => {
  const inside = ['169.254.169.254', '169.254.170.2', 'fe80::a9fe:a9fe', 'fd00:ec2::254'];
  const more = ['100.100.100.200', '::ffff:169.254.169.254', 'fd00:0ec2:0::254'];
  for (const host of [...inside, ...more]) t.equal(isMetadataRange(host), true, host);
  for (const host of ['10.0.0.1', '127.0.0.1', 'fd00:ec2::253', '100.100.100.201', 'metadata'])
    t.equal(isMetadataRange(host), false, host);
  t.end();
});

test('private is what the Internet does not carry', (t) => {
  const inside = ['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'];
  const more = ['100.64.0.1', '169.254.1.1', '::1', 'fd00::1', 'fe80::1%eth0', '::ffff:10.0.0.1'];
  for (const host of [...inside, ...more]) t.equal(isPrivate(host), true, host);
  const outside = ['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2001:db8::1'];
  for (const host of [...outside, '::ffff:8.8.8.8', 'localhost', ''])
    t.equal(isPrivate(host), false, host);
  t.end();
});

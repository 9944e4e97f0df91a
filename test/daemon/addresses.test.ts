import t from 'tap';
import { advertisedAddresses, hostAddressOf } from '../../src/daemon/addresses.ts';

const loopback = '/ip4/127.0.0.1/tcp/7001';
const outward = '/ip4/10.0.0.5/tcp/7001';

t.test('what the operator says is told, as multiaddrs, whatever is listened on', (t) => {
  const given = ['node-1.internal:7001', '[2001:db8::1]:7001', '/ip4/192.0.2.7/tcp/9'];
  t.strictSame(advertisedAddresses(given, [loopback, outward]), [
    '/dns/node-1.internal/tcp/7001',
    '/ip6/2001:db8::1/tcp/7001',
    '/ip4/192.0.2.7/tcp/9',
  ]);
  t.end();
});

t.test('else the listening addresses that others can reach', (t) => {
  const listening = [
    loopback,
    '/ip6/::1/tcp/7001',
    '/ip4/169.254.1.1/tcp/7001',
    '/ip6zone/eth0/ip6/fe80::1/tcp/7001',
    outward,
    '/ip6/2001:db8::1/tcp/7001',
  ];
  t.strictSame(advertisedAddresses([], listening), [outward, '/ip6/2001:db8::1/tcp/7001']);
  t.end();
});

t.test('a node on loopback alone tells that: its cluster is this host', (t) => {
  t.strictSame(advertisedAddresses([], [loopback]), [loopback]);
  t.end();
});

t.test('the host is reached where the first advertised address is', (t) => {
  t.equal(hostAddressOf([outward, loopback]), '10.0.0.5');
  t.equal(hostAddressOf(['/dns/node-1.internal/tcp/7001']), 'node-1.internal');
  t.equal(hostAddressOf(['/ip6/2001:db8::1/tcp/7001']), '2001:db8::1');
  t.equal(hostAddressOf([]), '127.0.0.1');
  t.end();
});

import t from 'tap';
import { addressKey } from '../../src/api/dns-address.ts';
import { safeLabel } from '../../src/api/dns-labels.ts';
import { DnsZone } from '../../src/api/dns-zone.ts';
import { DnsNode } from './dns-fixture.ts';

class Zone extends DnsNode {
  readonly zone = new DnsZone(this.node.registry, '');

  /** `service math/add`, `port math/add metrics`, `instances a,b`, `address IP`, or the kind. */
  find(name: string): string {
    const found = this.zone.find(name.split('.'));
    switch (found?.kind) {
      case undefined:
        return 'nothing';
      case 'service':
        return `service ${found.view.service.group}/${found.view.service.name}`;
      case 'port':
        return `port ${found.view.service.group}/${found.view.service.name} ${found.endpoint}`;
      case 'instances':
        return `instances ${found.instances.map(({ record }) => record.instanceId).join()}`;
      case 'address':
        return `address ${found.ip}`;
      case 'parent':
        return 'parent';
    }
  }

  at(ip: string): string[] {
    return this.zone.at(addressKey(ip) as string).map(({ record }) => record.instanceId);
  }
}

t.test('a name is a service, its ports, an instance of it, or only above one', (t) => {
  const of = new Zone();
  const endpoints = [
    { name: 'metrics', port: 9_100, ip: '' },
    { name: 'admin', port: 9_200, ip: '10.0.0.9' },
  ];
  of.add({ instanceId: '10.0.0.5:5001', endpoints });
  const id = safeLabel('10.0.0.5:5001');
  const cases = {
    'add.math': 'service math/add',
    math: 'parent',
    '_tcp.math': 'parent',
    '_add._tcp.math': 'port math/add tcp',
    '_add._udp.math': 'port math/add udp',
    '_add._metrics.math': 'port math/add metrics',
    '_metrics._tcp.add.math': 'port math/add metrics',
    '_tcp.add.math': 'port math/add undefined',
    [`${id}.add.math`]: 'instances 10.0.0.5:5001',
    [`admin.${id}.add.math`]: 'address 10.0.0.9',
    [`metrics.${id}.add.math`]: 'nothing',
    [`x.${id}.add.math`]: 'nothing',
    'sub.math': 'nothing',
    'x.add.math': 'nothing',
    '_x.add.math': 'nothing',
    '_add._x.math': 'nothing',
    '_x._tcp.math': 'nothing',
    '_x._tcp.add.math': 'nothing',
    '_metrics._sctp.add.math': 'nothing',
    _: 'nothing',
    '_._': 'nothing',
    other: 'nothing',
  };
  for (const [name, expected] of Object.entries(cases)) t.equal(of.find(name), expected, name);
  t.end();
});

t.test('names that begin with an underscore are found as they are', (t) => {
  const of = new Zone();
  of.add({ instanceId: '_one', group: '_g', name: '_tcp' });
  t.equal(of.find('_tcp._g'), 'service _g/_tcp');
  t.equal(of.find('_one._tcp._g'), 'instances _one');
  t.equal(of.find('__tcp._tcp._g'), 'port _g/_tcp tcp');
  t.end();
});

t.test('what SRV records lead to means that alone, whatever else could be called so', (t) => {
  const of = new Zone();
  const endpoints = [{ name: 'admin', port: 1, ip: '10.0.0.9' }];
  of.add({ instanceId: 'x', name: 'v2.add' });
  of.add({ instanceId: 'x', name: 'admin.v2.add' });
  of.add({ instanceId: 'x', name: '_add', group: '_tcp.math' });
  t.equal(of.find('v2.add.math'), 'service math/v2.add');
  t.equal(of.find('_add._tcp.math'), 'service _tcp.math/_add');
  of.add({ instanceId: 'v2', endpoints });
  t.equal(of.find('v2.add.math'), 'instances v2');
  t.equal(of.find('admin.v2.add.math'), 'address 10.0.0.9');
  t.equal(of.find('_add._tcp.math'), 'port math/add tcp');
  of.add({ instanceId: 'W_1' });
  of.add({ instanceId: 'x', name: 'w_1.add' });
  t.equal(of.find('w_1.add.math'), 'service math/w_1.add', 'no SRV record leads there');
  t.end();
});

t.test('what comes, changes and goes is followed, also by address', (t) => {
  const of = new Zone();
  t.equal(of.find('add.math'), 'nothing');
  t.strictSame(of.at('10.0.0.1'), []);
  of.add({ instanceId: 'a', ip: '10.0.0.1', lastUpdate: 1 });
  of.add({ instanceId: 'b', ip: '2001:DB8::1' });
  t.equal(of.find('a.add.math'), 'instances a');
  t.strictSame(of.at('10.0.0.1'), ['a']);
  t.strictSame(of.at('2001:db8::1'), ['b']);
  of.add({ instanceId: 'a', ip: '10.0.0.2', lastUpdate: 2 });
  t.strictSame(of.at('10.0.0.1'), []);
  t.strictSame(of.at('10.0.0.2'), ['a']);
  of.clear();
  t.equal(of.find('math'), 'nothing');
  t.strictSame(of.at('10.0.0.2'), []);
  t.end();
});

t.test('a zone that is asked late knows what was there before, by name and by address', (t) => {
  const of = new DnsNode();
  of.add({ instanceId: 'a', ip: '10.0.0.1' });
  const zone = new DnsZone(of.node.registry, '');
  t.equal(zone.find(['add', 'math'])?.kind, 'service');
  t.equal(zone.at(addressKey('10.0.0.1') as string).length, 1);
  t.end();
});

t.test('one that missed more changes than are kept begins anew', (t) => {
  const of = new Zone();
  of.add({ instanceId: 'a', name: 'first', ip: '10.0.0.1' });
  t.equal(of.find('first.math'), 'service math/first');
  t.strictSame(of.at('10.0.0.1'), ['a']);
  of.clear();
  const { feed } = of.node.registry;
  const read = feed.read.bind(feed);
  feed.read = () => ({ kind: 'lost' });
  of.add({ instanceId: 'b', name: 'second', ip: '10.0.0.2' });
  t.equal(of.find('first.math'), 'nothing');
  t.equal(of.find('second.math'), 'service math/second');
  t.strictSame(of.at('10.0.0.1'), []);
  t.strictSame(of.at('10.0.0.2'), ['b']);
  feed.read = read;
  t.end();
});

t.test('a view is made once for each state of a service', (t) => {
  const of = new Zone();
  const service = { group: 'math', name: 'add' };
  of.add({ instanceId: 'a' });
  const first = of.zone.view(service);
  of.add({ instanceId: 'x', name: 'other' });
  t.equal(of.zone.view(service), first);
  of.add({ instanceId: 'b' });
  t.not(of.zone.view(service), first);
  t.equal(of.zone.view(service).instances.length, 2);
  t.end();
});

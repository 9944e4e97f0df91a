import t from 'tap';
import { ownedLabel, safeLabel } from '../../src/api/dns-labels.ts';
import { recordType } from '../../src/api/dns-query.ts';
import { endpointOf, ServiceView, targetOf, textOf } from '../../src/api/dns-view.ts';
import type { Piece } from '../../src/api/dns-view.ts';
import type { ServiceRecord } from '../../src/record/record.ts';
import type { Instance } from '../../src/registry/instance.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';

const service = { group: 'math', name: 'add' };
const instance = (fields: Partial<ServiceRecord>): Instance => ({
  record: makeRecord({ ...service, ...fields }),
  node: 'node-1',
});
const view = (instances: readonly Instance[], zone = ''): ServiceView =>
  new ServiceView(service, instances, zone);
const latin1 = (piece: Piece | undefined): string =>
  Buffer.from(piece?.data ?? []).toString('latin1');
const ids = (instances: readonly Instance[]): string[] =>
  instances.map(({ record }) => record.instanceId);

t.test('the passing instances are healthy, and the warning ones only without them', (t) => {
  const passing = instance({ instanceId: 'a' });
  const warning = instance({ instanceId: 'b', health: 'warning' });
  const critical = instance({ instanceId: 'c', health: 'critical' });
  const away = instance({ instanceId: 'd', health: 'maintenance' });
  t.strictSame(ids(view([passing, warning, critical, away]).healthy), ['a']);
  t.strictSame(ids(view([warning, critical, away]).healthy), ['b']);
  t.strictSame(ids(view([critical, away]).healthy), []);
  t.end();
});

t.test('addresses are told once each, those of the zone first, and never in both ranks', (t) => {
  const of = view(
    [
      instance({ instanceId: 'a', ip: '10.0.0.1' }),
      instance({ instanceId: 'b', ip: '10.0.0.2', zone: 'eu' }),
      instance({ instanceId: 'c', ip: '10.0.0.2', port: 2 }),
      instance({ instanceId: 'd', ip: '::1' }),
    ],
    'eu',
  );
  const bytes = (type: number, rank: 'near' | 'far'): string[] =>
    of.addresses(type)[rank].map(({ data }) => data.join('.'));
  t.strictSame(bytes(recordType.A, 'near'), ['10.0.0.2']);
  t.strictSame(bytes(recordType.A, 'far'), ['10.0.0.1']);
  t.equal(bytes(recordType.AAAA, 'far').length, 1);
  t.equal(of.addresses(recordType.A), of.addresses(recordType.A), 'made once');
  t.end();
});

t.test('a SRV record has rank, weight, port and a name that leads to the instance', (t) => {
  const a = instance({ instanceId: 'a', weight: 7, port: 80, zone: 'eu', ip: '10.0.0.1' });
  const ports = view([a, instance({ instanceId: 'b' })], 'eu').ports();
  const [near] = ports?.near ?? [];
  t.equal(latin1(near), '\0\0\0\x07\0\x50\x01a\x03add\x04math\x05disco\0');
  t.strictSame(near?.address, targetOf('10.0.0.1'));
  t.equal(ports?.far[0]?.data[1], 1, 'the other zone comes after');
  t.end();
});

t.test(
  'an endpoint has its port, and where it has an address of its own a name of its own',
  (t) => {
    const endpoints = [
      { name: 'Metrics.v1', port: 9_100, ip: '' },
      { name: 'admin', port: 9_200, ip: '10.0.0.9' },
    ];
    const of = view([
      instance({ instanceId: 'a', ip: '10.0.0.1', endpoints }),
      instance({ instanceId: 'b' }),
    ]);
    for (const label of ['metrics.v1', safeLabel('Metrics.v1')])
      t.equal(of.ports(label)?.near.length, 1, label);
    const [admin] = of.ports('admin')?.near ?? [];
    t.ok(latin1(admin).endsWith('\x05admin\x01a\x03add\x04math\x05disco\0'));
    t.strictSame(admin?.address, targetOf('10.0.0.9'));
    t.equal(of.ports('other'), undefined);
    t.end();
  },
);

t.test('tcp and udp are the port of the instance, unless it has an endpoint called so', (t) => {
  const plain = instance({ instanceId: 'a', port: 1 });
  const endpoints = [{ name: 'tcp', port: 2, ip: '' }];
  const named = instance({ instanceId: 'b', port: 3, endpoints });
  const portsOf = (of: ServiceView, label: string): number[] =>
    of.ports(label)?.near.map(({ data }) => Buffer.from(data).readUInt16BE(4)) ?? [];
  t.strictSame(portsOf(view([plain]), 'tcp'), [1]);
  t.strictSame(portsOf(view([plain]), 'udp'), [1]);
  t.strictSame(portsOf(view([plain, named]), 'tcp'), [2]);
  t.end();
});

t.test('an endpoint of unhealthy instances alone is there, and leads nowhere', (t) => {
  const endpoints = [{ name: 'admin', port: 1, ip: '' }];
  const of = view([instance({ instanceId: 'a', health: 'critical', endpoints })]);
  t.strictSame(of.ports('admin'), { near: [], far: [] });
  t.end();
});

t.test('a host name is where it leads, with no address of ours', (t) => {
  const [piece] = view([instance({ instanceId: 'a', ip: 'db.internal' })]).ports()?.near ?? [];
  t.ok(latin1(piece).endsWith('\x02db\x08internal\0'));
  t.equal(piece?.address, undefined);
  t.equal(targetOf('db.internal').type, recordType.CNAME);
  t.end();
});

t.test('two owners of one id share its name, and each has one of its own', (t) => {
  const [one, two] = [1, 2].map((key) =>
    instance({ instanceId: 'a', owner: signerOf(key).owner, ip: `10.0.0.${key}` }),
  ) as [Instance, Instance];
  const of = view([one, two]);
  t.equal(of.named('a').length, 2);
  for (const each of [one, two]) {
    const [label = ''] = of.nameOf(each);
    t.equal(label, ownedLabel('a', each.record.owner));
    t.strictSame(of.named(label), [each]);
  }
  t.strictSame(view([one]).nameOf(one), ['a', 'add', 'math', 'disco']);
  t.end();
});

t.test('a text says what is known of an instance, and leaves out what is too long', (t) => {
  const tags = ['blue', 'x'.repeat(252)];
  const metadata = { owner: 'me', long: 'é'.repeat(125) };
  const of = instance({ instanceId: 'a', version: '1.2', zone: 'eu', weight: 3, tags, metadata });
  const bytes = textOf(of);
  const strings: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0))
    strings.push(Buffer.from(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0))).toString());
  t.strictSame(strings, [
    'id=a',
    'node=node-1',
    'health=passing',
    'weight=3',
    'version=1.2',
    'zone=eu',
    'tag=blue',
    'meta.owner=me',
  ]);
  t.end();
});

t.test('no label means no endpoint', (t) => {
  t.equal(endpointOf(instance({ endpoints: [{ name: 'a', port: 1, ip: '' }] })), undefined);
  t.end();
});

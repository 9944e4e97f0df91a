import t from 'tap';
import { readTargetQuery, targetGroups } from '../../src/api/prometheus-targets.ts';
import type { ServiceRecord } from '../../src/record/record.ts';
import { ServiceIndex } from '../../src/registry/service-index.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';
import { thrownBy } from '../store/fixtures.ts';

const metrics = { name: 'metrics', port: 9100, ip: '' };

function indexOf(...records: Partial<ServiceRecord>[]): ServiceIndex {
  const index = new ServiceIndex();
  for (const fields of records) index.put({ record: makeRecord(fields), node: 'node-1' });
  return index;
}

const addresses = (index: ServiceIndex, query: object): string[] =>
  targetGroups(index, readTargetQuery(query)).flatMap(({ targets }) => targets);

t.test('a target has its address, and all that is known of it as labels', (t) => {
  const index = indexOf({
    endpoints: [metrics],
    zone: 'eu-1',
    tags: ['blue', 'primary'],
    metadata: { 'app.kubernetes.io/part-of': 'shop', team: 'a "quoted"\nname' },
  });
  t.strictSame(targetGroups(index, readTargetQuery({})), [
    {
      targets: ['10.0.0.7:9100'],
      labels: {
        __meta_disco_group: 'shop',
        __meta_disco_name: 'cart',
        __meta_disco_instance_id: 'cart-1',
        __meta_disco_endpoint: 'metrics',
        __meta_disco_health: 'passing',
        __meta_disco_node: 'node-1',
        __meta_disco_owner: signerOf(1).owner,
        __meta_disco_version: '1.2.3',
        __meta_disco_zone: 'eu-1',
        __meta_disco_tags: ',blue,primary,',
        __meta_disco_metadata_app_kubernetes_io_part_of: 'shop',
        __meta_disco_metadata_team: 'a "quoted"\nname',
      },
    },
  ]);
  t.end();
});

t.test('an instance without the endpoint is none; another endpoint may be asked for', (t) => {
  const admin = { name: 'admin', port: 9200, ip: 'fe80::1' };
  const index = indexOf(
    { instanceId: 'a', endpoints: [metrics, admin] },
    { instanceId: 'b', endpoints: [metrics], ip: '10.0.0.8' },
    { instanceId: 'c', port: 8081 },
  );
  t.strictSame(addresses(index, {}), ['10.0.0.7:9100', '10.0.0.8:9100']);
  t.strictSame(addresses(index, { endpoint: 'admin' }), ['[fe80::1]:9200']);
  t.strictSame(addresses(index, { endpoint: 'nope' }), []);
  const own = ['10.0.0.7:8080', '10.0.0.8:8080', '10.0.0.7:8081'];
  t.strictSame(addresses(index, { endpoint: '' }), own);
  t.end();
});

t.test('targets are chosen by group, name and health; the ill ones are targets too', (t) => {
  const endpoints = [metrics];
  const index = indexOf(
    { group: 'math', name: 'add', ip: '10.0.0.1', endpoints },
    { group: 'math', name: 'mul', ip: '10.0.0.2', endpoints, health: 'critical' },
    { group: 'shop', name: 'add', ip: '10.0.0.3', endpoints, health: 'warning' },
  );
  const hosts = (query: object) => addresses(index, query).map((text) => text.split(':')[0]);
  t.strictSame(hosts({}), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  t.strictSame(hosts({ group: 'math' }), ['10.0.0.1', '10.0.0.2']);
  t.strictSame(hosts({ group: 'math', name: 'mul' }), ['10.0.0.2']);
  t.strictSame(hosts({ health: ['passing'] }), ['10.0.0.1']);
  t.strictSame(hosts({ health: ['passing', 'warning'] }), ['10.0.0.1', '10.0.0.3']);
  t.end();
});

t.test('what is no name is refused', (t) => {
  for (const asked of [{ group: 'a b' }, { endpoint: 'a b' }])
    t.equal(thrownBy(() => readTargetQuery(asked)).reason, 'INVALID_NAME');
  t.end();
});

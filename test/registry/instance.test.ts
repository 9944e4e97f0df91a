import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { compareInstances, instanceAddress, instanceKey } from '../../src/registry/instance.ts';
import type { Instance } from '../../src/registry/instance.ts';
import type { ServiceRecord } from '../../src/record/record.ts';
import { makeRecord } from '../record/fixtures.ts';

const make = (fields: Partial<ServiceRecord>): Instance => ({
  record: makeRecord(fields),
  node: 'n',
});

t.test('an address is ip:port, IPv6 in brackets', (t) => {
  t.equal(instanceAddress(make({ ip: '10.0.0.7', port: 80 })), '10.0.0.7:80');
  t.equal(instanceAddress(make({ ip: '::1', port: 80 })), '[::1]:80');
  t.end();
});

t.test('an instance is named by its id and its owner, both', (t) => {
  t.equal(instanceKey('owner', 'id'), 'id/owner');
  t.not(instanceKey('a', 'b'), instanceKey('b', 'a'));
  t.end();
});

t.test('instances are ordered by group, name, id and owner', (t) => {
  const values = ['a', 'b'];
  const sorted = values.flatMap((group) =>
    values.flatMap((name) =>
      values.flatMap((instanceId) =>
        values.map((owner) => make({ group, name, instanceId, owner })),
      ),
    ),
  );
  t.equal(sorted.length, 16);
  const shuffled = seededRandom(1).sample(sorted, 16);
  t.strictSame(shuffled.sort(compareInstances), sorted);
  t.equal(compareInstances(sorted[0]!, make(sorted[0]!.record)), 0);
  t.end();
});

import { test } from 'tap';
import { disco } from '../../src/gen/discovery.js';
import {
  compareInstances,
  healthFromProto,
  healthToProto,
  instanceAddress,
  instanceFromProto,
  instanceKey,
} from '../../src/client/instance.ts';
import { wireInstance } from './fake-daemon.ts';

test('a message off the wire becomes a plain frozen instance', async (t) => {
  const sent = wireInstance({
    lastUpdate: 1_763_000_000_000_001,
    metadata: { zone: 'a' },
    tags: ['blue'],
    version: '1.2.3',
    ttlMs: 10_000,
    conflict: true,
    held: true,
    weight: 7,
    zone: 'eu-1',
    endpoints: [{ name: 'metrics', ip: '127.0.0.1', port: 9_100 }],
    ownerState: disco.v1.Member.State.SUSPECT,
    health: disco.v1.Health.HEALTH_WARNING,
  });
  const bytes = disco.v1.ServiceInstance.encode(sent).finish();
  const instance = instanceFromProto(disco.v1.ServiceInstance.decode(bytes));
  t.strictSame(instance, {
    group: 'math',
    name: 'add',
    ip: '127.0.0.1',
    port: 4000,
    instanceId: '127.0.0.1:4000',
    owner: 'owner-1',
    node: 'node-1',
    health: 'warning',
    lastUpdate: 1_763_000_000_000_001,
    metadata: { zone: 'a' },
    tags: ['blue'],
    version: '1.2.3',
    ttlMs: 10_000,
    conflict: true,
    held: true,
    weight: 7,
    zone: 'eu-1',
    endpoints: [{ name: 'metrics', ip: '127.0.0.1', port: 9_100 }],
    ownerState: 'suspect',
    maintenance: undefined,
  });
  t.ok(Object.isFrozen(instance.endpoints) && Object.isFrozen(instance.endpoints[0]));
  t.ok(Object.isFrozen(instance) && Object.isFrozen(instance.tags));
  t.ok(Object.isFrozen(instance.metadata));
});

test('what the simplest server leaves out has a default', async (t) => {
  const instance = instanceFromProto({ group: 'g', name: 'n', ip: '10.0.0.1', port: 1 });
  t.equal(instance.health, 'passing');
  t.equal(instance.lastUpdate, 0);
  t.strictSame(instance.metadata, {});
  t.match(instance, { weight: 100, zone: '', endpoints: [] });
  t.equal(instance.ownerState, undefined);
});

test('why an instance is in maintenance survives the wire, and what is beneath', async (t) => {
  const { HEALTH_MAINTENANCE, HEALTH_CRITICAL } = disco.v1.Health;
  const maintenance = { reason: 'kernel update', health: HEALTH_CRITICAL };
  const sent = wireInstance({ health: HEALTH_MAINTENANCE, maintenance });
  const bytes = disco.v1.ServiceInstance.encode(sent).finish();
  const instance = instanceFromProto(disco.v1.ServiceInstance.decode(bytes));
  t.equal(instance.health, 'maintenance');
  t.strictSame(instance.maintenance, { reason: 'kernel update', health: 'critical' });
  t.ok(Object.isFrozen(instance.maintenance));
});

test('a health that this client does not know is critical', async (t) => {
  t.equal(healthFromProto(99), 'critical');
});

test('every health survives the way to the wire and back', async (t) => {
  for (const health of ['passing', 'warning', 'critical', 'maintenance'] as const) {
    t.equal(healthFromProto(healthToProto(health)), health);
  }
});

test('two owners of one address are two instances', async (t) => {
  const one = instanceFromProto(wireInstance());
  const other = instanceFromProto(wireInstance({ owner: 'owner-2' }));
  t.not(instanceKey(one), instanceKey(other));
  t.equal(
    instanceKey(one),
    instanceKey(instanceFromProto(wireInstance({ port: 9, instanceId: '127.0.0.1:4000' }))),
  );
});

test('instances are sorted by group, name, instance id and owner', async (t) => {
  const sorted = [
    wireInstance({ group: 'a', name: 'z' }),
    wireInstance({ group: 'b', name: 'a', instanceId: '1', owner: 'x' }),
    wireInstance({ group: 'b', name: 'a', instanceId: '1', owner: 'y' }),
    wireInstance({ group: 'b', name: 'a', instanceId: '2', owner: 'a' }),
    wireInstance({ group: 'b', name: 'b', instanceId: '1', owner: 'a' }),
  ].map(instanceFromProto);
  t.strictSame(sorted.toReversed().sort(compareInstances), sorted);
  t.equal(compareInstances(sorted[0]!, sorted[0]!), 0);
});

test('an IPv6 address stands in brackets', async (t) => {
  t.equal(instanceAddress({ ip: '::1', port: 80 }), '[::1]:80');
  t.equal(instanceAddress({ ip: '10.0.0.1', port: 80 }), '10.0.0.1:80');
});

test('what its checks found comes along where the daemon tells it, and only there', async (t) => {
  t.notOk('checks' in instanceFromProto({ group: 'g', name: 'n' }));
  t.notOk('checks' in instanceFromProto({ group: 'g', name: 'n', checks: [] }));
  const { checks } = instanceFromProto({
    checks: [{ health: disco.v1.Health.HEALTH_WARNING, results: [{ output: 'slow' }] }],
  });
  t.match(checks, [{ health: 'warning', results: [{ output: 'slow' }] }]);
  t.ok(Object.isFrozen(checks));
});

test('a health that there is not is refused, as it would stand for all', async (t) => {
  t.throws(() => healthToProto('fine' as 'passing'), {
    code: 'INVALID_ARGUMENT',
    reason: 'USAGE',
    message: 'health is "fine"; expected one of passing, warning, critical, maintenance',
  });
});

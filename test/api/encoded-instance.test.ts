/** The two forms of an instance: on the wire they are the same. */
import t from 'tap';
import { instanceMessage } from '../../src/api/convert.ts';
import { encodedInstance } from '../../src/api/encoded-instance.ts';
import type { InstanceForm } from '../../src/api/encoded-instance.ts';
import { disco } from '../../src/gen/discovery.js';
import type { Instance } from '../../src/registry/instance.ts';
import { makeRecord } from '../record/fixtures.ts';

const { ServiceInstance } = disco.v1;

function overTheWire(message: disco.v1.ServiceInstance.$Properties): object {
  return { ...ServiceInstance.decode(ServiceInstance.encode(message).finish()) };
}

function told(form: InstanceForm, instance: Instance, isConflict = false): object {
  return overTheWire(form(instance, isConflict));
}

const full = makeRecord({
  ttlMs: 5_000,
  weight: 7,
  zone: 'eu-1',
  endpoints: [{ name: 'metrics', port: 9_100, ip: '' }],
  health: 'maintenance',
  maintenance: { reason: 'kernel update', health: 'critical' },
});

t.test('an instance that is encoded once arrives as one that is encoded each time', (t) => {
  const bare = makeRecord({ version: '', tags: [], metadata: {} });
  for (const record of [full, bare])
    for (const isHeld of [true, undefined])
      for (const isConflict of [true, false]) {
        const instance: Instance = { record, node: 'node-7', ...(isHeld && { isHeld }) };
        const each = told(instanceMessage, instance, isConflict);
        t.strictSame(told(encodedInstance, instance, isConflict), each);
        t.strictSame(told(encodedInstance, instance, isConflict), each, 'again');
      }
  t.end();
});

t.test('what one answer adds to an instance is not in the next one', (t) => {
  const instance: Instance = { record: full, node: 'node-7' };
  const answer = encodedInstance(instance, true);
  answer.candidates = 4;
  answer.ownerState = disco.v1.Member.State.SUSPECT;
  t.match(overTheWire(answer), { candidates: 4, instanceId: full.instanceId, conflict: true });
  t.strictSame(told(encodedInstance, instance), told(instanceMessage, instance));
  t.end();
});

t.test('a newer statement about an instance is told in its stead', (t) => {
  const before: Instance = { record: full, node: 'node-7' };
  t.match(told(encodedInstance, before), { port: full.port });
  const after: Instance = { ...before, record: { ...full, port: 9_999 } };
  t.match(told(encodedInstance, after), { port: 9_999 });
  t.end();
});

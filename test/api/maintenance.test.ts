import t from 'tap';
import { disco } from '../../src/gen/discovery.js';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { Node, serve } from './fixture.ts';

const { Health } = disco.v1;
const add = { group: 'math', name: 'add' };
const here = { ...add, ip: '127.0.0.1', port: 5001 };
const id = '127.0.0.1:5001';

/** Instance ids and their health. */
const healths = (node: Node): Record<string, string> => {
  const { instances } = node.service.list({});
  return Object.fromEntries(
    (instances ?? []).map(({ instanceId, health }) => [instanceId, Health[health ?? 0] as string]),
  );
};

/** An instance of math/add at node `key`. */
const far = (key: number) =>
  makeSealed({ owner: signerOf(key).owner, ...add, instanceId: `far-${key}` });

t.test('nobody is sent to what is in maintenance, and lists show it with the reason', async (t) => {
  const { node, client } = await serve(t);
  await client.call('Register', here);
  await client.call('Register', { ...here, port: 5002 });
  const asked = { ...add, instanceId: id, on: true, reason: 'kernel update' };
  t.match(await client.call('SetMaintenance', asked), {
    instances: 1,
    inMaintenance: 1,
    elsewhere: [],
  });
  for (let call = 0; call < 20; call++)
    t.match(await client.call('Get', add), { port: 5002, candidates: 1 });
  const { HEALTH_MAINTENANCE, HEALTH_PASSING } = Health;
  const { instances } = await client.call('List', { health: HEALTH_MAINTENANCE });
  const maintenance = { reason: 'kernel update', health: HEALTH_PASSING };
  t.match(instances, [{ port: 5001, health: HEALTH_MAINTENANCE, maintenance }]);
  t.equal(instances.length, 1);
  const passing = await client.call('List', { health: HEALTH_PASSING });
  t.match(passing.instances, [{ port: 5002 }]);
  const { maintenance: rules, maintenanceRules } = await client.call('Status', {});
  t.match(rules, [{ ...add, instanceId: id, reason: 'kernel update' }]);
  t.equal(maintenanceRules, 1);
  await client.call('SetMaintenance', { ...add, on: true });
  t.match(await client.refusal('Get', add), {
    reason: 'NO_HEALTHY_INSTANCE',
    sentence: /has no healthy instance: 0 critical, 2 in maintenance/,
  });
  t.strictSame(healths(node), {
    [id]: 'HEALTH_MAINTENANCE',
    '127.0.0.1:5002': 'HEALTH_MAINTENANCE',
  });
});

t.test('a service means all of it here, now and later; without a target the node', async (t) => {
  const node = new Node();
  await node.service.register(here);
  await node.service.setMaintenance({ ...add, on: true });
  await node.service.register({ ...here, port: 5002 });
  await node.service.register({ ...here, name: 'mul', port: 5003 });
  t.strictSame(healths(node), {
    [id]: 'HEALTH_MAINTENANCE',
    '127.0.0.1:5002': 'HEALTH_MAINTENANCE',
    '127.0.0.1:5003': 'HEALTH_PASSING',
  });
  t.match(node.registry.maintenance.list(), [{ reason: 'no reason given' }]);
  t.match(await node.service.setMaintenance({ on: true }), { instances: 3, inMaintenance: 3 });
  t.match(await node.service.setMaintenance({ on: false }), { instances: 3, inMaintenance: 2 });
  t.match(await node.service.setMaintenance({ ...add }), { instances: 2, inMaintenance: 0 });
});

t.test('ending what is in none changes nothing, so that a script may do it twice', async (t) => {
  const node = new Node();
  await node.service.register(here);
  t.match(await node.service.setMaintenance({ on: false }), { instances: 1, inMaintenance: 0 });
  t.match(await node.service.setMaintenance({ ...add, on: false }), { inMaintenance: 0 });
});

t.test('what a wider word put into maintenance is ended by that one', async (t) => {
  const node = new Node();
  await node.service.register(here);
  await node.service.setMaintenance({ on: true, reason: 'kernel' });
  const one = { ...add, instanceId: id };
  await t.rejects(node.service.setMaintenance({ ...one, on: false }), {
    code: 'FAILED_PRECONDITION',
    reason: 'STILL_IN_MAINTENANCE',
    message: `math/add/${id} is in maintenance because the whole node is ("kernel"): end that with "disco maint off"`,
  });
  await node.service.setMaintenance({ ...add, on: true, reason: 'deploy' });
  await t.rejects(node.service.setMaintenance({ ...one, on: false }), {
    message: /because math\/add is \("deploy"\): end that with "disco maint off math\/add"$/,
  });
  const ended = await node.service.setMaintenance({ ...add, on: false });
  t.match(ended, { instances: 1, inMaintenance: 1 }, 'its own word is ended all the same');
});

t.test("another node's instance is refused with where to do it", async (t) => {
  const node = new Node();
  node.hear(2, [far(2)]);
  const one = { ...add, instanceId: 'far-2' };
  await t.rejects(node.service.setMaintenance({ ...one, on: true }), {
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_OWNED_HERE',
    message:
      'math/add/far-2 was registered at node "node-2", and only that daemon can change it: run "disco maint on math/add/far-2" there',
  });
  node.hear(3, [far(3)]);
  await t.rejects(node.service.setMaintenance({ ...add, on: false }), {
    message:
      /registered at nodes "node-2", "node-3", and .*: run "disco maint off math\/add" there$/,
  });
  t.strictSame(node.registry.maintenance.list(), []);
});

t.test(
  'of a service that others have too, only what is here changes, and they are named',
  async (t) => {
    const node = new Node();
    await node.service.register(here);
    for (let key = 2; key <= 13; key++) node.hear(key, [far(key)]);
    const { instances, inMaintenance, elsewhere } = await node.service.setMaintenance({
      ...add,
      on: true,
    });
    t.strictSame([instances, inMaintenance], [1, 1]);
    t.equal(elsewhere?.length, 11, 'ten and a mark that there are more');
    t.strictSame(elsewhere?.slice(9), ['"node-7"', '…']);
    t.equal(healths(node)['far-2'], 'HEALTH_PASSING');
  },
);

t.test('what nobody has is not found, and what is deregistered can be ended', async (t) => {
  const node = new Node();
  await t.rejects(node.service.setMaintenance({ ...add, on: true }), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_INSTANCE',
    message: /^math\/add is not registered at this daemon, nor known elsewhere: "disco list"/,
  });
  await node.service.register(here);
  await node.service.setMaintenance({ ...add, on: true });
  await node.service.deregister(add);
  t.match(await node.service.setMaintenance({ ...add, on: false }), { instances: 0 });
  t.strictSame(node.registry.maintenance.list(), []);
});

t.test('half a target, a bad name and a bad reason are refused', async (t) => {
  const node = new Node();
  await node.service.register(here);
  const rows = [
    [{ name: 'add' }, 'INVALID_NAME', /^group is empty/],
    [{ instanceId: 'x' }, 'INVALID_NAME', /^group is empty/],
    [{ group: 'math' }, 'INVALID_NAME', /^name is empty/],
    [{ ...add, instanceId: 'a b' }, 'INVALID_NAME', /^instance_id is "a b"/],
    [{ reason: 'x\ny' }, 'INVALID_REASON', /^reason is "x\\ny": only printable/],
    [{ reason: 'ü'.repeat(129) }, 'INVALID_REASON', /^reason takes 258 bytes: at most 256 do$/],
  ] as const;
  for (const [request, reason, message] of rows)
    await t.rejects(node.service.setMaintenance({ ...request, on: true }), {
      code: 'INVALID_ARGUMENT',
      reason,
      message,
    });
  t.match(await node.service.setMaintenance({ on: true, reason: 'ü'.repeat(128) }), {
    instances: 1,
  });
});

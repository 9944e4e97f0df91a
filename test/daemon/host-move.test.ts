import t from 'tap';
import { movesTo } from '../../src/daemon/host-move.ts';
import { recordKey } from '../../src/record/record.ts';
import { Node } from '../api/fixture.ts';
import { makeRegistration } from '../contract/store-contract.ts';

const add = { group: 'math', name: 'add' };

/** A node whose host is at 10.0.0.5. */
function nodeAt5(): Node {
  const node = new Node();
  node.control.host = '10.0.0.5';
  return node;
}

/** Moves it, and tells what is registered then. */
function moved(node: Node, host: string): (readonly [string, string, string])[] {
  const moves = movesTo(host, node.registry);
  if (moves.length > 0) node.registry.commit(moves, node.clock.now());
  return node.registry.index
    .list()
    .map(({ record: { ip, instanceId, health } }) => [ip, instanceId, health] as const);
}

t.test('what was registered without an ip follows, the id made of it too', async (t) => {
  const node = nodeAt5();
  await node.service.register({ ...add, port: 5001 });
  await node.service.register({ ...add, port: 5002, instanceId: 'mine' });
  await node.service.register({ ...add, ip: '10.0.0.5', port: 5003 });
  t.strictSame(movesTo('10.0.0.5', node.registry), [], 'nothing has changed');
  t.strictSame(moved(node, '10.0.0.6'), [
    ['10.0.0.5', '10.0.0.5:5003', 'passing'],
    ['10.0.0.6', '10.0.0.6:5001', 'passing'],
    ['10.0.0.6', 'mine', 'passing'],
  ]);
  t.strictSame(
    moved(node, '::1').map(([ip]) => ip),
    ['10.0.0.5', '::1', '::1'],
    'and again',
  );
});

t.test('a move heals nobody', async (t) => {
  const node = nodeAt5();
  await node.service.register({ ...add, port: 5001, ttlMs: 1_000 });
  node.clock.advance(1_500);
  node.registry.tick(node.clock.now());
  t.strictSame(moved(node, '10.0.0.6'), [['10.0.0.6', '10.0.0.6:5001', 'critical']]);
});

t.test('what was taken out of use stays so under its new id', async (t) => {
  const node = nodeAt5();
  await node.service.register({ ...add, port: 5001 });
  const target = { ...add, instanceId: '10.0.0.5:5001' };
  await node.service.setMaintenance({ ...target, on: true, reason: 'new disk' });
  t.strictSame(moved(node, '10.0.0.6'), [['10.0.0.6', '10.0.0.6:5001', 'maintenance']]);
  t.match(node.registry.maintenance.list(), [{ instanceId: '10.0.0.6:5001', reason: 'new disk' }]);
  t.equal(node.registry.maintenance.list().length, 1);
});

t.test('who has been registered at the new address already stays as it is', async (t) => {
  const node = nodeAt5();
  await node.service.register({ ...add, port: 5001 });
  await node.service.register({ ...add, ip: '10.0.0.6', port: 5001, version: '2' });
  t.strictSame(moved(node, '10.0.0.6'), [['10.0.0.6', '10.0.0.6:5001', 'passing']]);
  const key = recordKey('math', 'add', '10.0.0.6:5001');
  t.equal(node.registry.registration(key)?.version, '2');
});

t.test('an address that means nothing to others moves nothing, nor do files wait for it', (t) => {
  const node = nodeAt5();
  const filed = makeRegistration({ ...add, source: 'add.json', follows: 'ip and id' });
  const own = makeRegistration({ ...add, instanceId: 'b', follows: 'ip' });
  const mutations = [filed, own].map(
    (registration) => ({ kind: 'register', registration }) as const,
  );
  node.registry.commit(mutations, node.clock.now());
  t.strictSame(movesTo('fe80::1%eth0', node.registry), []);
  t.match(movesTo('10.0.0.9', node.registry), [
    { kind: 'register', registration: { instanceId: 'b', ip: '10.0.0.9' } },
  ]);
  t.end();
});

/** What answers say of themselves: that a service is held, that this node is isolated. */
import t from 'tap';
import { serve } from './fixture.ts';
import { Http } from './http-fixture.ts';

const add = { group: 'math', name: 'add' };
const reason = '3 of 4 instances fell silent at once';

t.test('Get picks among all of a held service, and says that it is held', async (t) => {
  const { client, node } = await serve(t);
  node.holdService('math', 'add');
  const answer = await client.call('Get', add);
  t.equal(answer.candidates, 4);
  t.match(answer.hold, { ...add, reason, instances: 3 });
  const { wallMicros } = node.clock.now();
  t.equal(Number(answer.hold?.since), wallMicros);
  t.equal(Number(answer.hold?.until), wallMicros + 30_000_000);
  for (const key of [2, 3, 4]) node.die(key, 'refused');
  const after = await client.call('Get', add);
  t.match(after, { candidates: 1, instanceId: 'd', held: false, hold: null });
});

t.test('List marks what is held, and names the services of its page that are', async (t) => {
  const { client, node } = await serve(t);
  node.holdService('math', 'add');
  await client.call('Register', { ...add, name: 'sub', ip: '127.0.0.1', port: 5001 });
  const all = await client.call('List', {});
  t.strictSame(
    all.instances.map(({ name, instanceId, held }) => [name, instanceId, held]),
    [
      ['add', 'a', true],
      ['add', 'b', true],
      ['add', 'c', true],
      ['add', 'd', false],
      ['sub', '127.0.0.1:5001', false],
    ],
  );
  t.match(all.holding, [{ ...add, reason, instances: 3 }]);
  t.equal(all.holding.length, 1, 'once, however many instances it has');
  const sub = await client.call('List', { name: 'sub' });
  t.strictSame(sub.holding, []);
  const first = await client.call('ListByGroup', { group: 'math', pageSize: 4 });
  t.equal(first.holding.length, 1);
  const { nextPageToken: pageToken } = first;
  const second = await client.call('ListByGroup', { group: 'math', pageSize: 4, pageToken });
  t.strictSame(second.holding, []);
});

t.test('a hold is over with the time, and nobody is told of it any more', async (t) => {
  const { client, node } = await serve(t);
  node.holdService('math', 'add');
  node.clock.advance(30_000);
  node.registry.tick(node.clock.now());
  const { instances, holding } = await client.call('List', {});
  t.strictSame([instances.length, holding], [1, []]);
  t.match(await client.call('Status', {}), { holding: [], servicesHolding: 0 });
});

t.test('Status names a hundred held services and counts them all', async (t) => {
  const { client, node } = await serve(t);
  node.holdService('math', 'add');
  const status = await client.call('Status', {});
  t.match(status, { holding: [{ ...add, reason }], servicesHolding: 1, isolated: false });
  t.equal(node.registry.brake.counters.get('instances_held'), 3);
  const many = Array.from({ length: 101 }, (_, index) => `s${index}`);
  node.holdServices('math', many);
  const { holding, servicesHolding } = await client.call('Status', {});
  t.strictSame([holding.length, servicesHolding], [100, 101]);
});

t.test('a node that reaches no other says so in every answer', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', { ...add, ip: '127.0.0.1', port: 5001 });
  const marks = async () => {
    const get = await client.call('Get', add);
    const list = await client.call('List', {});
    const status = await client.call('Status', {});
    return [get, list, status].map(({ isolated }) => isolated);
  };
  t.strictSame(await marks(), [false, false, false]);
  node.control.isolated = true;
  t.strictSame(await marks(), [true, true, true]);
});

t.test('over HTTP the marks of an answer are headers', async (t) => {
  const { node, url } = await Http.start(t);
  const marks = async (path: string) => {
    const { headers } = await fetch(`${url}${path}`);
    return ['disco-holding', 'disco-isolated', 'disco-partial'].map((name) => headers.get(name));
  };
  t.strictSame(await marks('/registry/list'), [null, null, null]);
  node.holdService('math', 'add');
  node.control.isolated = true;
  node.control.partial = true;
  for (const path of ['/registry/list', '/readyz'])
    t.strictSame(await marks(path), ['math/add', 'true', 'true']);
  const names = Array.from({ length: 11 }, (_, index) => `s${index}`);
  node.holdServices('math', names);
  const [holding] = await marks('/registry/list');
  t.match(holding, /^(math\/s\d+, ){10}\.\.\.$/, 'ten of them');
});

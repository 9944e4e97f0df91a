import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import t from 'tap';
import { disco } from '../../src/gen/discovery.js';
import { makeFacts, makeSealed, signerOf, startMicros } from '../record/fixtures.ts';
import { Node, serve } from './fixture.ts';

const { Health } = disco.v1;
const add = { group: 'math', name: 'add' };
const here = { ...add, ip: '127.0.0.1', port: 5001 };

/** An instance of math/add as node 2 states it. */
const far = (fields: Parameters<typeof makeSealed>[0]) =>
  makeSealed({ owner: signerOf(2).owner, ...add, ...fields });

t.test('a Register is acknowledged with what was registered', async (t) => {
  const node = new Node();
  const answer = await node.service.register({ ...here, tags: ['blue'], metadata: { zone: 'a' } });
  t.strictSame(answer, {
    ip: '127.0.0.1',
    port: 5001,
    instanceId: '127.0.0.1:5001',
    owner: node.self,
    lastUpdate: node.registry.index.list()[0]?.record.lastUpdate,
    conflict: false,
  });
  t.match(node.service.get(add), { tags: ['blue'], metadata: { zone: 'a' }, node: 'node-1' });
});

t.test('an answer means: on disk; many Registers in one turn are one commit', async (t) => {
  const { client, node } = await serve(t);
  const seen: string[] = [];
  const commit = node.store.commit.bind(node.store);
  node.store.commit = (batch) => {
    commit(batch);
    seen.push('on disk');
  };
  await client.call('Register', here).then(() => seen.push('answered'));
  t.strictSame(seen, ['on disk', 'answered']);
  const ports = Array.from({ length: 100 }, (_, index) => 6_000 + index);
  node.store.commits.length = 0;
  await Promise.all(ports.map((port) => node.service.register({ ...here, port })));
  t.equal(node.store.commits.length, 1);
  t.equal(node.store.commits[0]?.registrations?.length, ports.length);
});

t.test('a full disk refuses a Register, and nothing of it is visible', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', here);
  node.store.isFull = true;
  t.strictSame(await client.refusal('Register', { ...here, port: 5002 }), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'DISK',
    sentence: 'cannot write to disco.sqlite (database or disk is full): free some space',
  });
  t.match(await client.refusal('Deregister', add), { reason: 'DISK' });
  const { instances } = await client.call('List', {});
  t.strictSame(
    instances.map(({ port }) => port),
    [5001],
    'reads go on, with what was there',
  );
  node.store.isFull = false;
  t.match(await client.call('Register', { ...here, port: 5002 }), { port: 5002 });
});

t.test('a Register without ip is given the address at which peers reach this host', async (t) => {
  const node = new Node();
  node.control.host = '10.1.2.3';
  t.match(await node.service.register({ ...add, port: 5001 }), {
    ip: '10.1.2.3',
    instanceId: '10.1.2.3:5001',
  });
});

t.test('a Register without ip and port is given free ports, each once', async (t) => {
  const node = new Node();
  const asked = Array.from({ length: 50 }, () => node.service.register(add));
  const ports = (await Promise.all(asked)).map(({ port }) => port ?? 0);
  t.ok(ports.every((port) => port > 0 && port <= 65_535));
  t.equal(new Set(ports).size, ports.length);
  t.equal(node.registry.index.count, ports.length);
});

t.test('a port is given to one service only, also when the system offers it again', async (t) => {
  const node = new Node();
  // What the system offers, one after the other.
  const offered = [6_001, 6_001, 6_002, 6_002, 6_001, 6_003];
  const { createServer } = net;
  const offers = t.intercept(net, 'createServer', {
    value: () => {
      const server = createServer();
      server.listen = ((_port: number, _host: string, done: () => void) => {
        setImmediate(done);
        return server;
      }) as typeof server.listen;
      server.address = () => ({ address: '127.0.0.1', family: 'IPv4', port: offered.shift() ?? 0 });
      return server;
    },
  });
  t.teardown(() => {
    offers.restore();
    syncBuiltinESMExports();
  });
  syncBuiltinESMExports();
  t.match(await node.service.register(add), { port: 6_001 });
  t.match(await node.service.register(add), { port: 6_002 });
  await node.service.deregister({ ...add, port: 6_001 });
  t.match(await node.service.register(add), { port: 6_003 }, 'not even one that is free again');
});

t.test('the address of this host is not told when it means nothing to others', async (t) => {
  const node = new Node();
  for (const host of ['fe80::1%eth0', 'my_host']) {
    node.control.host = host;
    await t.rejects(node.service.register(add), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_ADDRESS',
      message: `ip was left out, and the address of this node, "${host}", means nothing to others: give ip, or start the daemon with another --advertise`,
    });
  }
});

t.test('registering the same again is an update', async (t) => {
  const node = new Node();
  const first = await node.service.register(here);
  const second = await node.service.register({ ...here, version: '2' });
  t.ok((second.lastUpdate as number) > (first.lastUpdate as number));
  const { instances } = node.service.list({});
  t.strictSame(
    instances?.map(({ version }) => version),
    ['2'],
  );
});

t.test('one address claimed by two owners: two instances, both marked', async (t) => {
  const node = new Node();
  node.hear(2, [far({ ip: '127.0.0.1', port: 5001, instanceId: '127.0.0.1:5001' })]);
  t.match(await node.service.register(here), { conflict: true });
  const { instances } = node.service.list({});
  t.strictSame(
    instances?.map(({ conflict }) => conflict),
    [true, true],
  );
});

t.test('Deregister takes the instance at ip and port, or at a port of this host', async (t) => {
  const node = new Node();
  for (const port of [5001, 5002, 5003]) await node.service.register({ ...here, port });
  t.strictSame(await node.service.deregister({ ...here, port: 5002 }), {
    instanceId: '127.0.0.1:5002',
  });
  t.strictSame(await node.service.deregister({ ...add, port: 5003 }), {
    instanceId: '127.0.0.1:5003',
  });
  await t.rejects(node.service.deregister({ ...add, port: 5999 }), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_INSTANCE',
    message: 'math/add/127.0.0.1:5999 is not registered at this daemon: "disco list" shows what is',
  });
  t.strictSame(await node.service.deregister(add), { instanceId: '127.0.0.1:5001' });
  t.equal(node.registry.index.count, 0);
});

t.test('Get picks among the passing, else among the warning, and says among how many', (t) => {
  const node = new Node();
  node.hear(2, [
    far({ instanceId: 'p1' }),
    far({ instanceId: 'p2' }),
    far({ instanceId: 'w1', health: 'warning' }),
    far({ instanceId: 'c1', health: 'critical' }),
  ]);
  const picks = Array.from({ length: 64 }, () => node.service.get(add));
  t.strictSame(new Set(picks.map(({ instanceId }) => instanceId)), new Set(['p1', 'p2']));
  t.strictSame(new Set(picks.map(({ candidates }) => candidates)), new Set([2]));
  node.hear(2, [
    far({ instanceId: 'w1', health: 'warning' }),
    far({ instanceId: 'c1', health: 'critical' }),
    far({ instanceId: 'm1', health: 'maintenance' }),
  ]);
  t.match(node.service.get(add), { instanceId: 'w1', candidates: 1 });
  t.end();
});

t.test('NOT_FOUND says whether a service is unknown, unhealthy, or gone since when', async (t) => {
  const { client, node } = await serve(t);
  const notFound = (reason: string, sentence: string) => ({ code: 'NOT_FOUND', reason, sentence });
  t.strictSame(
    await client.refusal('Get', add),
    notFound(
      'UNKNOWN_SERVICE',
      'math/add is not known: nobody registered it, or the news has not come here yet; "disco list" shows what is known',
    ),
  );
  node.hear(2, [
    far({ instanceId: 'c1', health: 'critical' }),
    far({ instanceId: 'c2', health: 'critical' }),
    far({ instanceId: 'm1', health: 'maintenance' }),
  ]);
  const started = new Date(startMicros / 1000).toISOString();
  t.strictSame(
    await client.refusal('Get', add),
    notFound(
      'NO_HEALTHY_INSTANCE',
      `math/add has no healthy instance: 2 critical, 1 in maintenance, as of ${started}; "disco list --group math" shows them, and "disco list --checks" at node "node-2" says why`,
    ),
  );
  node.clock.advance(60_000);
  node.hear(2, [], makeFacts({ name: 'node-2', left: true }));
  const since = new Date(node.clock.now().wallMicros / 1000).toISOString();
  t.strictSame(
    await client.refusal('Get', add),
    notFound(
      'SERVICE_GONE',
      `math/add is gone since ${since} (owner left): no instance is registered now, the last was m1 of node "node-2"`,
    ),
  );
});

t.test(
  'an instance that misses its heartbeat turns critical, and comes back with one',
  async (t) => {
    const node = new Node();
    await node.service.register({ ...here, ttlMs: 1_000, deregisterAfterMs: 5_000 });
    const pass = (ms: number): void => {
      node.clock.advance(ms);
      node.registry.tick(node.clock.now());
    };
    pass(900);
    t.match(node.service.heartbeat(add), { ttlMs: 1_000 });
    pass(900);
    t.match(node.service.get(add), { health: Health.HEALTH_PASSING });
    pass(200);
    t.throws(() => node.service.get(add), {
      code: 'NOT_FOUND',
      reason: 'NO_HEALTHY_INSTANCE',
    });
    node.service.heartbeat(add);
    t.match(node.service.get(add), { health: Health.HEALTH_PASSING });
    pass(1_000);
    pass(5_000);
    t.throws(() => node.service.get(add), {
      reason: 'SERVICE_GONE',
      message:
        /\(deregistered\): no instance is registered now, the last was 127.0.0.1:5001 of node "node-1"$/,
    });
  },
);

t.test('List is sorted by group, name, instance id and owner', async (t) => {
  const node = new Node();
  node.hear(2, [far({ instanceId: 'b' }), far({ group: 'a', name: 'z', instanceId: 'x' })]);
  await node.service.register({ ...here, instanceId: 'b' });
  await node.service.register({ ...here, instanceId: 'a' });
  await node.service.register({ ...here, name: 'aaa' });
  const rows = node.service
    .list({})
    .instances?.map(({ group, name, instanceId, owner }) => [
      `${group}/${name}/${instanceId}`,
      owner,
    ]);
  const [low, high] = [node.self, signerOf(2).owner].sort();
  t.strictSame(rows, [
    ['a/z/x', signerOf(2).owner],
    ['math/aaa/127.0.0.1:5001', node.self],
    ['math/add/a', node.self],
    ['math/add/b', low],
    ['math/add/b', high],
  ]);
  t.strictSame(node.service.list({}).instances, node.service.list({}).instances, 'and stable');
});

t.test('List and ListByGroup filter and page over gRPC', async (t) => {
  const { client } = await serve(t);
  const ports = [5001, 5002, 5003, 5004, 5005];
  const color = (port: number): string => (port % 2 === 0 ? 'even' : 'odd');
  for (const port of ports)
    await client.call('Register', { ...here, port, tags: [color(port)], version: '1' });
  await client.call('Register', { ...here, group: 'other' });
  const portsOf = ({ instances }: disco.v1.ListResponse): number[] =>
    instances.map(({ port }) => port ?? 0);
  t.strictSame(
    portsOf(await client.call('ListByGroup', { group: 'math', tags: ['even'] })),
    [5002, 5004],
  );
  t.strictSame(portsOf(await client.call('List', { version: '1', name: 'add' })), ports);
  const paged: number[] = [];
  let pageToken = '';
  do {
    const answer = await client.call('ListByGroup', { group: 'math', pageSize: 2, pageToken });
    paged.push(...portsOf(answer));
    pageToken = answer.nextPageToken;
  } while (pageToken !== '');
  t.strictSame(paged, ports);
  t.strictSame(portsOf(await client.call('ListByGroup', { group: 'nobody' })), []);
});

t.test('List says whether it is partial, and how old the last reconcile is', async (t) => {
  const { client, node } = await serve(t);
  node.control.partial = true;
  node.control.reconciledMs = undefined;
  const before = await client.call('List', {});
  t.equal(before.partial, true);
  t.equal(before.sinceReconcileMs, null, 'absent before the first');
  node.control.partial = false;
  node.control.reconciledMs = 0;
  const after = await client.call('ListByGroup', { group: 'math' });
  t.equal(after.partial, false);
  t.equal(Number(after.sinceReconcileMs), 0, 'there, although it is 0');
});

t.test('Status tells who the node is, whether it is ready and what it counted', async (t) => {
  const { client, node } = await serve(t);
  node.control.state = { isReady: false, why: 'joining: trying seed-1' };
  node.control.linked = ['x'];
  node.control.counters = { rounds: 3 };
  node.hear(2, [far({ instanceId: 'a' })]);
  node.hear(3, []);
  node.registry.observe(
    signerOf(3).owner,
    { kind: 'unreachable', why: 'refused' },
    node.clock.now(),
  );
  await client.call('Register', here);
  const status = await client.call('Status', {});
  t.match(status, {
    peerId: node.self,
    name: 'node-1',
    cluster: 'test',
    version: '0.1.0',
    pid: 4711,
    ready: false,
    readiness: 'joining: trying seed-1',
    grpc: node.control.description.grpc.join(', '),
    dataDir: '/var/lib/disco',
    membersAlive: 2,
    membersDead: 1,
    links: 1,
    instances: 2,
    instancesOwn: 1,
  });
  t.equal(Number(status.revision), node.registry.feed.revision);
  t.equal(Number(status.counted['rounds']), 3);
});

t.test('Members and Gossip tell of the nodes by name', async (t) => {
  const { client, node } = await serve(t);
  const { owner } = signerOf(2);
  node.hear(2, []);
  node.control.reports = [{ peer: owner, outcome: 'changed', changed: [node.self] }];
  const { members } = await client.call('Members', {});
  t.strictSame(
    members.map(({ name, self }) => [name, self]),
    [
      ['node-1', true],
      ['node-2', false],
    ],
  );
  const { exchanges } = await client.call('Gossip', {});
  t.match(exchanges, [
    { peerId: owner, name: 'node-2', outcome: 'changed', ownersChanged: [node.self] },
  ]);
});

t.test('Leave is passed to the daemon', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Leave', {});
  t.equal(node.control.leaves, 1);
});

t.test('a service that is closed takes no more writes and goes on reading', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', here);
  node.service.close();
  t.strictSame(await client.refusal('Register', here), {
    code: 'UNAVAILABLE',
    reason: 'STOPPING',
    sentence: 'this daemon is stopping: try again once it is back',
  });
  t.match(await client.call('Get', add), { port: 5001 });
});

/** Every operation of /v1, and that it answers as its schema says. */
import t from 'tap';
import { LiveStreams } from '../../src/api/live-streams.ts';
import { v1Operations } from '../../src/api/v1-operations.ts';
import { discoveryDefinition } from '../../src/base/grpc-methods.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { answerChecker } from './answer-checker.ts';
import { Node } from './fixture.ts';
import { Http } from './http-fixture.ts';

const base = { group: 'math', name: 'add' };
const check = await answerChecker();

/** A node that has something of everything to tell. */
async function eventful(http: Http): Promise<void> {
  const { node } = http;
  await http.register(5001, {
    checks: [{ kind: 'http', path: '/healthz' }],
    tags: ['blue'],
    metadata: { rack: '7' },
    endpoints: [{ name: 'metrics', port: 9100 }],
  });
  const [tested] = node.registry.registration('math/add/10.0.0.7:5001')?.checks ?? [];
  if (tested === undefined) throw new Error('the check is not registered');
  const result = { time: 1, durationMs: 1.5, hasPassed: false, output: '503' };
  node.control.reported = {
    'math/add/10.0.0.7:5001': [{ check: tested, health: 'warning', results: [result] }],
  };
  node.holdService('math', 'mul');
  const { owner } = signerOf(2);
  const accuser = { accuser: node.self, reason: 'silent', since: 5, confirmed: true } as const;
  node.control.accusers = { [owner]: [accuser] };
  node.control.rtts = { [signerOf(5).owner]: 0.5 };
  node.control.counters = { rounds: 3 };
  node.control.reports = [{ peer: owner, outcome: 'changed', changed: [owner] }];
  const bad = [{ file: 'db.json', problem: 'line 1: no JSON' }];
  node.control.files = { ...node.control.files, files: 1, bad };
}

t.test('each RPC has its operation, by its name, and there are two more', (t) => {
  const { service } = new Node();
  const streams = new LiveStreams({ seats: service.watchers, watchersMax: 1, keepAliveMs: 1_000 });
  const ids = v1Operations({ service, streams, watchLagMax: 1 }).map(({ id }) => id);
  const names = Object.keys(discoveryDefinition).map(
    (name) => name.charAt(0).toLowerCase() + name.slice(1),
  );
  t.strictSame(ids.toSorted(), [...names, 'listByService', 'prometheusTargets'].sort());
  t.end();
});

t.test('what is read answers as its schema says', async (t) => {
  const http = await Http.start(t);
  await eventful(http);
  for (const [path, name] of [
    ['/v1/services', 'InstanceList'],
    ['/v1/services/math', 'InstanceList'],
    ['/v1/services/math/add', 'InstanceList'],
    ['/v1/services/math/mul/get', 'PickedInstance'],
    ['/v1/prometheus/targets', 'TargetGroups'],
    ['/v1/members', 'MemberList'],
    ['/v1/status', 'Status'],
  ] as const) {
    const { status, body } = await http.ask(path);
    t.equal(status, 200, path);
    t.equal(await check(name, body), '', path);
  }
  t.match(await check('Status', { name: 'a' }), /required/, 'the checker looks');
  t.match(await check('Left', { strange: 1 }), /additional/, 'the checker looks');
});

t.test('what is watched tells events as their schemas say', async (t) => {
  const http = await Http.start(t);
  await eventful(http);
  const watched = await http.stream(t, '/v1/watch');
  const members = await http.stream(t, '/v1/members/watch');
  await http.server.stop();
  for (const [stream, name] of [
    [watched, 'WatchEvent'],
    [members, 'MembersEvent'],
  ] as const) {
    const events = (await stream.rest()).filter(({ event }) => event !== undefined);
    const end = events.pop();
    t.ok(events.length > 2, name);
    for (const { data } of events) t.equal(await check(name, data), '');
    t.equal(end?.event, 'end');
    t.equal(await check('Problem', end?.data), '');
  }
});

t.test('what is done answers as its schema says', async (t) => {
  const http = await Http.start(t);
  await eventful(http);
  const ask = async (path: string, body: object, name: string): Promise<unknown> => {
    const answer = await http.post(path, body);
    t.equal(answer.status, 200, JSON.stringify(answer.body));
    t.equal(await check(name, answer.body), '', path);
    return answer.body;
  };
  const sent = { ...base, ip: '10.0.0.7', port: 5002, ttlMs: 1_000, instanceId: 'b' };
  t.match(await ask('/v1/register', sent, 'Registered'), { port: 5002, instanceId: 'b' });
  const one = { ...base, instanceId: 'b' };
  t.strictSame(await ask('/v1/heartbeat', one, 'HeartbeatAnswer'), { ttlMs: 1_000 });
  t.strictSame(await ask('/v1/setMaintenance', { ...one, on: true }, 'MaintenanceAnswer'), {
    instances: 1,
    inMaintenance: 1,
    elsewhere: [],
  });
  t.match((await http.ask('/v1/services/math/add?health=maintenance')).body, {
    instances: [{ maintenance: { reason: 'no reason given', health: 'passing' } }],
  });
  t.equal(await check('Status', (await http.ask('/v1/status')).body), '', 'with a rule');
  await ask('/v1/setMaintenance', { ...one, on: false }, 'MaintenanceAnswer');
  t.strictSame(await ask('/v1/deregister', one, 'Deregistered'), { instanceId: 'b' });
  t.match(await ask('/v1/gossip', {}, 'GossipReport'), {
    exchanges: [{ outcome: 'changed', ownersChanged: [signerOf(2).owner] }],
  });
  const { node } = http;
  node.control.onDismiss = (owner) =>
    node.registry.observe(owner, { kind: 'dismissed', incarnation: 1 }, node.clock.now());
  node.die(2, 'refused');
  t.strictSame(await ask('/v1/forceLeave', { name: signerOf(2).owner }, 'LeftMember'), {
    peerId: signerOf(2).owner,
    name: 'node-2',
  });
  const levels = { all: 'warn', gossip: 'debug' };
  t.match(await ask('/v1/setLogLevels', { levels }, 'LogLevels'), {
    levels: { gossip: 'debug', api: 'warn' },
  });
  t.strictSame(await ask('/v1/leave', {}, 'Left'), {});
  t.equal(node.control.leaves, 1);
});

t.test('lists are filtered by path and query, and come in pages', async (t) => {
  const http = await Http.start(t);
  await http.register(5001, { tags: ['blue', 'new'], zone: 'eu-1', metadata: { rack: '7' } });
  await http.register(5002, { tags: ['blue'], version: '2' });
  await http.post('/v1/register', { group: 'math', name: 'mul', ip: '10.0.0.7', port: 5003 });
  await http.post('/v1/register', { group: 'shop', name: 'db', ip: '10.0.0.7', port: 5004 });
  const ports = async (path: string): Promise<number[]> => {
    const { body } = await http.ask(`/v1/services${path}`);
    return (body as { instances: { port: number }[] }).instances.map(({ port }) => port);
  };
  t.strictSame(await ports(''), [5001, 5002, 5003, 5004]);
  t.strictSame(await ports('?group=shop'), [5004]);
  t.strictSame(await ports('/math'), [5001, 5002, 5003]);
  t.strictSame(await ports('/m%61th?name=mul'), [5003]);
  t.strictSame(await ports('/math/add'), [5001, 5002]);
  t.strictSame(await ports('/math/none'), []);
  t.strictSame(await ports('?tags=blue&tags=new'), [5001]);
  t.strictSame(await ports('?metadata=rack=7'), [5001]);
  t.strictSame(await ports('?zone=eu-1'), [5001]);
  t.strictSame(await ports('?version=2'), [5002]);
  t.strictSame(await ports('?health=critical&health=warning'), []);
  t.strictSame(await ports('?health=critical&health=passing&name=db'), [5004]);
  const { body } = await http.ask('/v1/services?pageSize=3');
  const { nextPageToken } = body as { nextPageToken: string };
  t.strictSame(await ports(`?pageToken=${nextPageToken}`), [5004]);
  t.match(await http.ask('/v1/services/a%20b'), { status: 400, body: { reason: 'INVALID_NAME' } });
  t.match(await http.ask('/v1/services//add'), { status: 400, body: { reason: 'INVALID_NAME' } });
});

t.test('one instance is picked by a policy, or it is told why there is none', async (t) => {
  const http = await Http.start(t);
  await http.register(5001);
  await http.register(5002);
  const ports: unknown[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const { body } = await http.ask('/v1/services/math/add/get?policy=round_robin');
    ports.push((body as { port: number }).port);
  }
  t.strictSame(ports, [5001, 5002, 5001, 5002]);
  t.match(await http.ask('/v1/services/math/none/get'), {
    status: 404,
    body: { code: 'NOT_FOUND', reason: 'UNKNOWN_SERVICE', detail: /^math\/none is not known/ },
  });
  const signer = signerOf(2);
  http.node.hear(2, [makeSealed({ owner: signer.owner })]);
  http.node.control.reconciledMs = 9_000;
  t.match(await http.ask('/v1/services/math/add/get?maxStaleMs=5000'), {
    status: 409,
    body: {
      reason: 'STALE',
      detail:
        'the last completed reconcile of this node was 9000 ms ago, and maxStaleMs is 5000: ask another daemon, allow more, or set staleOk to be answered all the same',
    },
  });
  t.match(await http.ask('/v1/services/math/add/get?maxStaleMs=5000&staleOk=true'), {
    status: 200,
    body: { stale: true, sinceReconcileMs: 9_000 },
  });
});

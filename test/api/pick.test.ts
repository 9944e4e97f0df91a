import t from 'tap';
import { checkPolicy, ofHealth, Picker, turnsMax } from '../../src/api/pick.ts';
import type { Place } from '../../src/api/pick.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { disco } from '../../src/gen/discovery.js';
import type { Instance } from '../../src/registry/instance.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

const { Policy } = disco.v1.GetRequest;
const ownerOf = (key: number): string => signerOf(key).owner;

const make = (instanceId: string, fields: Parameters<typeof makeRecord>[0] = {}): Instance => ({
  record: makeRecord({ instanceId, ...fields }),
  node: 'node-1',
});

/** Node 1, in no zone, that knows no round trips. */
function placeOf(zone = '', rtts: Readonly<Record<string, number>> = {}): Place {
  return { self: ownerOf(1), zone, rttMs: (owner) => rtts[owner] };
}

/** Who is picked of the candidates, as often as asked. */
function picks(
  policy: disco.v1.GetRequest.Policy,
  candidates: readonly Instance[],
  { count = 200, place = placeOf(), picker = new Picker(seededRandom(7), new VirtualClock()) } = {},
): string[] {
  return Array.from({ length: count }, () => {
    const picked = picker.pick(policy, candidates, () => place);
    return picked?.record.instanceId ?? 'nobody';
  });
}

const among = (ids: readonly string[]): string[] => [...new Set(ids)].sort();

t.test('without candidates nobody is picked, by whatever policy', (t) => {
  for (const policy of [0, 1, 2, 3, 4, 5] as const)
    t.strictSame(picks(policy, [], { count: 1 }), ['nobody']);
  t.end();
});

t.test('at random each is picked about equally often, also when nothing is asked for', (t) => {
  const candidates = ['a', 'b', 'c', 'd'].map((id) => make(id, { weight: id === 'a' ? 9_000 : 1 }));
  for (const policy of [Policy.POLICY_UNSPECIFIED, Policy.RANDOM]) {
    const picked = picks(policy, candidates, { count: 4_000 });
    for (const { record } of candidates) {
      const share = picked.filter((id) => id === record.instanceId).length / picked.length;
      t.ok(share > 0.22 && share < 0.28, `${record.instanceId}: ${share}`);
    }
  }
  t.end();
});

t.test('in turn each is picked once a round, in the order of lists', (t) => {
  const candidates = ['a', 'b', 'c'].map((id) => make(id));
  const picked = picks(Policy.ROUND_ROBIN, candidates, { count: 7 });
  t.strictSame(picked, ['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  t.end();
});

t.test('a round goes on behind the last one when others come, and when it goes itself', (t) => {
  const picker = new Picker(seededRandom(7), new VirtualClock());
  const next = (...ids: string[]): string[] =>
    picks(
      Policy.ROUND_ROBIN,
      ids.map((id) => make(id)),
      { count: 1, picker },
    );
  t.strictSame(next('b', 'd'), ['b']);
  t.strictSame(next('a', 'b', 'c', 'd'), ['c'], 'a came before it and waits for the next round');
  t.strictSame(next('a', 'b', 'd'), ['d'], 'c is gone');
  t.strictSame(next('a', 'b', 'd'), ['a']);
  t.strictSame(next('a'), ['a']);
  t.end();
});

t.test('each service has a turn of its own, and ten thousand of them are remembered', (t) => {
  const picker = new Picker(seededRandom(7), new VirtualClock());
  const next = (service: number): string =>
    picks(
      Policy.ROUND_ROBIN,
      ['a', 'b'].map((id) => make(id, { name: `s${service}` })),
      { count: 1, picker },
    ).join();
  t.strictSame([next(0), next(1), next(0), next(1)], ['a', 'a', 'b', 'b']);
  for (let service = 2; service < turnsMax; service++) next(service);
  t.equal(picker.turnCount, turnsMax);
  t.equal(next(0), 'a', 'asked for again, and so the youngest');
  t.equal(next(9), 'b');
  t.equal(picker.turnCount, turnsMax, 'who is remembered already takes no place of another');
  next(turnsMax);
  t.equal(picker.turnCount, turnsMax);
  t.equal(next(0), 'b', 'still remembered');
  t.equal(next(1), 'a', 'the one asked for longest ago begins anew');
  t.end();
});

t.test('by weight each is picked in proportion to it', (t) => {
  const candidates = [make('a', { weight: 100 }), make('b', { weight: 300 }), make('c')];
  const picked = picks(Policy.WEIGHTED, candidates, { count: 10_000 });
  const share = (id: string): number => picked.filter((one) => one === id).length / picked.length;
  t.ok(Math.abs(share('a') - 0.2) < 0.02, `a: ${share('a')}`);
  t.ok(Math.abs(share('b') - 0.6) < 0.02, `b: ${share('b')}`);
  t.ok(Math.abs(share('c') - 0.2) < 0.02, 'what nobody set weighs 100');
  t.end();
});

t.test('by least load nobody gets much more than others, whatever chance says', (t) => {
  const candidates = ['a', 'b', 'c', 'd'].map((id) => make(id));
  const picked = picks(Policy.LEAST_LOAD, candidates, { count: 400 });
  for (const { record } of candidates) {
    const count = picked.filter((id) => id === record.instanceId).length;
    t.ok(count >= 95 && count <= 105, `${record.instanceId}: ${count}`);
  }
  t.strictSame(among(picks(Policy.LEAST_LOAD, [make('only')])), ['only']);
  t.end();
});

t.test('by least load whoever comes late is not given everything, and weights count', (t) => {
  const clock = new VirtualClock();
  const picker = new Picker(seededRandom(7), clock);
  const light = ['a', 'b', 'c'].map((id) => make(id));
  picks(Policy.LEAST_LOAD, light, { count: 300, picker });
  const all = [...light, make('heavy', { weight: 300 })];
  const share = (count: number): number =>
    picks(Policy.LEAST_LOAD, all, { count, picker }).filter((id) => id === 'heavy').length / count;
  const first = share(40);
  t.ok(first > 0.6 && first < 1, `catching up: ${first}`);
  clock.advance(60_000);
  const settled = share(2_000);
  t.ok(Math.abs(settled - 0.5) < 0.02, `300 of 600: ${settled}`);
  t.end();
});

t.test('the nearest are those in the own zone, when there are any', (t) => {
  const candidates = [
    make('a', { zone: 'eu-1' }),
    make('b', { zone: 'eu-1', owner: ownerOf(2) }),
    make('c', { zone: 'us-1', owner: ownerOf(3) }),
    make('d', { owner: ownerOf(4) }),
  ];
  const nearest = (zone: string, rtts = {}): string[] =>
    among(picks(Policy.NEAREST, candidates.slice(1), { place: placeOf(zone, rtts) }));
  t.strictSame(nearest('us-1'), ['c']);
  t.strictSame(nearest('us-1', { [ownerOf(2)]: 0.1, [ownerOf(3)]: 80 }), ['c']);
  t.strictSame(nearest('eu-1'), ['b']);
  t.strictSame(nearest('asia-1'), ['b', 'c', 'd'], 'nobody is there');
  t.strictSame(nearest(''), ['b', 'c', 'd'], 'no zone is no zone to be together in');
  t.end();
});

t.test('among them those of the shortest round trip, with some slack, and the own first', (t) => {
  const candidates = [2, 3, 4, 5].map((key) => make(`i${key}`, { owner: ownerOf(key) }));
  const nearest = (rtts: Record<string, number>, list = candidates): string[] =>
    among(picks(Policy.NEAREST, list, { place: placeOf('', rtts) }));
  const rtts = { [ownerOf(2)]: 10, [ownerOf(3)]: 12.5, [ownerOf(4)]: 12.6 };
  t.strictSame(nearest(rtts), ['i2', 'i3'], 'what is not known is farther than what is');
  t.strictSame(nearest({}), ['i2', 'i3', 'i4', 'i5']);
  t.strictSame(nearest({ [ownerOf(2)]: 0.01 }, [make('own'), ...candidates]), ['own']);
  t.end();
});

t.test('a policy that this daemon does not know is refused, and those that it knows named', (t) => {
  for (const policy of [0, 1, 2, 3, 4, 5]) t.equal(checkPolicy(policy), policy);
  t.throws(() => checkPolicy(6), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_POLICY',
    message:
      'policy is 6, which this daemon does not know: give one of RANDOM, ROUND_ROBIN, NEAREST, WEIGHTED, LEAST_LOAD, or none',
  });
  t.end();
});

t.test('Get goes by the policy among the passing, and else among the warning', async (t) => {
  const node = new Node();
  const add = { group: 'math', name: 'add' };
  const here = { ...add, ip: '127.0.0.1' };
  for (const [port, zone] of [
    [5001, 'eu-1'],
    [5002, 'us-1'],
    [5003, 'us-1'],
  ] as const)
    await node.service.register({ ...here, port, zone });
  const asked = (policy: number, count: number): unknown[] =>
    Array.from({ length: count }, () => node.service.get({ ...add, policy }).port);
  t.strictSame(asked(Policy.ROUND_ROBIN, 4), [5001, 5002, 5003, 5001]);
  node.control.description = { ...node.control.description, zone: 'eu-1' };
  t.strictSame(new Set(asked(Policy.NEAREST, 20)), new Set([5001]));
  const key = `math/add/127.0.0.1:5001`;
  const health = { kind: 'health', key, health: 'warning' } as const;
  node.registry.commit([health], node.clock.now());
  t.strictSame(new Set(asked(Policy.NEAREST, 50)), new Set([5002, 5003]), 'health comes first');
  t.throws(() => asked(9, 1), { code: 'INVALID_ARGUMENT', reason: 'INVALID_POLICY' });
});

t.test('of a list that did not change the healthy ones are found once', (t) => {
  const list = [make('a'), make('b', { health: 'warning' }), make('c', { health: 'critical' })];
  const ids = (instances: readonly Instance[]) => instances.map(({ record }) => record.instanceId);
  t.strictSame(ids(ofHealth(list, 'passing')), ['a']);
  t.strictSame(ids(ofHealth(list, 'warning')), ['b']);
  t.equal(ofHealth(list, 'passing'), ofHealth(list, 'passing'), 'the very same answer');
  t.strictSame(ids(ofHealth([...list, make('d')], 'passing')), ['a', 'd']);
  t.end();
});

t.test('what changes its health is answered, or not, from then on', async (t) => {
  const node = new Node();
  const add = { group: 'math', name: 'add', ip: '10.0.0.7' };
  const target = { group: 'math', name: 'add', instanceId: '10.0.0.7:1' };
  const maintain = (on: boolean) => node.service.setMaintenance({ ...target, on, reason: 'disk' });
  await node.service.register({ ...add, port: 1 });
  t.equal(node.service.get(add).port, 1);
  await node.service.register({ ...add, port: 2 });
  await maintain(true);
  for (let turn = 0; turn < 20; turn++) t.equal(node.service.get(add).port, 2);
  await maintain(false);
  const ports = Array.from({ length: 60 }, () => node.service.get(add).port ?? 0);
  t.strictSame(
    [...new Set(ports)].sort((a, b) => a - b),
    [1, 2],
  );
});

import { networkInterfaces } from 'node:os';
import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { distanceTo, Nearest, ownPlace, type Place } from '../../src/client/nearest.ts';
import { Target } from '../../src/client/target.ts';
import { countPicks, instanceOf } from './fake-source.ts';

const here: Place = { zone: 'a', hosts: new Set(['10.0.0.1', 'me.example']) };

const table: readonly [ip: string, zone: string, distance: number, say: string][] = [
  ['127.0.0.1', '', 0, 'a loopback address is this host'],
  ['::1', 'b', 0, 'in IPv6 as well'],
  ['10.0.0.1', 'b', 0, 'an address of this host is this host, whatever its zone'],
  ['me.example', '', 0, 'and so is its name'],
  ['10.0.0.2', 'a', 1, 'the own zone comes next'],
  ['10.0.0.2', 'b', 2, 'another zone is far'],
  ['10.0.0.2', '', 2, 'no zone is far'],
];

for (const [ip, zone, distance, say] of table) {
  test(`distance ${distance}: ${say}`, (t) => {
    t.equal(distanceTo(instanceOf(1, { ip, zone }), here), distance);
    t.end();
  });
}

test('without a zone of our own none is near', (t) => {
  const instance = instanceOf(1, { ip: '10.0.0.2' });
  t.equal(distanceTo(instance, { zone: '', hosts: new Set() }), 2);
  t.end();
});

test('our place has the addresses of this host, and the zone of the environment', (t) => {
  const before = process.env['DISCO_ZONE'];
  t.teardown(() => {
    if (before === undefined) delete process.env['DISCO_ZONE'];
    else process.env['DISCO_ZONE'] = before;
  });
  process.env['DISCO_ZONE'] = 'z';
  const place = ownPlace();
  t.equal(place.zone, 'z');
  const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  for (const { address } of own) t.ok(place.hosts.has(address), address);
  delete process.env['DISCO_ZONE'];
  t.equal(ownPlace().zone, '');
  t.end();
});

function policyOver(...targets: readonly Target[]): Nearest {
  const policy = new Nearest(seededRandom(7), here);
  policy.take(targets);
  return policy;
}

const onHost = [1, 2].map((id) => new Target(instanceOf(id)));
const nearby = [3, 4].map((id) => new Target(instanceOf(id, { ip: `10.0.1.${id}`, zone: 'a' })));
const far = [5, 6].map((id) => new Target(instanceOf(id, { ip: `10.0.2.${id}` })));

const picks: readonly [given: readonly Target[], shares: object, say: string][] = [
  [[...far, ...nearby, ...onHost], { i1: 5, i2: 5 }, 'those of this host share all'],
  [[...far, ...nearby], { i3: 5, i4: 5 }, 'else those of this zone'],
  [far, { i5: 5, i6: 5 }, 'else the others'],
  [[], { none: 10 }, 'and of none there is none'],
];

for (const [given, shares, say] of picks) {
  test(`nearest: ${say}`, (t) => {
    const policy = policyOver(...given);
    t.strictSame(
      countPicks(10, () => policy.pick()?.instance),
      shares,
    );
    t.end();
  });
}

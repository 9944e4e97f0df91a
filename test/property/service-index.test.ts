/** ServiceIndex against a dumb twin: one list, searched from end to end. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { compareInstances, instanceAddress } from '../../src/registry/instance.ts';
import type { Instance } from '../../src/registry/instance.ts';
import { ServiceIndex } from '../../src/registry/service-index.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';
import { holds } from './histories.ts';

const few = fc.constantFrom('a', 'b', 'c');
const instance: fc.Arbitrary<Instance> = fc
  .record({
    group: few,
    name: few,
    instanceId: few,
    owner: fc.constantFrom(1, 2, 3).map((key) => signerOf(key).owner),
    port: fc.integer({ min: 1, max: 2 }),
  })
  .map((fields) => ({ record: makeRecord(fields), node: 'n' }));

const edit = fc.record({ instance, isPut: fc.boolean(), at: fc.nat() });

const isOf = (a: Instance, b: Instance): boolean => compareInstances(a, b) === 0;
const isBeside = ({ record: a }: Instance, { record: b }: Instance): boolean =>
  a.group === b.group && a.name === b.name;

class Twin {
  instances: Instance[] = [];
  readonly departures = new Map<string, number>();

  put(instance: Instance): void {
    this.instances = [...this.instances.filter((other) => !isOf(other, instance)), instance];
    this.departures.delete(`${instance.record.group}/${instance.record.name}`);
  }

  remove(instance: Instance, at: number): void {
    const rest = this.instances.filter((other) => !isOf(other, instance));
    const wentNow = rest.length < this.instances.length;
    this.instances = rest;
    if (wentNow && !rest.some((other) => isBeside(other, instance)))
      this.departures.set(`${instance.record.group}/${instance.record.name}`, at);
  }

  copy(): Twin {
    const copy = new Twin();
    copy.instances = this.instances;
    for (const [service, at] of this.departures) copy.departures.set(service, at);
    return copy;
  }

  isConflict(instance: Instance): boolean {
    const address = instanceAddress(instance);
    const claims = this.instances.filter(
      (other) => isBeside(other, instance) && instanceAddress(other) === address,
    );
    return new Set(claims.map(({ record }) => record.owner)).size > 1;
  }
}

type Edit = { readonly instance: Instance; readonly isPut: boolean; readonly at: number };

function apply({ instance, isPut, at }: Edit, index: ServiceIndex, twin: Twin): void {
  if (isPut) index.put(instance);
  else index.remove(instance, { at, reason: 'deregistered' });
  if (isPut) twin.put(instance);
  else twin.remove(instance, at);
}

function compare(index: ServiceIndex, twin: Twin, probe: Instance): void {
  const { group, name, owner, instanceId } = probe.record;
  const sorted = twin.instances.toSorted(compareInstances);
  const ofGroup = sorted.filter(({ record }) => record.group === group);
  const ofService = sorted.filter((other) => isBeside(other, probe));
  assert.equal(index.count, sorted.length);
  assert.deepEqual(index.list(), sorted);
  assert.deepEqual(index.list(group), ofGroup);
  assert.deepEqual(index.list(group, name), ofService);
  assert.deepEqual(index.service(group, name), ofService);
  assert.equal(
    index.get(group, name, owner, instanceId),
    sorted.find((other) => isOf(other, probe)),
  );
  assert.equal(index.isConflict(probe), twin.isConflict(probe));
  assert.equal(index.departure(group, name)?.at, twin.departures.get(`${group}/${name}`));
}

t.test('an index edited in any way answers as its dumb twin does', (t) => {
  holds(
    t,
    300,
    fc.property(fc.array(edit, { maxLength: 60 }), instance, (edits, probe) => {
      const index = new ServiceIndex();
      const twin = new Twin();
      for (const one of edits) apply(one, index, twin);
      compare(index, twin, probe);
    }),
  );
  t.end();
});

t.test('indexes forked from each other at any time answer as copies would', (t) => {
  const step = fc.record({ edit, index: fc.nat(3), isFork: fc.boolean() });
  holds(
    t,
    200,
    fc.property(fc.array(step, { maxLength: 80 }), instance, (steps, probe) => {
      const pairs: [ServiceIndex, Twin][] = [[new ServiceIndex(), new Twin()]];
      for (const { edit, index, isFork } of steps) {
        const [chosen, twin] = pairs[index % pairs.length] as [ServiceIndex, Twin];
        if (isFork && pairs.length < 4) pairs.push([chosen.fork(), twin.copy()]);
        apply(edit, chosen, twin);
      }
      for (const [index, twin] of pairs) compare(index, twin, probe);
    }),
  );
  t.end();
});

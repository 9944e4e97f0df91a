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

  isConflict(instance: Instance): boolean {
    const address = instanceAddress(instance);
    const claims = this.instances.filter(
      (other) => isBeside(other, instance) && instanceAddress(other) === address,
    );
    return new Set(claims.map(({ record }) => record.owner)).size > 1;
  }
}

t.test('an index edited in any way answers as its dumb twin does', (t) => {
  holds(
    t,
    300,
    fc.property(fc.array(edit, { maxLength: 60 }), instance, (edits, probe) => {
      const index = new ServiceIndex();
      const twin = new Twin();
      for (const { instance, isPut, at } of edits) {
        if (isPut) index.put(instance);
        else index.remove(instance, { at, reason: 'deregistered' });
        if (isPut) twin.put(instance);
        else twin.remove(instance, at);
      }
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
    }),
  );
  t.end();
});

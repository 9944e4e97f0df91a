import fc from 'fast-check';
import t from 'tap';
import { safeLabel, servicePaths } from '../../src/api/dns-labels.ts';
import { NameTree } from '../../src/api/dns-tree.ts';
import type { ServiceName } from '../../src/api/dns-tree.ts';

const treeOf = (...services: readonly string[]): NameTree => {
  const tree = new NameTree();
  for (const each of services) tree.set(serviceOf(each), true);
  return tree;
};
const serviceOf = (text: string): ServiceName => {
  const [group = '', name = ''] = text.split('/');
  return { group, name };
};
/** `group/name`, `names below` or `nothing`. */
const found = (tree: NameTree, name: string): string => {
  const at = tree.find(name.split('.'));
  if (at === undefined) return 'nothing';
  return at.service === undefined ? 'names below' : `${at.service.group}/${at.service.name}`;
};

t.test('a service is found by its name, and its group is there with names below', (t) => {
  const tree = treeOf('math/add', 'math/sub');
  t.equal(found(tree, 'add.math'), 'math/add');
  t.equal(found(tree, 'math'), 'names below');
  t.equal(found(tree, 'mul.math'), 'nothing');
  t.equal(found(tree, 'x.add.math'), 'nothing');
  t.equal(tree.size, 2);
  t.end();
});

t.test('a dot in a name is a dot, also when it is escaped', (t) => {
  const tree = treeOf('math/add.v2', 'eu.math/add');
  t.equal(found(tree, 'add.v2.math'), 'math/add.v2');
  t.equal(found(tree, 'v2.math'), 'names below');
  t.equal(found(tree, 'add.eu.math'), 'eu.math/add');
  t.strictSame(tree.find(['add.v2', 'math'])?.service, serviceOf('math/add.v2'));
  t.strictSame(tree.find(['x.v2', 'math']), undefined);
  t.equal(found(tree, `${safeLabel('add.v2')}.math`), 'math/add.v2');
  t.end();
});

t.test('of services with one name the one spelled so is meant, else the shorter group', (t) => {
  const orders = [
    ['math/Add', 'math/add'],
    ['math/add', 'math/Add'],
  ];
  for (const services of orders) {
    const tree = treeOf(...services);
    t.equal(found(tree, 'add.math'), 'math/add');
    t.equal(found(tree, `${safeLabel('Add')}.math`), 'math/Add');
  }
  t.equal(found(treeOf('b.c/a', 'c/a.b'), 'a.b.c'), 'c/a.b');
  t.equal(found(treeOf('c/a.b', 'b.c/a'), 'a.b.c'), 'c/a.b');
  t.end();
});

t.test('the other one is found once the first is gone', (t) => {
  const tree = treeOf('math/Add', 'math/add');
  tree.set(serviceOf('math/add'), false);
  t.equal(found(tree, 'add.math'), 'math/Add');
  t.end();
});

t.test(
  'whatever came and went, what is found is what is there, and nothing is left behind',
  (t) => {
    const names = ['a', 'A', 'b', 'a.b', 'b.a', '..'];
    const step = fc.record({
      group: fc.constantFrom(...names),
      name: fc.constantFrom(...names),
      isThere: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const tree = new NameTree();
        const there = new Map<string, ServiceName>();
        for (const { group, name, isThere } of steps) {
          tree.set({ group, name }, isThere);
          if (isThere) there.set(`${group}/${name}`, { group, name });
          else there.delete(`${group}/${name}`);
        }
        const paths = [...there.values()].flatMap(({ group, name }) => servicePaths(group, name));
        const isFound = paths.every((path) => tree.find(path)?.service !== undefined);
        const all = names.flatMap((group) => names.flatMap((name) => servicePaths(group, name)));
        const known = new Set(paths.map((path) => path.join('.')));
        const isNoMore = all.every(
          (path) => known.has(path.join('.')) || tree.find(path)?.service === undefined,
        );
        const isEmpty =
          there.size > 0 || ['a', 'b', 'x'].every((top) => tree.find([top]) === undefined);
        return isFound && isNoMore && isEmpty && tree.size === there.size;
      }),
    );
    t.end();
  },
);

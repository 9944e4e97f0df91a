import t from 'tap';
import { planFiles } from '../../src/daemon/file-plan.ts';
import type { FolderFile } from '../../src/daemon/service-folder.ts';
import { recordKey } from '../../src/record/record.ts';
import type { Registration } from '../../src/store/store.ts';
import { makeRegistration } from '../contract/store-contract.ts';

const make = (instanceId: string, fields: Partial<Registration> = {}): Registration =>
  makeRegistration({ instanceId, ...fields });
const from = (source: string, instanceId: string): Registration => make(instanceId, { source });

/** A good file with these instances. */
const file = (name: string, ...wishes: Registration[]): FolderFile => ({
  name,
  wishes: wishes.map((wish) => ({ wish, where: `${name}, somewhere` })),
  problems: [],
});
const badFile = (name: string, ...problems: string[]): FolderFile => ({
  name,
  wishes: [],
  problems,
});

/** The plan, with a step as `register a of FILE`. */
function plan(
  files: FolderFile[],
  registered: Registration[] = [],
  place = (wish: Registration) => wish,
) {
  const held = new Map(
    registered.map((each) => [recordKey(each.group, each.name, each.instanceId), each]),
  );
  const { steps, bad } = planFiles(files, held, place);
  const lines = steps.map(({ mutation, file: name }) => {
    if (mutation.kind === 'register') {
      t.equal(mutation.registration.source, name, 'it remembers where it came from');
      return `register ${mutation.registration.instanceId} of ${name}`;
    }
    return mutation.kind === 'deregister' ? `deregister ${mutation.key} of ${name}` : mutation.kind;
  });
  return { steps: lines, bad: Object.fromEntries(bad) };
}

t.test('what a file says is registered, and nothing is done twice', (t) => {
  const files = [file('a', make('1'), make('2'))];
  t.strictSame(plan(files), { steps: ['register 1 of a', 'register 2 of a'], bad: {} });
  t.strictSame(plan(files, [from('a', '1'), from('a', '2')]), { steps: [], bad: {} });
  t.end();
});

t.test('what changed is updated, what a file no longer says is deregistered', (t) => {
  const changed = make('1', { metadata: { zone: 'b' } });
  const { steps } = plan([file('a', changed)], [from('a', '1'), from('a', '2')]);
  t.strictSame(steps, ['register 1 of a', 'deregister shop/cart/2 of a']);
  t.end();
});

t.test('of a file that is gone all is deregistered, and only that', (t) => {
  const held = [from('a', '1'), from('b', '2'), make('3')];
  const { steps } = plan([file('b', make('2'))], held);
  t.strictSame(steps, ['deregister shop/cart/1 of a']);
  t.end();
});

t.test('of a bad file all stays as it was, and the other files go on', (t) => {
  const files = [badFile('a', 'line 1: no', 'line 2: no'), file('b', make('9'))];
  t.strictSame(plan(files, [from('a', '1')]), {
    steps: ['register 9 of b'],
    bad: { a: 'line 1: no (and 1 more: see disco validate)' },
  });
  t.end();
});

t.test('what the API registered is its own: a file that says the same is refused', (t) => {
  const files = [file('a', make('1'), make('2'))];
  t.strictSame(plan(files, [make('1')]), {
    steps: [],
    bad: {
      a: 'shop/cart/1 is registered through the API already: deregister it there, or give another instanceId',
    },
  });
  t.end();
});

t.test('what another file has stays its own, also while that one is bad', (t) => {
  const refused = {
    a: 'shop/cart/1 is registered by the file b already: deregister it there, or give another instanceId',
  };
  const a = file('a', make('1'));
  t.strictSame(plan([a, file('b', make('1'))], [from('b', '1')]), { steps: [], bad: refused });
  t.match(plan([a, badFile('b', 'no')], [from('b', '1')]), { steps: [], bad: refused });
  t.end();
});

t.test('of two new files that say the same the first by name has it', (t) => {
  const { steps, bad } = plan([file('a', make('1')), file('b', make('1'), make('2'))]);
  t.strictSame(steps, ['register 1 of a']);
  t.match(bad, { b: /registered by the file a already/ });
  t.end();
});

t.test('an instance that moves from one file to another is never away', (t) => {
  const { steps } = plan([file('b', make('1'))], [from('a', '1')]);
  t.strictSame(steps, ['register 1 of b']);
  const both = plan([file('a'), file('b', make('1'))], [from('a', '1')]);
  t.strictSame(both, { steps: ['register 1 of b'], bad: {} });
  t.end();
});

t.test('what the daemon fills in is part of the plan, and may be what is wrong', (t) => {
  const place = (wish: Registration): Registration => ({
    ...wish,
    ip: '10.0.0.9',
    instanceId: 'x',
  });
  t.strictSame(plan([file('a', make(''))], [], place).steps, ['register x of a']);
  const twice = plan([file('a', make('1'), make('2'))], [], place);
  t.match(twice, { steps: [], bad: { a: 'a, somewhere: shop/cart/x is in this file already' } });
  const none = (): never => {
    throw new Error('no address');
  };
  t.match(plan([file('a', make(''))], [from('a', '1')], none), {
    steps: [],
    bad: { a: 'a, somewhere: no address' },
  });
  t.end();
});

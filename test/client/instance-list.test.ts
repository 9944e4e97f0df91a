import { test } from 'tap';
import type { UnaryCaller } from '../../src/client/discovery-stub.ts';
import { freshnessToProto, listInstances } from '../../src/client/instance-list.ts';
import { disco } from '../../src/gen/discovery.js';

/** A daemon that answers with these pages, one after another, and remembers what it was asked. */
function callerOf(pages: readonly disco.v1.ListResponse.$Properties[]) {
  const asked: disco.v1.ListRequest.$Properties[] = [];
  const unary = (_: string, request: disco.v1.ListRequest.$Properties) => {
    const { ListResponse } = disco.v1;
    const page = pages[asked.length % pages.length] ?? {};
    asked.push(request);
    return Promise.resolve(ListResponse.decode(ListResponse.encode(page).finish()));
  };
  return { caller: { unary } as unknown as UnaryCaller, asked };
}

test('pages are followed to the last, each from the token of the one before', async (t) => {
  const { caller, asked } = callerOf([
    { instances: [{ group: 'g', name: 'a' }], nextPageToken: 'more' },
    { instances: [{ group: 'g', name: 'b' }], partial: true, sinceReconcileMs: 40 },
  ]);
  const list = await listInstances(caller, { group: 'g', health: 'warning', tags: ['blue'] });
  t.strictSame(
    list.instances.map(({ name }) => name),
    ['a', 'b'],
  );
  t.match(list, { partial: true, sinceReconcileMs: 40 });
  t.match(asked, [
    { group: 'g', health: 2, tags: ['blue'], pageToken: '' },
    { group: 'g', health: 2, tags: ['blue'], pageToken: 'more' },
  ]);
});

test('what is asked for goes to the daemon: states of health, zone, and how old it may be', async (t) => {
  const { caller, asked } = callerOf([{ stale: true }]);
  const filter = { health: ['warning', 'passing'], zone: 'eu-1' } as const;
  const list = await listInstances(caller, filter, { maxStaleMs: 5_000, staleOk: true });
  t.equal(list.stale, true);
  await listInstances(caller, {});
  t.match(asked, [
    { health: 2, healths: [1], zone: 'eu-1', maxStaleMs: 5_000, staleOk: true },
    { health: 0, healths: [], zone: '', maxStaleMs: 0, staleOk: false },
  ]);
});

test('what the wire would bend into another age is refused', (t) => {
  t.strictSame(freshnessToProto({ maxStaleMs: 1 }), { maxStaleMs: 1, staleOk: false });
  for (const maxStaleMs of [-1, 0.5, NaN, Infinity])
    t.throws(() => freshnessToProto({ maxStaleMs }), {
      code: 'INVALID_ARGUMENT',
      message: `maxStaleMs is ${maxStaleMs}; expected whole milliseconds, 0 for any`,
    });
  t.end();
});

test('what is held is told once, and as the last of its pages says', async (t) => {
  const add = { group: 'math', name: 'add', reason: 'why', since: 1 };
  const { caller } = callerOf([
    { holding: [{ ...add, until: 9, instances: 3 }], nextPageToken: 'more' },
    { holding: [{ ...add, until: 5, instances: 2 }, { group: 'shop' }], isolated: true },
  ]);
  const { holding, isolated } = await listInstances(caller, {});
  t.equal(isolated, true);
  t.match(holding, [{ ...add, until: 5, instances: 2 }, { group: 'shop' }]);
  t.equal(holding.length, 2);
});

test('a list without end is given up', async (t) => {
  const { caller, asked } = callerOf([{ nextPageToken: 'again' }]);
  await t.rejects(listInstances(caller, {}), {
    code: 'RESOURCE_EXHAUSTED',
    message: /more than 1000 pages of 1000; narrow it with a filter/,
  });
  t.equal(asked.length, 1_000);
});

import fc from 'fast-check';
import t from 'tap';
import { cutPage, isMatch, readFilter } from '../../src/api/list-filter.ts';
import { disco } from '../../src/gen/discovery.js';
import { compareInstances } from '../../src/registry/instance.ts';
import type { Instance } from '../../src/registry/instance.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';

const { Health } = disco.v1;

const instanceOf = (fields: Parameters<typeof makeRecord>[0] = {}): Instance => ({
  record: makeRecord(fields),
  node: 'node-1',
});

const cart = instanceOf({ tags: ['blue', 'eu'], metadata: { zone: 'a', rack: '7' } });

const isFound = (request: disco.v1.ListRequest.$Properties, instance = cart): boolean =>
  isMatch(instance, readFilter(request));

t.test('without a filter everything matches', (t) => {
  t.ok(isFound({}));
  t.strictSame(readFilter({}), {
    group: undefined,
    name: undefined,
    healths: [],
    tags: [],
    metadata: {},
    version: '',
    zone: undefined,
  });
  t.end();
});

t.test('health is matched exactly', (t) => {
  const warning = instanceOf({ health: 'warning' });
  t.ok(isFound({ health: Health.HEALTH_PASSING }));
  t.notOk(isFound({ health: Health.HEALTH_PASSING }, warning));
  t.ok(isFound({ health: Health.HEALTH_WARNING }, warning));
  t.end();
});

t.test('of several states of health any will do, and unspecified is none of them', (t) => {
  const { HEALTH_UNSPECIFIED, HEALTH_PASSING, HEALTH_WARNING, HEALTH_CRITICAL } = Health;
  const instances = (['passing', 'warning', 'critical', 'maintenance'] as const).map((health) =>
    instanceOf({ health }),
  );
  const found = (request: disco.v1.ListRequest.$Properties) =>
    instances.filter((one) => isFound(request, one)).map(({ record }) => record.health);
  const healths = [HEALTH_WARNING, HEALTH_PASSING];
  t.strictSame(found({ healths }), ['passing', 'warning']);
  t.strictSame(found({ healths, health: HEALTH_CRITICAL }), ['passing', 'warning', 'critical']);
  t.strictSame(found({ healths: [HEALTH_UNSPECIFIED, HEALTH_CRITICAL] }), ['critical']);
  t.equal(found({ healths: [HEALTH_UNSPECIFIED] }).length, instances.length);
  const later: number = 9;
  t.strictSame(found({ healths: [later] }), [], 'a state that nobody is in');
  t.end();
});

t.test('the zone is matched exactly', (t) => {
  const there = instanceOf({ zone: 'eu-1' });
  t.ok(isFound({ zone: 'eu-1' }, there));
  t.notOk(isFound({ zone: 'eu' }, there));
  t.notOk(isFound({ zone: 'eu-1' }), 'nobody said where it is');
  t.throws(() => isFound({ zone: 'a b' }), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_NAME',
  });
  t.end();
});

t.test('all of the tags have to be there', (t) => {
  t.ok(isFound({ tags: ['eu'] }));
  t.ok(isFound({ tags: ['eu', 'blue'] }));
  t.notOk(isFound({ tags: ['eu', 'green'] }));
  t.end();
});

t.test('all of the metadata has to be there, with the very values', (t) => {
  t.ok(isFound({ metadata: { zone: 'a' } }));
  t.ok(isFound({ metadata: { zone: 'a', rack: '7' } }));
  t.notOk(isFound({ metadata: { zone: 'a', rack: '8' } }));
  t.notOk(isFound({ metadata: { toString: '' } }), 'what every object inherits is no metadata');
  t.end();
});

t.test('the version is matched exactly', (t) => {
  t.ok(isFound({ version: '1.2.3' }));
  t.notOk(isFound({ version: '1.2' }));
  t.end();
});

/** Few names, so that instances share groups, names and ids, and differ in the owner alone. */
const anyInstance = fc
  .record({
    group: fc.constantFrom('a', 'b', 'a.b', 'A'),
    name: fc.constantFrom('x', 'y', 'x-1'),
    instanceId: fc.constantFrom('1', '10', '[::1]:80', '9'),
    owner: fc.constantFrom(signerOf(1).owner, signerOf(2).owner, signerOf(3).owner),
  })
  .map(instanceOf);
const anyList = fc
  .uniqueArray(anyInstance, {
    selector: ({ record }) =>
      [record.group, record.name, record.instanceId, record.owner].join(' '),
  })
  .map((list) => list.sort(compareInstances));

function allPages(list: readonly Instance[], pageSize: number): (readonly Instance[])[] {
  const pages: (readonly Instance[])[] = [];
  let token = '';
  do {
    const { page, nextPageToken } = cutPage(list, pageSize, token);
    pages.push(page);
    token = nextPageToken;
  } while (token !== '');
  return pages;
}

t.test('the pages, one behind the other, are the whole list', (t) => {
  const property = fc.property(anyList, fc.integer({ min: 1, max: 7 }), (list, pageSize) => {
    const pages = allPages(list, pageSize);
    t.strictSame(pages.flat(), list);
    t.ok(pages.slice(0, -1).every((page) => page.length === pageSize));
    t.ok(pages.length === 1 || (pages.at(-1)?.length ?? 0) > 0, 'the last page is not empty');
  });
  fc.assert(property, { seed: 20_250_601, numRuns: 150 });
  t.end();
});

t.test('what stays in the list is on the pages once, whatever comes and goes between them', (t) => {
  const property = fc.property(anyList, anyList, fc.nat(), (before, after, cut) => {
    const first = cutPage(before, 1 + (cut % 5), '');
    const rest = first.nextPageToken === '' ? [] : allRest(after, first.nextPageToken);
    const lastSeen = first.page.at(-1);
    const owed = after.filter(
      (instance) =>
        first.nextPageToken !== '' &&
        lastSeen !== undefined &&
        compareInstances(instance, lastSeen) > 0,
    );
    t.strictSame(rest, owed);
  });
  fc.assert(property, { seed: 20_250_602, numRuns: 150 });
  t.end();
});

function allRest(list: readonly Instance[], token: string): readonly Instance[] {
  return cutPage(list, 0, token).page;
}

t.test('a page size of 0, and one that is large enough, give the whole list and no token', (t) => {
  const list = [instanceOf({ instanceId: 'a' }), instanceOf({ instanceId: 'b' })];
  for (const pageSize of [0, 2, 2 ** 32 - 1])
    t.strictSame(cutPage(list, pageSize, ''), { page: list, nextPageToken: '' });
  t.end();
});

t.test('a token is fit for a URL', (t) => {
  const list = [instanceOf({ instanceId: '[::1]:80' }), instanceOf({ instanceId: 'b' })];
  t.match(cutPage(list, 1, '').nextPageToken, /^[A-Za-z0-9_-]+$/);
  t.end();
});

t.test('a token that nobody gave out is refused', (t) => {
  for (const token of ['x', Buffer.from('a/b/c').toString('base64url')])
    t.throws(() => cutPage([], 1, token), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_PAGE',
      message: 'page_token is none that this API gave out: start without one',
    });
  t.end();
});

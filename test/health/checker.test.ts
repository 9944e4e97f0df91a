import { once } from 'node:events';
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { silentLog } from '../../src/base/log.ts';
import { Checker } from '../../src/health/checker.ts';
import type { CheckTarget } from '../../src/health/target.ts';
import { recordKey } from '../../src/record/record.ts';
import { resultsMax } from '../../src/registry/check-state.ts';
import type { CheckOutcome } from '../../src/registry/check-state.ts';
import type { Check, Registration } from '../../src/store/store.ts';
import { Node, SpyStore } from '../api/fixture.ts';
import { makeCheck, makeRegistration } from '../contract/store-contract.ts';

const up: CheckOutcome = { hasPassed: true, output: 'up' };
const down: CheckOutcome = { hasPassed: false, output: 'down' };
const every = 1_000;

/** A run under way; a test says how it ends. */
interface Asked {
  readonly target: CheckTarget;
  readonly check: Check;
  readonly stop: AbortSignal;
  readonly answer: (outcome: CheckOutcome) => void;
}

const key = (instanceId: string) => recordKey('shop', 'cart', instanceId);
/** A turn of the event loop: everything that waits for nothing from outside is done after it. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function setUp({ atOnceMax = 64, store = new SpyStore(), whenStopped = down } = {}) {
  const node = new Node({}, store);
  const asked: Asked[] = [];
  const told: object[] = [];
  const checker = new Checker({
    registry: node.registry,
    clock: node.clock,
    random: seededRandom(7),
    log: { ...silentLog, info: (fields) => void told.push(fields) },
    atOnceMax,
    run: (target, check, stop) =>
      new Promise((resolve) => {
        asked.push({ target, check, stop, answer: resolve });
        stop.addEventListener('abort', () => resolve(whenStopped));
      }),
  });
  const register = async (fields: Partial<Registration> = {}) => {
    const checks = [makeCheck({ intervalMs: every })];
    const registration = makeRegistration({ instanceId: 'a', checks, ...fields });
    node.registry.commit([{ kind: 'register', registration }], node.clock.now());
    await turn();
  };
  /** Time goes on, with the daemon's look at what is due. */
  const pass = async (ms: number) => {
    node.clock.advance(ms);
    await turn();
    node.registry.tick(node.clock.now());
    await turn();
  };
  /** All that is asked is answered, and the daemon looks at what that comes to. */
  const answer = async (outcome: CheckOutcome) => {
    for (const each of asked.splice(0)) each.answer(outcome);
    await turn();
    await pass(0);
  };
  const health = (id = 'a') =>
    node.registry.index.get('shop', 'cart', node.self, id)?.record.health;
  return { node, checker, asked, told, register, pass, answer, health };
}

t.test('an instance with checks is critical until they pass, and is asked at once', async (t) => {
  const { checker, asked, told, register, pass, answer, health } = setUp();
  checker.start();
  await register({ ip: '10.0.0.7', port: 81 });
  t.equal(health(), 'critical');
  await pass(0);
  t.strictSame(
    asked.map(({ target: { ip, port } }) => `${ip}:${port}`),
    ['10.0.0.7:81'],
  );
  await answer(up);
  t.equal(health(), 'passing');
  const news = { instance: key('a'), check: 'tcp', health: 'passing', output: 'up' };
  t.strictSame(told, [news]);
});

t.test('failures lead to warning and critical, a success back; each is one record', async (t) => {
  const { node, checker, register, pass, answer, health } = setUp();
  checker.start();
  await register();
  await pass(0);
  await answer(up);
  const { revision } = node.registry.feed;
  const seen: (string | undefined)[] = [];
  for (const outcome of [down, down, down, down, up]) {
    await pass(1.1 * every);
    await answer(outcome);
    seen.push(health());
  }
  t.strictSame(seen, ['warning', 'warning', 'critical', 'critical', 'passing']);
  t.equal(node.registry.feed.revision, revision + 3);
});

t.test('a steady state makes no record and no write, however many runs it takes', async (t) => {
  const { node, checker, asked, register, pass, answer } = setUp();
  checker.start();
  await register();
  await pass(0);
  await answer(up);
  const { revision } = node.registry.feed;
  node.store.commits.length = 0;
  let runs = 0;
  for (let round = 0; round < 50; round++) {
    await pass(1.1 * every);
    runs += asked.length;
    await answer(up);
  }
  t.equal(runs, 50);
  t.equal(node.registry.feed.revision, revision);
  t.equal(node.store.commits.length, 0);
});

t.test('the next run begins an interval after the last, a tenth more or less', async (t) => {
  const { checker, asked, register, pass, answer } = setUp();
  checker.start();
  await register();
  await pass(0);
  await answer(up);
  await pass(0.9 * every - 1);
  t.equal(asked.length, 0);
  await pass(0.2 * every + 1);
  t.equal(asked.length, 1);
  await pass(10 * every);
  t.equal(asked.length, 1, 'one run at a time');
});

t.test('the worst of several checks counts, and all of them have to pass first', async (t) => {
  const { checker, asked, register, pass, health } = setUp();
  checker.start();
  const checks = [makeCheck(), makeCheck({ kind: 'http', path: '/healthz', method: 'GET' })];
  await register({ checks });
  await pass(0);
  t.strictSame(
    asked.map(({ check }) => check.kind),
    ['tcp', 'http'],
  );
  asked[0]?.answer(up);
  await pass(0);
  t.equal(health(), 'critical');
  asked[1]?.answer(up);
  await turn();
  await pass(0);
  t.equal(health(), 'passing');
});

t.test('the last results are kept, newest first, and no more of them', async (t) => {
  const { node, checker, register, pass, answer } = setUp();
  checker.start();
  await register();
  t.match(checker.reports(key('a')), [{ health: 'critical', results: [] }]);
  await pass(0);
  const begin = node.clock.now();
  await pass(40);
  await answer(up);
  const first = { ...up, time: begin.wallMicros + 40_000, durationMs: 40 };
  t.strictSame(checker.reports(key('a'))[0]?.results, [first]);
  for (let round = 0; round < resultsMax; round++) {
    await pass(1.1 * every);
    await answer(down);
  }
  const [report] = checker.reports(key('a'));
  t.equal(report?.health, 'critical');
  t.strictSame(
    report?.results.map(({ output }) => output),
    Array(resultsMax).fill('down'),
  );
  t.strictSame(checker.reports(key('x')), []);
});

t.test('no more than the bound run at a time, and the others in their turn', async (t) => {
  const { checker, asked, register, pass } = setUp({ atOnceMax: 2 });
  checker.start();
  for (const instanceId of ['a', 'b', 'c', 'd']) await register({ instanceId });
  await pass(0);
  t.equal(asked.length, 2);
  asked[0]?.answer(up);
  await turn();
  t.equal(asked.length, 3);
  asked[1]?.answer(up);
  asked[2]?.answer(up);
  await turn();
  t.equal(asked.length, 4);
});

t.test('one that is deregistered while it waits is not asked any more', async (t) => {
  const { node, checker, asked, register, pass } = setUp({ atOnceMax: 1 });
  checker.start();
  for (const [port, instanceId] of ['a', 'b', 'c'].entries())
    await register({ instanceId, port: port + 1 });
  await pass(0);
  node.registry.commit([{ kind: 'deregister', key: key('b') }], node.clock.now());
  await turn();
  asked[0]?.answer(up);
  await turn();
  t.strictSame(
    asked.map(({ target }) => target.port),
    [1, 3],
  );
  asked[1]?.answer(up);
  await turn();
  t.strictSame(checker.reports(key('b')), []);
  t.match(checker.reports(key('c')), [{ health: 'passing' }]);
});

t.test('a run that ends after its instance was deregistered changes nothing', async (t) => {
  const { node, checker, asked, register, pass } = setUp();
  checker.start();
  await register();
  await pass(0);
  node.registry.commit([{ kind: 'deregister', key: key('a') }], node.clock.now());
  await turn();
  t.equal(asked[0]?.stop.aborted, true);
  const { revision } = node.registry.feed;
  await pass(10 * every);
  t.equal(node.registry.feed.revision, revision);
  t.equal(asked.length, 1);
});

t.test(
  'registering the same again keeps health, results and the time of the next run',
  async (t) => {
    const { checker, asked, register, pass, answer, health } = setUp();
    checker.start();
    await register();
    await pass(0);
    await answer(up);
    await register({ tags: ['new'] });
    t.equal(health(), 'passing');
    t.equal(checker.reports(key('a'))[0]?.results.length, 1);
    await pass(1.1 * every);
    t.equal(asked.length, 1);
  },
);

t.test('other checks begin from the health that it has, at another address anew', async (t) => {
  const { checker, asked, register, pass, answer, health } = setUp();
  checker.start();
  await register();
  await pass(0);
  await answer(up);
  await register({ checks: [makeCheck({ intervalMs: every, failuresBeforeWarning: 2 })] });
  await pass(0);
  await answer(down);
  t.equal(health(), 'passing', 'the limits are those of the new check');
  t.match(checker.reports(key('a'))[0]?.results, [{ output: 'down' }]);
  await register({ port: 9_999 });
  await pass(0);
  t.equal(health(), 'critical');
  t.equal(asked[0]?.target.port, 9_999);
  await register({ port: 9_999, checks: [] });
  await pass(0);
  t.equal(health(), 'passing', 'without checks it passes by the word of its owner');
  t.strictSame(checker.reports(key('a')), []);
});

t.test('over a restart health stays, and the runs are spread over their interval', async (t) => {
  const store = new SpyStore();
  const before = setUp({ store });
  before.checker.start();
  for (const instanceId of ['a', 'b', 'c', 'd']) await before.register({ instanceId });
  await before.pass(0);
  await before.answer(up);
  await before.checker.stop();

  const after = setUp({ store });
  const { revision } = after.node.registry.feed;
  after.checker.start();
  t.equal(after.health(), 'passing');
  await after.pass(0);
  t.equal(after.asked.length, 0);
  await after.pass(every / 2);
  t.ok(after.asked.length > 0);
  t.ok(after.asked.length < 4);
  await after.pass(every / 2);
  t.equal(after.asked.length, 4);
  await after.answer(up);
  t.equal(after.node.registry.feed.revision, revision, 'nothing changed for anybody else');
  await after.pass(1.1 * every);
  await after.answer(down);
  t.equal(after.health(), 'warning', 'what was asked for is checked in the new life too');
});

t.test('after a stop nothing runs, and what was under way counts no more', async (t) => {
  const { node, checker, asked, register, pass } = setUp();
  checker.start();
  await register();
  await pass(0);
  await checker.stop();
  t.equal(asked[0]?.stop.aborted, true);
  const { revision } = node.registry.feed;
  await pass(10 * every);
  await register({ instanceId: 'b' });
  await pass(10 * every);
  t.equal(asked.length, 1);
  t.equal(node.registry.feed.revision, revision + 1, 'the registration alone');
});

t.test('what was found at the old address says nothing of the new one', async (t) => {
  const { checker, asked, register, pass, answer, health } = setUp({ whenStopped: up });
  checker.start();
  await register({ port: 1 });
  await pass(0);
  await register({ port: 2 });
  await pass(0);
  t.equal(health(), 'critical');
  t.match(checker.reports(key('a')), [{ results: [] }]);
  t.strictSame(
    asked.map(({ target }) => target.port),
    [1, 2],
  );
  await answer(up);
  t.equal(health(), 'passing');
});

t.test('a stop waits for the runs that it ended', async (t) => {
  const node = new Node();
  let ended = 0;
  const checker = new Checker({
    registry: node.registry,
    clock: node.clock,
    random: seededRandom(7),
    log: silentLog,
    run: async (_target, _check, stop) => {
      await once(stop, 'abort');
      await turn();
      ended += 1;
      return down;
    },
  });
  checker.start();
  const registration = makeRegistration({ checks: [makeCheck(), makeCheck()] });
  node.registry.commit([{ kind: 'register', registration }], node.clock.now());
  await turn();
  node.clock.advance(0);
  await checker.stop();
  t.equal(ended, 2);
});

t.test('more registrations in one turn than the feed keeps are all checked', async (t) => {
  const node = new Node({ changeFeedMax: 3 });
  const asked: string[] = [];
  const checker = new Checker({
    registry: node.registry,
    clock: node.clock,
    random: seededRandom(7),
    log: silentLog,
    run: ({ port }) => {
      asked.push(String(port));
      return Promise.resolve(up);
    },
  });
  checker.start();
  for (let port = 1; port <= 10; port++) {
    const registration = makeRegistration({ instanceId: `i${port}`, port, checks: [makeCheck()] });
    node.registry.commit([{ kind: 'register', registration }], node.clock.now());
  }
  node.registry.commit([{ kind: 'deregister', key: key('i1') }], node.clock.now());
  await turn();
  node.clock.advance(0);
  await turn();
  t.equal(asked.length, 9);
});

t.test('a daemon that starts in maintenance goes on from the health beneath', async (t) => {
  const { node, checker, register, pass, answer, health } = setUp();
  const { registry } = node;
  checker.start();
  await register({ checks: [makeCheck({ intervalMs: every, successesBeforePassing: 2 })] });
  for (const _ of [1, 2]) {
    await pass(2 * every);
    await answer(up);
  }
  t.equal(health(), 'passing');
  const rule = { group: '', name: '', instanceId: '', reason: 'kernel', since: 1 };
  registry.commit([{ kind: 'maintenance', rule }], node.clock.now());
  await checker.stop();
  const again = new Checker({
    registry,
    clock: node.clock,
    random: seededRandom(8),
    log: silentLog,
    run: () => Promise.resolve(up),
  });
  t.teardown(() => again.stop());
  again.start();
  await pass(every);
  await pass(0);
  t.equal(health(), 'maintenance');
  const [instance] = registry.index.list();
  t.equal(instance?.record.maintenance?.health, 'passing', 'one success is no reason to doubt it');
});

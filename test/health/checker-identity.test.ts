/** How the checker takes what the identity check proves, and what it asks for. */
import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Checker } from '../../src/health/checker.ts';
import type { CheckTarget } from '../../src/health/target.ts';
import type { CheckOutcome } from '../../src/registry/check-state.ts';
import type { Registration } from '../../src/store/store.ts';
import { Node } from '../api/fixture.ts';
import { makeCheck, makeRegistration } from '../contract/store-contract.ts';

const proved: CheckOutcome = { hasPassed: true, output: 'proved' };
const reason = 'identity_mismatch';
const mismatch: CheckOutcome = { hasPassed: false, output: 'another one', reason };
const failed: CheckOutcome = { hasPassed: false, output: 'no answer' };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const key = 'shop/cart/a';

function setUp() {
  const node = new Node();
  const targets: CheckTarget[] = [];
  const lines: [level: string, fields: object][] = [];
  const state = { outcome: proved };
  const checker = new Checker({
    registry: node.registry,
    clock: node.clock,
    random: seededRandom(7),
    log: {
      ...silentLog,
      info: (fields) => void lines.push(['info', fields]),
      warn: (fields) => void lines.push(['warn', fields]),
    },
    run: async (target) => {
      targets.push(target);
      return state.outcome;
    },
  });
  checker.start();
  const pass = async (ms: number): Promise<void> => {
    node.clock.advance(ms);
    await turn();
    node.registry.tick(node.clock.now());
    await turn();
  };
  const register = async (fields: Partial<Registration> = {}): Promise<void> => {
    const checks = [makeCheck({ kind: 'identity', failuresBeforeCritical: 5, intervalMs: 1_000 })];
    const wish = { instanceId: 'a', checks, identityKey: 'key-1', ...fields };
    const registration = makeRegistration(wish);
    node.registry.commit([{ kind: 'register', registration }], node.clock.now());
    await turn();
    await pass(0);
  };
  /** A run and what it comes to. */
  const run = async (outcome: CheckOutcome): Promise<string | undefined> => {
    state.outcome = outcome;
    await pass(1_100);
    return node.registry.index.get('shop', 'cart', node.self, 'a')?.record.health;
  };
  return { node, checker, targets, lines, register, run, pass };
}

t.test('who is expected at an address is told to the run, and only with a key', async (t) => {
  const { node, targets, register } = setUp();
  await register();
  const { ip, port } = makeRegistration();
  const expected = { group: 'shop', name: 'cart', instanceId: 'a', owner: node.self, key: 'key-1' };
  t.strictSame(targets, [{ ip, port, expected }]);
  const { identityKey: _, ...plain } = makeRegistration({ instanceId: 'b', checks: [makeCheck()] });
  await register({ ...plain, identityKey: undefined as never });
  t.strictSame(targets.at(-1), { ip, port });
});

t.test('proof of another process is critical at once, a failure is not', async (t) => {
  const { checker, lines, register, run } = setUp();
  await register();
  t.equal(await run(proved), 'passing');
  t.equal(await run(failed), 'warning');
  t.equal(await run(proved), 'passing');
  lines.length = 0;
  t.equal(await run(mismatch), 'critical');
  const fields = { instance: key, check: 'identity', health: 'critical', output: 'another one' };
  t.strictSame(lines, [['warn', fields]]);
  t.match(checker.reports(key)[0]?.results, [{ reason }, { reason: undefined }]);
  t.equal(await run(mismatch), 'critical');
  t.equal(lines.length, 1, 'told once');
  t.equal(await run(failed), 'critical', 'nothing but a proof heals');
  t.equal(await run(proved), 'passing');
});

t.test('a new key is asked for at once, the same one keeps what was found', async (t) => {
  const { checker, targets, register, run } = setUp();
  await register();
  t.equal(await run(mismatch), 'critical');
  const asked = targets.length;
  await register({ version: '2' });
  t.equal(targets.length, asked, 'registered again as it was');
  t.equal(checker.reports(key)[0]?.results.length, 2);
  await register({ identityKey: 'key-2' });
  t.equal(targets.length, asked + 1);
  t.equal(targets.at(-1)?.expected?.key, 'key-2');
  t.equal(checker.reports(key)[0]?.results.length, 1, 'those of another process say nothing');
});

t.test('a lease does not outdo the proof: the worse of both counts', async (t) => {
  const { node, register, run } = setUp();
  await register({ ttlMs: 5_000, deregisterAfterMs: 60_000 });
  t.equal(await run(proved), 'passing');
  t.equal(await run(mismatch), 'critical');
  const name = { group: 'shop', name: 'cart', instanceId: 'a' };
  node.registry.heartbeat(name, node.clock.now());
  t.equal(await run(mismatch), 'critical', 'the process lives, and is not at its address');
  node.registry.heartbeat(name, node.clock.now());
  t.equal(await run(proved), 'passing');
});

t.test('without a lease, an address that is another’s is given up in the end', async (t) => {
  const { register, run, pass } = setUp();
  await register({ deregisterAfterMs: 3_000 });
  t.equal(await run(proved), 'passing');
  t.equal(await run(mismatch), 'critical');
  await pass(3_000);
  t.equal(await run(mismatch), undefined);
});

import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { silentLog } from '../../src/base/log.ts';
import { Checker } from '../../src/health/checker.ts';
import { Node } from '../api/fixture.ts';
import { makeCheck, makeRegistration } from '../contract/store-contract.ts';

t.test('checks are counted by kind and health, runs by what they came to', async (t) => {
  const node = new Node();
  let hasPassed = true;
  const checker = new Checker({
    registry: node.registry,
    clock: node.clock,
    random: seededRandom(7),
    log: silentLog,
    run: () => Promise.resolve({ hasPassed, output: '' }),
  });
  checker.start();
  t.strictSame(checker.counts(), { checks: [], runs: [] });
  const checks = [makeCheck(), makeCheck({ kind: 'http', path: '/', method: 'GET' })];
  const registration = makeRegistration({ checks });
  node.registry.commit([{ kind: 'register', registration }], node.clock.now());
  const pass = async (ms: number): Promise<void> => {
    await turn();
    node.clock.advance(ms);
    await turn();
  };
  await pass(0);
  t.strictSame(checker.counts(), {
    checks: [
      ['http', 'passing', 1],
      ['tcp', 'passing', 1],
    ],
    runs: [
      ['http', 'passed', 1],
      ['tcp', 'passed', 1],
    ],
  });
  hasPassed = false;
  await pass(11_000);
  t.strictSame(checker.counts().checks, [
    ['http', 'warning', 1],
    ['tcp', 'warning', 1],
  ]);
  t.strictSame(checker.counts().runs, [
    ['http', 'failed', 1],
    ['http', 'passed', 1],
    ['tcp', 'failed', 1],
    ['tcp', 'passed', 1],
  ]);
  await checker.stop();
  t.strictSame(checker.counts().checks, [], 'who is gone has none');
});

import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { HoldLog } from '../../src/daemon/hold-log.ts';
import { Node } from '../api/fixture.ts';
import { signerOf } from '../record/fixtures.ts';

/** A hold log over a registry; `lines` empties what was written. */
function logged(node: Node) {
  const entries: { level: string; fields: object; message: string }[] = [];
  const level = (name: string) => (fields: object, message: string) =>
    void entries.push({ level: name, fields, message });
  const log = new HoldLog(node.registry, {
    ...silentLog,
    info: level('info'),
    warn: level('warn'),
  });
  return { log, lines: () => entries.splice(0) };
}

t.test('a service that is held has a warning that says why, since when and until when', (t) => {
  const node = new Node();
  const { log, lines } = logged(node);
  log.start();
  node.holdService('math', 'add');
  const { wallMicros } = node.clock.now();
  const fields = {
    service: 'math/add',
    reason: '3 of 4 instances fell silent at once',
    instances: 3,
    since: new Date(wallMicros / 1000).toISOString(),
    until: new Date(wallMicros / 1000 + 30_000).toISOString(),
  };
  t.strictSame(lines(), [{ level: 'warn', fields, message: 'holding the last good answer' }]);
  node.die(5, 'silent');
  t.strictSame(lines(), [], 'one more instance of it is no news');
  node.clock.advance(30_000);
  node.registry.tick(node.clock.now());
  const over = { fields: { service: 'math/add' }, message: 'no longer holding' };
  t.strictSame(lines(), [{ level: 'info', ...over }]);
  t.end();
});

t.test('a hold that ends since all are back has a line too', (t) => {
  const node = new Node();
  node.holdService('math', 'add');
  const { log, lines } = logged(node);
  log.start();
  t.match(lines(), [{ level: 'warn' }], 'what is held at the start is told');
  for (const key of [2, 3, 4]) {
    const { owner } = signerOf(key);
    node.registry.observe(owner, { kind: 'linked' }, node.clock.now());
  }
  t.match(lines(), [{ message: 'no longer holding' }]);
  log.stop();
  for (const key of [2, 3, 4]) node.die(key, 'silent');
  t.strictSame(lines(), [], 'none after the stop');
  t.end();
});

t.test('of many services at once twenty have a line, and the rest is a number', (t) => {
  const node = new Node();
  node.holdServices(
    'math',
    Array.from({ length: 25 }, (_, index) => `s${index}`),
  );
  const { log, lines } = logged(node);
  log.start();
  const told = lines();
  t.equal(told.length, 21);
  const last = { fields: { services: 5 }, message: 'holding or no longer holding more' };
  t.strictSame(told.at(-1), { level: 'warn', ...last });
  t.end();
});

import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { MemberLog } from '../../src/daemon/member-log.ts';
import { Node } from '../api/fixture.ts';
import { makeFacts, signerOf } from '../record/fixtures.ts';

/** A member log over a registry; `lines` empties what was written. */
function logged(node: Node) {
  const entries: { fields: object; message: string }[] = [];
  const info = (fields: object, message: string): void => void entries.push({ fields, message });
  const log = new MemberLog(node.registry, { ...silentLog, info });
  return { log, lines: () => entries.splice(0) };
}

const bob = signerOf(2).owner;
const facts = makeFacts({ name: 'bob' });

t.test('a member that comes, goes and returns has a line each time', (t) => {
  const node = new Node();
  const { log, lines } = logged(node);
  log.start();
  t.strictSame(lines(), [], 'not this node itself');
  node.hear(2, [], facts);
  const line = (state: string, message: string) => ({
    fields: { member: 'bob', peerId: bob, state },
    message,
  });
  t.strictSame(lines(), [line('alive', 'member is alive')]);
  node.registry.observe(bob, { kind: 'unreachable', why: 'refused' }, node.clock.now());
  t.strictSame(lines(), [line('dead', 'member is dead')]);
  node.registry.observe(bob, { kind: 'linked' }, node.clock.now());
  t.strictSame(lines(), [line('alive', 'member is alive')]);
  node.hear(2, [], { ...facts, left: true });
  t.strictSame(lines(), [line('left', 'member left')]);
  t.end();
});

t.test('what changes no state of a member writes no line', async (t) => {
  const node = new Node();
  const { log, lines } = logged(node);
  log.start();
  node.hear(2, [], facts);
  lines();
  node.hear(2, [], facts);
  node.registry.observe(bob, { kind: 'linked' }, node.clock.now());
  await node.service.register({ group: 'math', name: 'add', port: 5001 });
  t.strictSame(lines(), []);
});

t.test('members of before are told at the start, and none after the stop', (t) => {
  const node = new Node();
  node.hear(2, [], facts);
  const { log, lines } = logged(node);
  log.start();
  t.match(lines(), [{ fields: { member: 'bob' }, message: 'member is alive' }]);
  log.stop();
  node.registry.observe(bob, { kind: 'unreachable', why: 'refused' }, node.clock.now());
  t.strictSame(lines(), []);
  t.end();
});

t.test('a member that was silent for too long is forgotten', (t) => {
  const node = new Node({ reapAfterMs: 10_000, clockAheadMs: 1_000, headRefreshMs: 1_000 });
  const { log, lines } = logged(node);
  log.start();
  node.hear(2, [], facts);
  lines();
  node.clock.advance(10_002);
  node.registry.tick(node.clock.now());
  t.strictSame(lines(), [{ fields: { peerId: bob }, message: 'member is forgotten' }]);
  t.end();
});

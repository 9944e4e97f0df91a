/**
 * Names made to break keys, paths, prototypes and logs. That an entry of the log stays one line,
 * whatever a node calls itself, is in test/daemon/logger.test.ts.
 */
import t from 'tap';
import { encodeFrame, encodeRumor } from '../../src/gossip/message.ts';
import { TestCluster } from '../gossip/cluster.ts';
import { delta, headOf, HostilePeer, refusedSince, stateOf } from './hostile-peer.ts';

const rightToLeft = '\u202emarf';
const bad: readonly (readonly [string, string])[] = [
  ['__proto__', '__proto__'],
  ['a path', '../../etc/passwd'],
  ['a slash, which ends a part of a key', 'a/b'],
  ['NUL', 'a\0b'],
  ['a new line', 'a\nlevel=error msg=forged'],
  ['an escape of the terminal', '\u001b[2J'],
  ['a mark that turns the text around', rightToLeft],
  ['a letter that looks like another', 'p\u0430yments'],
  ['a space', 'a b'],
  ['nothing', ''],
  ['161 characters', 'n'.repeat(161)],
];

t.test('in a record of a peer no part of the key may be one of them', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const fields = ['group', 'name', 'instanceId'] as const;
  let number = 300;
  for (const [what, text] of bad)
    for (const field of fields) {
      const owner = new HostilePeer(cluster, number++);
      const [before, counted] = [stateOf(node), refusedSince(node)];
      const record = owner.record({ [field]: text });
      const rumor = { head: owner.head([record]), previous: 0, records: [record.bytes] };
      t.equal(node.agent.rumor(`relay ${number}`, encodeRumor(rumor)), 'reject');
      t.strictSame(refusedSince(node, counted), { INVALID_NAME: 1 }, `${what} as ${field}`);
      t.equal(stateOf(node), before);
    }
});

t.test('text that is no UTF-8 is malformed before anybody asks for its name', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const owner = new HostilePeer(cluster, 66);
  const record = owner.record({ name: 'half-a-pair-\ud800' });
  const rumor = { head: owner.head([record]), previous: 0, records: [record.bytes] };
  t.equal(node.agent.rumor('relay', encodeRumor(rumor)), 'reject');
  t.strictSame(refusedSince(node), { MALFORMED: 1 });
});

t.test('a name of a mebibyte is refused for its size, before it is decoded', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const record = peer.record({ name: 'n'.repeat(1_000_000) });
  const head = peer.head([record]);
  peer.send(node.registry.self, delta(head, [record.bytes]));
  cluster.run(5);
  t.strictSame(refusedSince(node), { RECORD_TOO_LARGE: 1 });
  const large = peer.head([], {
    facts: { ...headOf(peer.signer, 1).facts, name: 'n'.repeat(1_000_000) },
  });
  peer.send(node.registry.self, delta(large, []));
  cluster.run(5);
  t.strictSame(refusedSince(node), { RECORD_TOO_LARGE: 1, HEAD_TOO_LARGE: 1 });
});

t.test('metadata whose keys are those of every object reach no prototype', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const metadata = Object.fromEntries([
    ['constructor', 'x'],
    ['toString', 'y'],
    ['hasOwnProperty', 'z'],
  ]);
  Object.defineProperty(metadata, '__proto__', { value: 'polluted', enumerable: true });
  const record = peer.record({ metadata });
  const head = peer.head([record]);
  peer.send(node.registry.self, delta(head, [record.bytes]));
  cluster.run(5);
  t.equal(node.registry.index.list('test').length, 1, 'it is taken: metadata is free text');
  t.equal(Object.getPrototypeOf({}), Object.prototype);
  t.notOk('polluted' in {});
  t.equal(typeof {}.toString, 'function');
});

t.test('what a peer tells people when it refuses a link has a bound', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const refusal = (sentence: string): Uint8Array =>
    encodeFrame({ kind: 'refusal', reason: 'x', sentence });
  peer.sendBytes(node.registry.self, refusal('n'.repeat(1_001)));
  cluster.run(5);
  t.strictSame(refusedSince(node), { MALFORMED: 1 });
  t.ok(peer.isLinked(node));
  peer.sendBytes(node.registry.self, refusal('n'.repeat(1_000)));
  cluster.run(5);
  t.notOk(peer.isLinked(node), 'one that is taken ends the link');
});

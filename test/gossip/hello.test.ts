import t from 'tap';
import { helloFault, helloTo } from '../../src/gossip/hello.ts';
import { bare, protocolVersion } from '../../src/gossip/message.ts';
import { makeFacts, makeState } from '../record/fixtures.ts';
import { signerOf } from './cluster.ts';
import { LoneNode } from './lone-node.ts';

const now = { protocolMin: protocolVersion, protocolMax: protocolVersion };

t.test('a hello of the same cluster and a common protocol version is accepted', (t) => {
  t.equal(helloFault({ cluster: 'a', ...now }, 'a'), undefined);
  const newer = { cluster: 'a', protocolMin: protocolVersion, protocolMax: protocolVersion + 1 };
  t.equal(helloFault(newer, 'a'), undefined, 'the next version speaks this one too');
  t.end();
});

t.test('another cluster is refused in the words of each side', (t) => {
  const fault = helloFault({ cluster: 'theirs', ...now }, 'own');
  t.equal(fault?.reason, 'WRONG_CLUSTER');
  t.match(fault?.sentence, /the other node is of cluster "theirs", this one of "own"/);
  t.match(fault?.toPeer, /the other node is of cluster "own", this one of "theirs"/);
  t.end();
});

t.test('no common protocol version is refused, whoever is the older', (t) => {
  for (const version of [protocolVersion - 1, protocolVersion + 1]) {
    const other = { cluster: 'a', protocolMin: version, protocolMax: version };
    const fault = helloFault(other, 'a');
    t.equal(fault?.reason, 'PROTOCOL_VERSION');
    t.match(fault?.sentence, `speaks gossip protocol ${version} to ${version}, this one`);
    t.match(fault?.toPeer, `this one ${version} to ${version}: upgrade`);
  }
  t.end();
});

t.test('this node says who it is, and whom it had thought dead', (t) => {
  const node = new LoneNode();
  const { registry, context, clock } = node;
  const signer = signerOf(2);
  const hear = (incarnation: number, left = false): void => {
    clock.advance(1_000);
    const lastUpdate = clock.now().wallMicros;
    const facts = makeFacts({ left });
    const { head } = makeState([], { lastUpdate, incarnation, facts }, signer);
    registry.receive(head, [], true, clock.now());
  };
  const thoughtDead = (): boolean | undefined => helloTo(signer.owner, context)?.thoughtDead;
  const own = registry.state(registry.self);
  const time = clock.now().wallMicros;
  const said = { kind: 'hello', cluster: 'test', ...now, time, thoughtDead: false };
  t.strictSame(helloTo(signer.owner, context), { ...said, head: own && bare(own.head) });
  hear(1);
  t.equal(thoughtDead(), false);
  registry.observe(signer.owner, { kind: 'unreachable', why: 'refused' }, clock.now());
  t.equal(thoughtDead(), true);
  registry.observe(signer.owner, { kind: 'dismissed', incarnation: 1 }, clock.now());
  t.equal(thoughtDead(), true, 'dismissed as dead: it can say that it lives');
  hear(2);
  t.equal(thoughtDead(), false);
  hear(2, true);
  t.equal(thoughtDead(), false, 'who said goodbye itself is not contradicted');
  t.end();
});

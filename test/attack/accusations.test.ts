/** Accusations that nobody may make: nobody is suspected, nothing grows, and forgers are banned. */
import t from 'tap';
import { isSignedByBoth, sealAccusation, sealToken } from '../../src/membership/accusation.ts';
import type { Claim, Token } from '../../src/membership/accusation.ts';
import { accusationsPerMinuteMax } from '../../src/membership/docket.ts';
import { disco } from '../../src/gen/gossip.js';
import type { Sealed } from '../../src/record/head.ts';
import { sha256 } from '../../src/record/hash.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Signer } from '../../src/record/signature.ts';
import { signerOf, TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { countOf, isToAll, MemberLog } from '../gossip/member-log.ts';
import { HostilePeer, refusedSince } from './hostile-peer.ts';

const wire = disco.gossip.v1;

/** Three nodes: 1 is attacked, 2 is accused; and somebody linked with node 1. */
async function attack(): Promise<{
  cluster: TestCluster;
  node: TestNode;
  subject: TestNode;
  liar: HostilePeer;
  log: MemberLog;
}> {
  const cluster = await TestCluster.of(3);
  const [node, subject] = [cluster.node(1), cluster.node(2)];
  const liar = HostilePeer.greeted(cluster, 66, node);
  cluster.run(1_000);
  return { cluster, node, subject, liar, log: new MemberLog(cluster) };
}

/** What an accuser would say of a subject now. */
function claimOn(cluster: TestCluster, subject: TestNode, fields: Partial<Claim> = {}): Claim {
  const { registry } = subject;
  const { wallMicros } = cluster.clock.now();
  const incarnation = registry.member(registry.self)?.incarnation ?? 0;
  const plain = { incarnation, since: wallMicros, at: wallMicros, confirmed: false };
  return { ...plain, reason: 'silent', ...fields };
}

/** Signed by `accuser`, with a token that says what `token` says and is signed by `granter`. */
function forge(claim: Claim, token: Token, granter: Signer, accuser: Signer): Sealed {
  const [subject, observer] = [keyOf(token.subject), keyOf(token.observer)];
  const { issuedAt } = token;
  const tokenBody = wire.Token.encode({ subject, observer, issuedAt }).finish();
  const signature = granter.sign('disco/v1/token', 'test', tokenBody);
  const { incarnation, since, at, confirmed } = claim;
  const plain = { incarnation, since, at, confirmed, reason: 2 };
  const sealedToken = { body: tokenBody, signature };
  const body = wire.Accusation.encode({ token: sealedToken, ...plain }).finish();
  return { body, signature: accuser.sign('disco/v1/accusation', 'test', body) };
}

function keyOf(owner: string): Uint8Array {
  return keyOfOwner(owner) as Uint8Array;
}

/** What a liar with a token of the subject can say. */
function granted(
  cluster: TestCluster,
  subject: TestNode,
  liar: Signer,
  fields: Partial<Claim> = {},
): Sealed {
  const claim = claimOn(cluster, subject, fields);
  const issuedAt = Math.min(claim.since, cluster.clock.now().wallMicros) - 1_000_000;
  const token = { subject: subject.registry.self, observer: liar.owner, issuedAt };
  const sealed = sealToken(token, 'test', signerOf(subject.number));
  const { body, signature } = sealAccusation(sealed, claim, 'test', liar);
  return { body, signature };
}

type Attack = Awaited<ReturnType<typeof attack>>;

const forgeries: [string, string, (attack: Attack) => Sealed][] = [
  [
    'without a token',
    'MALFORMED',
    ({ cluster, subject, liar }) => {
      const { reason: _, ...claim } = claimOn(cluster, subject);
      const body = wire.Accusation.encode({ ...claim, reason: 2 }).finish();
      return { body, signature: liar.signer.sign('disco/v1/accusation', 'test', body) };
    },
  ],
  [
    'with a token that the accuser signed itself',
    'BAD_SIGNATURE',
    ({ cluster, subject, liar }) => {
      const claim = claimOn(cluster, subject);
      const token = { subject: subject.registry.self, observer: liar.id, issuedAt: claim.since };
      return forge(claim, token, liar.signer, liar.signer);
    },
  ],
  [
    'with the token of another observer',
    'BAD_SIGNATURE',
    ({ cluster, subject, liar }) => {
      const claim = claimOn(cluster, subject);
      const observer = signerOf(3).owner;
      const token = { subject: subject.registry.self, observer, issuedAt: claim.since };
      return forge(claim, token, signerOf(subject.number), liar.signer);
    },
  ],
  [
    'with a token of another subject',
    'BAD_SIGNATURE',
    ({ cluster, subject, liar }) => {
      const claim = claimOn(cluster, subject);
      const token = { subject: subject.registry.self, observer: liar.id, issuedAt: claim.since };
      return forge(claim, token, signerOf(3), liar.signer);
    },
  ],
  [
    'with a signature that is none',
    'BAD_SIGNATURE',
    ({ cluster, subject, liar }) => ({
      ...granted(cluster, subject, liar.signer),
      signature: new Uint8Array(64),
    }),
  ],
];

for (const [how, reason, make] of forgeries)
  t.test(`an accusation ${how} is ${reason}, and the third ends the link`, async (t) => {
    const attacked = await attack();
    const { cluster, node, liar, log } = attacked;
    const before = refusedSince(node);
    const { self } = node.registry;
    for (let time = 0; time < 2; time++)
      liar.send(self, { kind: 'accusation', sealed: make(attacked) });
    cluster.run(10);
    t.ok(liar.isLinked(node));
    const accusations = [make(attacked)];
    const rumor = { head: undefined, previous: 0, records: [], accusations };
    liar.send(self, { kind: 'rumor', rumor });
    cluster.run(10);
    t.notOk(liar.isLinked(node), 'banned');
    liar.send(self, { kind: 'accusation', sealed: make(attacked) });
    cluster.run(5_000);
    t.strictSame(refusedSince(node, before), { [reason]: 3 });
    t.strictSame(
      log.changes.filter(({ of }) => of !== 0),
      [],
    );
    t.equal(countOf(cluster, 'refutations'), 0, 'the accused never heard of it');
  });

t.test('a forged accusation in a broadcast is a strike and goes no further', async (t) => {
  const { cluster, node, subject, liar, log } = await attack();
  const sealed = { ...granted(cluster, subject, liar.signer), signature: new Uint8Array(64) };
  const at = cluster.node(3);
  const before = refusedSince(at);
  for (let time = 0; time < 3; time++) {
    const accusations = [sealed];
    // Rumors that are alike are heard once.
    liar.publish({ head: undefined, previous: time, records: [], accusations });
  }
  cluster.run(100);
  t.notOk(liar.isLinked(node), 'banned');
  t.strictSame(refusedSince(at, before), {});
  t.strictSame(
    log.changes.filter(({ of }) => of !== 0),
    [],
  );
});

t.test('a token for another observer is not kept: who has it cannot accuse', async (t) => {
  const { cluster, node, liar } = await attack();
  const { wallMicros } = cluster.clock.now();
  const send = (token: Token, signer: Signer): void => {
    const { body, signature } = sealToken(token, 'test', signer);
    liar.send(node.registry.self, { kind: 'token', sealed: { body, signature } });
  };
  const before = refusedSince(node);
  send(
    { subject: liar.id, observer: cluster.node(3).registry.self, issuedAt: wallMicros },
    liar.signer,
  );
  send(
    { subject: signerOf(3).owner, observer: node.registry.self, issuedAt: wallMicros },
    signerOf(3),
  );
  cluster.run(10);
  t.strictSame(refusedSince(node, before), { OWNER_MISMATCH: 2 });
  send({ subject: liar.id, observer: node.registry.self, issuedAt: wallMicros }, liar.signer);
  cluster.run(10);
  t.strictSame(refusedSince(node, before), { OWNER_MISMATCH: 2 });
});

t.test('10,000 accusations of one accuser: as many as its rate allows, then none', async (t) => {
  const { cluster, node, subject, liar } = await attack();
  const { self } = node.registry;
  const before = refusedSince(node);
  const { wallMicros } = cluster.clock.now();
  // Each is newer than the one before, and none is answered before the last has come.
  for (let count = 0; count < 10_000; count++) {
    const at = wallMicros + count;
    const sealed = granted(cluster, subject, liar.signer, { since: wallMicros, at });
    liar.send(self, { kind: 'accusation', sealed });
  }
  cluster.run(2);
  const { counters } = node.engine;
  const taken = counters.get('accusations_new');
  t.ok(taken >= 1 && taken <= accusationsPerMinuteMax, `${taken} taken`);
  t.ok(node.engine.accusersOf(subject.registry.self).length <= 1);
  cluster.run(5_000);
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
  const { ACCUSATIONS_THROTTLED = 0, ...others } = refusedSince(node, before);
  t.strictSame(others, {});
  t.ok(ACCUSATIONS_THROTTLED + counters.get('accusations_void') >= 9_900);
  t.ok(liar.isLinked(node), 'haste is no offence');
  t.ok(countOf(cluster, 'refutations') <= 2);
});

t.test(
  '10,000 accusations of lives that are none are not held, nor asked for at length',
  async (t) => {
    const { cluster, node, subject, liar, log } = await attack();
    const { self } = node.registry;
    const asked = liar.received('want').length;
    for (let count = 0; count < 10_000; count++) {
      const { incarnation } = claimOn(cluster, subject);
      const fields = { incarnation: incarnation + 1 + count };
      liar.send(self, {
        kind: 'accusation',
        sealed: granted(cluster, subject, liar.signer, fields),
      });
    }
    cluster.run(2_000);
    t.strictSame(node.engine.accusersOf(subject.registry.self), []);
    t.strictSame(
      log.changes.filter(({ of }) => of !== 0),
      [],
    );
    t.equal(node.engine.counters.get('accusations_early'), 10_000);
    const wants = liar.received('want').length - asked;
    t.ok(wants <= 100, `${wants} questions`);
    t.equal(countOf(cluster, 'refutations'), 0);
    cluster.register(2, 'add');
    cluster.run(100);
    t.ok(cluster.seenBy(1).includes('add'));
  },
);

t.test('accusations of a subject that nobody knows are not held', async (t) => {
  const { cluster, node, liar } = await attack();
  const { self } = node.registry;
  const { heads } = node;
  cluster.run(5_000);
  const before = heads.sketch.count;
  for (let count = 0; count < 200; count++) {
    const stranger = signerOf(1_000 + count);
    const claim = claimOn(cluster, node, { incarnation: 1 });
    const token = { subject: stranger.owner, observer: liar.id, issuedAt: claim.since };
    liar.send(self, {
      kind: 'accusation',
      sealed: forge(claim, token, stranger, liar.signer),
    });
  }
  cluster.run(2_000);
  t.equal(heads.sketch.count, before);
  t.equal(node.engine.counters.get('accusations_early'), 200);
});

t.test('who is no neighbor of the accused has no token of it', async (t) => {
  const { cluster, node, subject, liar } = await attack();
  // Linked with node 1 alone: that is the only one that it can accuse.
  const given = liar.received('token');
  t.equal(given.length, 1);
  const { body } = (given[0] as { sealed: Sealed }).sealed;
  const token = wire.Token.decode(body);
  t.strictSame(Buffer.from(token.subject), Buffer.from(keyOf(node.registry.self)));
  t.strictSame(Buffer.from(token.observer), Buffer.from(keyOf(liar.id)));
  const claim = claimOn(cluster, subject);
  const own = { subject: subject.registry.self, observer: liar.id, issuedAt: claim.since };
  const sealed = forge(claim, own, liar.signer, liar.signer);
  t.notOk(
    isSignedByBoth(
      {
        ...sealed,
        hash: sha256(sealed.body),
        accusation: { ...claim, subject: own.subject, accuser: liar.id },
      },
      'test',
      ed25519Verifier,
    ),
  );
});

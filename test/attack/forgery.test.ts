/** Forged heads and records, and what belongs to somebody else: refused by name, the forger banned. */
import t from 'tap';
import { bare } from '../../src/gossip/message.ts';
import type { Frame, Rumor } from '../../src/gossip/frame.ts';
import { sealHead } from '../../src/record/head.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { RefusalReason } from '../../src/record/verdict.ts';
import { signerOf, TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { Ghost } from '../gossip/ghosts.ts';
import { delta, headOf, HostilePeer, refusedSince, stateOf } from './hostile-peer.ts';

interface Scene {
  readonly cluster: TestCluster;
  /** An honest node that is attacked, and another one. */
  readonly node: TestNode;
  readonly victim: TestNode;
  readonly peer: HostilePeer;
}

/** Three honest nodes that see `add` of the second, and a hostile member linked with the first. */
async function setScene(): Promise<Scene> {
  const cluster = await TestCluster.of(3);
  cluster.register(2, 'add');
  cluster.run(1_000);
  const [node, victim] = [cluster.node(1), cluster.node(2)];
  return { cluster, node, victim, peer: HostilePeer.greeted(cluster, 66, node) };
}

const rumor = (head: Sealed, records: readonly Uint8Array[]): Frame => ({
  kind: 'rumor',
  rumor: { head, previous: 0, records },
});

/** What it says, as a frame, and why that is refused. */
interface Forgery {
  readonly what: string;
  readonly reason: RefusalReason;
  make(scene: Scene): Frame;
}

/** The victim's next head, as anybody might make it up who has another key. */
function forgedHead({ cluster, victim, peer }: Scene): Sealed {
  const { wallMicros } = cluster.clock.now();
  const { owner } = signerOf(victim.number);
  return bare(
    sealHead(headOf(signerOf(2), wallMicros, [], { owner, incarnation: 9 }), peer.signer),
  );
}

/** A true head that nobody here holds yet, and its records. */
function strangeTruth({ cluster }: Scene): { head: Sealed; records: Uint8Array[] } {
  const { state } = new Ghost(100, cluster.clock.now().wallMicros, 3);
  return { head: bare(state.head), records: [...state.set.records()].map(({ bytes }) => bytes) };
}

const forgeries: readonly Forgery[] = [
  {
    what: "another's head, signed with the own key, in a rumor",
    reason: 'BAD_SIGNATURE',
    make: (scene) => rumor(forgedHead(scene), []),
  },
  {
    what: "another's head, signed with the own key, in a delta",
    reason: 'BAD_SIGNATURE',
    make: (scene) => delta(forgedHead(scene), []),
  },
  {
    what: 'a head without a signature',
    reason: 'BAD_SIGNATURE',
    make: (scene) => delta({ ...scene.peer.head(), signature: new Uint8Array() }, []),
  },
  {
    what: "another's record under an own head that commits to it",
    reason: 'OWNER_MISMATCH',
    make: ({ peer, victim }) => {
      const record = peer.record({ owner: victim.registry.self });
      return delta(peer.head([record]), [record.bytes]);
    },
  },
  {
    what: "another's record in a rumor",
    reason: 'OWNER_MISMATCH',
    make: ({ peer, victim }) => {
      const record = peer.record({ owner: victim.registry.self });
      return rumor(peer.head([record]), [record.bytes]);
    },
  },
  {
    what: 'a true head with a record of the own',
    reason: 'OWNER_MISMATCH',
    make: (scene) => {
      const { head, records } = strangeTruth(scene);
      return delta(head, [...records.slice(1), scene.peer.record().bytes]);
    },
  },
  {
    what: 'a true head without one of its records',
    reason: 'ROOT_MISMATCH',
    make: (scene) => {
      const { head, records } = strangeTruth(scene);
      return delta(head, records.slice(1));
    },
  },
  {
    what: 'a true head with a record of another of its heads',
    reason: 'ROOT_MISMATCH',
    make: (scene) => {
      const { head, records } = strangeTruth(scene);
      const { wallMicros } = scene.cluster.clock.now();
      const [older] = [...new Ghost(100, wallMicros - 1, 1).state.set.records()];
      return delta(head, [older?.bytes ?? new Uint8Array(), ...records.slice(1)]);
    },
  },
  {
    what: 'a record that is cut short',
    reason: 'MALFORMED',
    make: ({ peer }) => {
      const record = peer.record();
      return delta(peer.head([record]), [record.bytes.subarray(1)]);
    },
  },
  {
    what: "a digest that is signed, but not by this link's other end",
    reason: 'BAD_SIGNATURE',
    make: ({ cluster }) => new HostilePeer(cluster, 67).digest({}),
  },
];

t.test('every forgery is refused by its name and changes nothing', async (t) => {
  const scene = await setScene();
  for (const [index, { what, reason, make }] of forgeries.entries()) {
    // Each by another peer, since nobody gets beyond three.
    const peer = HostilePeer.greeted(scene.cluster, 200 + index, scene.node);
    const [before, counted] = [stateOf(scene.node), refusedSince(scene.node)];
    peer.send(scene.node.registry.self, make({ ...scene, peer }));
    scene.cluster.run(5);
    t.strictSame(refusedSince(scene.node, counted), { [reason]: 1 }, what);
    t.equal(stateOf(scene.node), before, `${what}: nothing changed`);
    t.ok(peer.isLinked(scene.node), 'once may be an accident');
  }
  scene.cluster.run(5_000);
  t.strictSame(scene.cluster.seenBy(1), ['add']);
});

t.test('the third forgery brings the ban, whatever the three are', async (t) => {
  for (const [index, { what }] of forgeries.entries()) {
    const scene = await setScene();
    const { cluster, node, peer } = scene;
    const before = stateOf(node);
    for (let time = 0; time < 3; time++) {
      t.ok(peer.isLinked(node));
      const forgery = forgeries[(index + time) % forgeries.length] as Forgery;
      peer.send(node.registry.self, forgery.make(scene));
      cluster.run(5);
    }
    const [refusal] = peer.received('refusal');
    t.match(refusal, { reason: 'BANNED', sentence: /3 times/ }, `beginning with ${what}`);
    t.notOk(peer.isLinked(node), 'it is hung up');
    peer.link(node);
    t.equal(node.registry.refusals.get('BANNED'), 1, 'and its hello is refused');
    cluster.run(1_000);
    t.equal(JSON.parse(stateOf(node))[2].length, JSON.parse(before)[2].length);
    for (const number of [1, 2, 3])
      t.equal(cluster.node(number).registry.refusals.get('BANNED'), +(number === 1));
  }
});

t.test(
  'what a banned peer says is not even read: at most three signatures are checked',
  async (t) => {
    const scene = await setScene();
    const { cluster, node, peer } = scene;
    const frame = rumor(forgedHead(scene), []);
    const broadcast = { head: forgedHead(scene), previous: 0, records: [] } satisfies Rumor;
    for (let time = 0; time < 5_000; time++) {
      peer.send(node.registry.self, frame);
      if (time % 100 === 0) cluster.run(1);
    }
    for (let time = 0; time < 100; time++) peer.publish({ ...broadcast, previous: time });
    cluster.run(100);
    t.equal(node.registry.refusals.get('BAD_SIGNATURE'), 3);
    t.strictSame(cluster.seenBy(1), ['add']);
  },
);

t.test(
  'a forged broadcast goes no further than one hop, and no honest relay is blamed',
  async (t) => {
    const cluster = await TestCluster.of(6);
    cluster.register(2, 'add');
    cluster.run(500);
    const peer = HostilePeer.greeted(cluster, 66, cluster.node(1));
    const scene = { cluster, node: cluster.node(1), victim: cluster.node(2), peer };
    for (let time = 0; time < 2; time++) {
      peer.publish({ head: forgedHead(scene), previous: 0, records: [] });
      cluster.run(50);
    }
    const counted = [1, 2, 3, 4, 5, 6].map((number) =>
      cluster.node(number).registry.refusals.get('BAD_SIGNATURE'),
    );
    t.strictSame(counted, [2, 0, 0, 0, 0, 0]);
    t.strictSame(cluster.seenBy(6), ['add']);
    for (const { engine } of cluster.nodes.values()) t.ok(engine.linkCount >= 5);
  },
);

t.test(
  'a hello with a forged head is refused, and the link says nothing about its owner',
  async (t) => {
    const scene = await setScene();
    const { cluster, node, victim, peer } = scene;
    const before = stateOf(node);
    peer.greet(node.registry.self, { head: forgedHead(scene) });
    cluster.run(5);
    t.equal(node.registry.refusals.get('BAD_SIGNATURE'), 1);
    t.equal(stateOf(node), before);
    t.equal(
      node.registry.member(victim.registry.self)?.incarnation,
      victim.registry.member(victim.registry.self)?.incarnation,
    );
  },
);

import t from 'tap';
import { PacketNetwork } from '../../../bench/models/packet-network.ts';
import { SwimNode } from '../../../bench/models/swim.ts';
import { configurations, suspicionMs } from '../../../bench/models/swim-timing.ts';
import type { Configuration } from '../../../bench/models/swim-timing.ts';
import type { SwimState } from '../../../bench/models/swim-wire.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { VirtualClock } from '../../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../../src/sim/node-process.ts';

interface Seen {
  readonly atMs: number;
  readonly node: number;
  readonly subject: number;
  readonly state: SwimState;
}

/** Nodes 1 to `count`, which know each other. */
function cluster(count: number, configuration: Configuration, loss = 0) {
  const clock = new VirtualClock();
  const random = seededRandom(3);
  const network = new PacketNetwork(clock, random, { latencyMs: 1, latencyJitter: 0.2, loss });
  const seen: Seen[] = [];
  const changed = (node: number, subject: number, state: SwimState): void => {
    seen.push({ atMs: clock.now().monoMs, node, subject, state });
  };
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const processes = numbers.map(() => new NodeProcess(clock));
  const nodes = processes.map((process, index) => {
    const rest = { process, network, random, observer: { changed } };
    const options = configurations[configuration];
    return new SwimNode({ number: index + 1, nodes: numbers, options, ...rest });
  });
  for (const node of nodes) node.start();
  return { clock, network, seen, processes, nodes } as const;
}

type Cluster = ReturnType<typeof cluster>;

const statesOf = ({ nodes }: Cluster, subject: number): (SwimState | undefined)[] =>
  nodes.filter(({ number }) => number !== subject).map((node) => node.peer(subject)?.state);

/** Seven others say so. */
const allOf = (state: SwimState): SwimState[] => Array.from({ length: 7 }, () => state);

for (const configuration of Object.keys(configurations) as Configuration[]) {
  t.test(`where all are well nobody is suspected: ${configuration}`, (t) => {
    const { clock, seen, nodes, network } = cluster(8, configuration);
    clock.advance(60_000);
    t.strictSame(seen, []);
    t.ok(nodes.every(({ awareness, incarnation }) => awareness.score === 0 && incarnation === 1));
    const probes = 8 * 60 * 2;
    t.ok(Math.abs(network.sent.messages - probes) < 60, 'a ping and an ack a second and node');
    t.end();
  });

  t.test(
    `a node that is gone is dead for all, not before it was suspected: ${configuration}`,
    (t) => {
      const gone = cluster(8, configuration);
      const { clock, seen, processes } = gone;
      clock.advance(5_000);
      processes[7]?.block();
      clock.advance(20_000);
      t.strictSame(statesOf(gone, 8), allOf('dead'));
      const suspected = seen.find(({ subject, state }) => subject === 8 && state === 'suspect');
      const dead = seen.find(({ node, subject, state }) => {
        return node !== 8 && subject === 8 && state === 'dead';
      });
      const { suspicionMult, probeIntervalMs } = configurations[configuration];
      const minMs = suspicionMs(suspicionMult, 8, probeIntervalMs);
      t.ok((dead?.atMs ?? 0) - (suspected?.atMs ?? 0) >= minMs - 1);
      t.end();
    },
  );
}

t.test('an accused node that lives refutes with a higher incarnation, and all believe it', (t) => {
  const accused = cluster(8, 'swim');
  const { clock, nodes } = accused;
  clock.advance(5_000);
  nodes[0]?.suspect(8, 1);
  t.equal(nodes[0]?.peer(8)?.state, 'suspect');
  clock.advance(2_000);
  t.strictSame(statesOf(accused, 8), allOf('alive'));
  t.ok(nodes.slice(0, 7).every((node) => node.peer(8)?.incarnation === 2));
  t.equal(nodes[7]?.incarnation, 2);
  t.end();
});

t.test('an accusation of an incarnation that was refuted already is ignored', (t) => {
  const { clock, nodes, seen } = cluster(8, 'lifeguard');
  nodes[7]?.packet([{ kind: 'suspect', node: 8, incarnation: 1, from: 1 }]);
  clock.advance(2_000);
  const [before, first] = [seen.length, nodes[0]];
  for (const kind of ['suspect', 'dead'] as const)
    first?.packet([{ kind, node: 8, incarnation: 1, from: 2 }]);
  t.equal(first?.peer(8)?.state, 'alive');
  t.equal(seen.length, before);
  t.end();
});

t.test('a refutation is counted against the own health with Lifeguard, and not without', (t) => {
  for (const [configuration, score] of [
    ['lifeguard', 1],
    ['swim', 0],
  ] as const) {
    const { nodes } = cluster(8, configuration);
    nodes[7]?.packet([{ kind: 'suspect', node: 8, incarnation: 1, from: 1 }]);
    t.equal(nodes[7]?.awareness.score, score, configuration);
  }
  t.end();
});

t.test('a suspicion that nobody confirms lasts six times as long with Lifeguard', (t) => {
  for (const [configuration, mult] of [
    ['swim', 1],
    ['lifeguard', 6],
  ] as const) {
    const { clock, nodes, processes } = cluster(8, configuration);
    // Alone: nobody confirms anything to it.
    for (const process of processes) process.block();
    nodes[0]?.suspect(8, 1);
    const lastsMs = mult * suspicionMs(5, 8, 1_000);
    clock.advance(lastsMs - 1);
    t.equal(nodes[0]?.peer(8)?.state, 'suspect', configuration);
    clock.advance(1);
    t.equal(nodes[0]?.peer(8)?.state, 'dead', configuration);
  }
  t.end();
});

t.test('three confirmations make a suspicion as short as it can be', (t) => {
  const { clock, nodes, processes } = cluster(8, 'lifeguard');
  for (const process of processes) process.block();
  nodes[0]?.suspect(8, 1);
  for (const from of [2, 3, 3, 4])
    nodes[0]?.packet([{ kind: 'suspect', node: 8, incarnation: 1, from }]);
  clock.advance(suspicionMs(5, 8, 1_000) - 1);
  t.equal(nodes[0]?.peer(8)?.state, 'suspect');
  clock.advance(1);
  t.equal(nodes[0]?.peer(8)?.state, 'dead');
  t.end();
});

t.test('a node that was dead for all comes back when it is free again', (t) => {
  const away = cluster(8, 'lifeguard');
  const { clock, processes } = away;
  processes[7]?.block();
  clock.advance(25_000);
  t.strictSame(statesOf(away, 8), allOf('dead'));
  processes[7]?.unblock();
  clock.advance(5_000);
  t.strictSame(statesOf(away, 8), allOf('alive'));
  t.end();
});

t.test('who hears in an exchange that another one is dead only suspects it', (t) => {
  const { nodes } = cluster(8, 'lifeguard');
  const lines = [{ node: 8, incarnation: 1, state: 'dead' } as const];
  const answer = nodes[0]?.asked({ kind: 'states', lines, bytes: 1 });
  t.equal(nodes[0]?.peer(8)?.state, 'suspect');
  t.equal(answer?.kind === 'states' ? answer.lines.length : 0, 8, 'and tells all it knew');
  t.end();
});

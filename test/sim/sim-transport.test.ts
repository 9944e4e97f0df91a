import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../src/sim/node-process.ts';
import { SimNetwork } from '../../src/sim/network.ts';
import type { NetworkOptions } from '../../src/sim/network.ts';
import type { SimTransport } from '../../src/sim/sim-transport.ts';
import { Recorder, settleOn, transportContract } from '../contract/transport-contract.ts';

const calm: NetworkOptions = {
  latencyMs: 1,
  latencyJitter: 0.5,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  mesh: { d: 8, dLow: 6, dHigh: 16 },
};

interface Station {
  readonly transport: SimTransport;
  readonly process: NodeProcess;
  readonly heard: Recorder;
}

interface Lab {
  readonly clock: VirtualClock;
  readonly network: SimNetwork;
  readonly stations: readonly Station[];
}

/** Stations named `n1`, `n2`, … at `sim/1`, `sim/2`, …, each linked to the one before. */
function chain(count: number, options: Partial<NetworkOptions> = {}): Lab {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seededRandom(1), { ...calm, ...options });
  const stations = Array.from({ length: count }, (_, index) => {
    const process = new NodeProcess(clock);
    const number = index + 1;
    const transport = network.join(`n${number}`, `sim/${number}`, number, process);
    const heard = new Recorder();
    void transport.start(heard);
    return { transport, process, heard };
  });
  stations.slice(1).forEach((station, index) => stations[index]?.transport.link(station.transport));
  return { clock, network, stations };
}

t.test('the transport contract', (t) => {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seededRandom(1), calm);
  let created = 0;
  transportContract(t, {
    nowhere: 'sim/nowhere',
    create: (at = []) => {
      created += 1;
      const owner = `peer-${created}`;
      const process = new NodeProcess(clock);
      const transport = network.join(owner, at[0] ?? `sim/${created}`, created, process);
      return Promise.resolve({ owner, transport });
    },
    settle: (promise) => settleOn(clock, promise),
  });
  t.end();
});

t.test('a crashed node is unlinked by the others, and its address refuses', (t) => {
  const { clock, stations } = chain(2);
  const [a, b] = stations as [Station, Station];
  b.transport.crash();
  clock.advance(10);
  t.strictSame(a.heard.said, ['linked n2', 'unlinked n2']);
  a.transport.dial({ addresses: ['sim/2'] }, 1_000, (outcome) =>
    t.strictSame(outcome, { kind: 'failed', how: 'refused' }),
  );
  clock.advance(10);
  t.end();
});

t.test('a frozen node answers no dial and reads nothing until it goes on', (t) => {
  const { clock, stations, network } = chain(2);
  const [a, b] = stations as [Station, Station];
  b.process.pause();
  a.transport.send('n2', Buffer.from('meanwhile'));
  const stranger = network.join('n3', 'sim/3', 3, new NodeProcess(clock));
  void stranger.start(new Recorder());
  const outcomes: unknown[] = [];
  stranger.dial({ addresses: ['sim/2'] }, 1_000, (outcome) => outcomes.push(outcome));
  clock.advance(1_000);
  t.strictSame(outcomes, [{ kind: 'failed', how: 'timeout' }]);
  t.strictSame(b.heard.said, ['linked n1']);
  b.process.resume();
  t.strictSame(b.heard.said, ['linked n1', 'message n1 meanwhile']);
  t.end();
});

t.test('a blocked node is heard and hears once it is free, and its own dials time out', (t) => {
  const { clock, network, stations } = chain(2);
  const [a, b] = stations as [Station, Station];
  const stranger = network.join('n3', 'sim/3', 3, new NodeProcess(clock));
  void stranger.start(new Recorder());
  b.process.block();
  t.ok(a.transport.send('n2', Buffer.from('in')));
  t.ok(b.transport.send('n1', Buffer.from('out')), 'it does not know that it waits');
  const outcomes: unknown[] = [];
  b.transport.dial({ addresses: ['sim/3'] }, 1_000, (outcome) => outcomes.push(outcome));
  stranger.dial({ addresses: ['sim/2'] }, 1_000, (outcome) => outcomes.push(outcome));
  clock.advance(2_000);
  const timeout = { kind: 'failed', how: 'timeout' };
  t.strictSame(outcomes, [timeout, timeout]);
  t.strictSame([a.heard.said, b.heard.said], [['linked n2'], ['linked n1']]);
  b.process.unblock();
  clock.advance(10);
  t.strictSame([a.heard.said.at(-1), b.heard.said.at(-1)], ['message n2 out', 'message n1 in']);
  t.end();
});

t.test('a slow reader: what queues is bounded, and more is dropped', (t) => {
  const { clock, stations } = chain(2);
  const [a, b] = stations as [Station, Station];
  b.transport.slowDown(1_000, 1_000);
  t.equal(a.transport.send('n2', Buffer.alloc(900)), true);
  t.equal(a.transport.send('n2', Buffer.alloc(900)), false);
  clock.advance(2_000);
  t.equal(a.transport.send('n2', Buffer.alloc(900)), true, 'it has read the first');
  t.end();
});

t.test('another process with the same key takes over the link of the first', (t) => {
  const { clock, network, stations } = chain(2);
  const [a] = stations as [Station];
  const twin = network.join('n2', 'sim/2/twin', 2, new NodeProcess(clock));
  void twin.start(new Recorder());
  a.transport.dial({ peer: 'n2', addresses: ['sim/2/twin'] }, 1_000, () => undefined);
  clock.advance(100);
  t.strictSame(a.heard.said, ['linked n2', 'unlinked n2', 'linked n2']);
  t.end();
});

t.test('rumors are lost, doubled and overtaken as the network is told', (t) => {
  const told = (options: Partial<NetworkOptions>): string[] => {
    const { clock, stations } = chain(2, { latencyMs: 20, ...options });
    const [a, b] = stations as [Station, Station];
    for (let i = 100; i < 200; i++) {
      a.transport.publish(Buffer.from(String(i)));
      clock.advance(1);
    }
    clock.advance(100);
    t.equal(b.transport.mesh.firsts, b.heard.said.length - 1);
    return [...b.heard.said.slice(1), `and ${b.transport.mesh.duplicates} copies`];
  };
  const inOrder = told({});
  t.equal(inOrder.length, 101);
  t.strictSame(inOrder.slice(0, 100), inOrder.slice(0, 100).toSorted());
  t.equal(inOrder.at(-1), 'and 0 copies');
  t.ok(told({ loss: 0.3 }).length < 90);
  t.notMatch(told({ duplicate: 0.3 }).at(-1), 'and 0 copies');
  const overtaken = told({ reorder: 0.3 }).slice(0, 100);
  t.notSame(overtaken, overtaken.toSorted());
  t.end();
});

t.test('what was sent and received is counted with what the layers below add', (t) => {
  const { clock, stations } = chain(2);
  const [a, b] = stations as [Station, Station];
  a.transport.send('n2', Buffer.alloc(100));
  clock.advance(10);
  t.strictSame(
    [a.transport.sent.frameBytes, b.transport.received.frameBytes, b.transport.received.frames],
    [132, 132, 1],
  );
  t.end();
});

import { test } from 'tap';
import type { Test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../src/sim/node-process.ts';
import { SimNetwork } from '../../src/sim/network.ts';
import type { SimTransport } from '../../src/sim/sim-transport.ts';
import { Recorder } from '../contract/transport-contract.ts';

const mesh = { d: 8, dLow: 6, dHigh: 16 };
const calm = { latencyMs: 1, latencyJitter: 0, loss: 0, duplicate: 0, reorder: 0, mesh };

interface Lab {
  readonly clock: VirtualClock;
  readonly network: SimNetwork;
  readonly transports: readonly SimTransport[];
  readonly heard: readonly Recorder[];
}

/** Everyone linked to everyone. */
function lab(count: number): Lab {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seededRandom(1), calm);
  const heard = Array.from({ length: count }, () => new Recorder());
  const transports = heard.map((recorder, index) => {
    const transport = network.join(`n${index}`, `sim/${index}`, index, new NodeProcess(clock));
    void transport.start(recorder);
    return transport;
  });
  transports.forEach((a, i) => transports.slice(i + 1).forEach((b) => a.link(b)));
  return { clock, network, transports, heard };
}

const isAcross = (from: number, to: number): boolean => from % 2 !== to % 2;

test('under a cut nothing gets across, some links break soon and others after a minute', (t) => {
  const { clock, network, transports, heard } = lab(8);
  network.cut(isAcross);
  for (const a of transports) for (const peer of a.peers) a.send(peer, Buffer.from('x'));
  clock.advance(5_000);
  const heardAcross = heard.flatMap(({ said }, index) =>
    said.filter((line) => line.startsWith('message') && isAcross(index, Number(line[9]))),
  );
  t.strictSame(heardAcross, []);
  const broken = (): number => network.events.get('a link broke under a cut') ?? 0;
  t.ok(broken() > 2 && broken() < 14, `${broken()} of 16 broke soon`);
  clock.advance(60_000);
  t.equal(broken(), 16);
  t.end();
});

test('under a cut in one direction the other is heard until a window is full', (t) => {
  const oneWay = (from: number, to: number): boolean => from % 2 === 1 && to % 2 === 0;
  const heardAcross = ({ heard }: Lab): number[] =>
    [0, 1, 2, 3].map((place) => {
      const lines = heard[place]?.said.filter((line) => line.startsWith('message')) ?? [];
      return lines.filter((line) => isAcross(place, Number(line[9]))).length;
    });
  const tell = ({ clock, transports }: Lab): void => {
    for (const a of transports) for (const peer of a.peers) a.send(peer, Buffer.alloc(5_000));
    clock.advance(20);
  };
  const one = lab(8);
  one.network.cut(oneWay);
  tell(one);
  t.strictSame(heardAcross(one), [0, 4, 0, 4]);
  tell(one);
  tell(one);
  t.strictSame(heardAcross(one), [0, 8, 0, 8], 'two frames of 5,000 bytes from each, and no third');

  const both = lab(8);
  both.network.cut(oneWay);
  both.network.cut((from, to) => oneWay(to, from));
  tell(both);
  t.strictSame(heardAcross(both), [0, 0, 0, 0], 'nothing once the other direction is cut as well');
  t.end();
});

test('a silent link delivers what it held once the cut is healed', (t) => {
  const { clock, network, transports, heard } = lab(8);
  const heal = network.cut(isAcross);
  for (const a of transports) for (const peer of a.peers) a.send(peer, Buffer.from('held'));
  clock.advance(6_000);
  heal();
  clock.advance(10_000);
  const went = network.events.get('a silent link went on after a cut') ?? 0;
  t.ok(went > 0);
  const across = heard.flatMap(({ said }, index) =>
    said.filter((line) => line.startsWith('message') && isAcross(index, Number(line[9]))),
  );
  t.equal(across.length, 2 * went);
  t.end();
});

async function dial(t: Test, isCutFrom: number, isCutTo: number): Promise<void> {
  const { clock, network, transports } = lab(1);
  const process = new NodeProcess(clock);
  const other = network.join('other', 'sim/other', 1, process);
  await other.start(new Recorder());
  const heal = network.cut((from, to) => from === isCutFrom && to === isCutTo);
  const outcomes: unknown[] = [];
  transports[0]?.dial({ addresses: ['sim/other'] }, 1_000, (outcome) => outcomes.push(outcome));
  clock.advance(1_000);
  t.strictSame(outcomes, [{ kind: 'failed', how: 'timeout' }]);
  heal();
  transports[0]?.dial({ addresses: ['sim/other'] }, 1_000, (outcome) => outcomes.push(outcome));
  clock.advance(1_000);
  t.strictSame(outcomes[1], { kind: 'dialed', peer: 'other' });
}

test('a dial across a cut times out, also when only one direction is cut', async (t) => {
  await dial(t, 0, 1);
  await dial(t, 1, 0);
});

test('links break by chance when they are told to', (t) => {
  const { network, transports } = lab(8);
  network.breakLinks(0.5);
  const left = transports.reduce((sum, { peers }) => sum + [...peers].length, 0) / 2;
  t.ok(left > 4 && left < 24, `${left} of 28 are left`);
  t.end();
});

test('an address that another process took over stays with that one', (t) => {
  const { clock, network, transports } = lab(1);
  const next = network.join('n0', 'sim/0', 0, new NodeProcess(clock));
  void next.start(new Recorder());
  transports[0]?.crash();
  t.equal(network.at('sim/0'), next);
  t.end();
});

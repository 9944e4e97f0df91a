/**
 * Faults: what can go wrong, each as a strike on the world and, for what lasts, what ends it.
 *
 * `faultKinds` is the one table: its names are the kinds of `Fault`, its sentences the help.
 */
import type { Random } from '../base/random.ts';
import { partitionShapes, tornParts } from './fault-text.ts';
import type { Fault } from './run.ts';
import type { World } from './world.ts';

export interface FaultKind {
  readonly sentence: string;
  /** What `nodes` means; when it is empty, the random seed chooses. */
  readonly nodes: string;
  /** What `detail` means. */
  readonly detail: string;
  /** What happens at `untilMs`. */
  readonly until: string;
  /** @returns what ends it */
  readonly strike: (world: World, numbers: readonly number[], fault: Fault) => () => void;
  /** Nodes that are up may be thought dead meanwhile, and rightly: they cannot be reached. */
  readonly isExcuse: boolean;
  /** How many nodes are struck when none are named. */
  readonly count: (nodes: number) => number;
}

const fewOf = (nodes: number): number => Math.max(1, Math.round(nodes / 16));
const none = (): number => 0;
const nothing = (): void => undefined;

/** Nothing said is the usual; 0 is said, and means none. */
const amountOf = (detail: Fault['detail'], usual: number): number =>
  detail === '' ? usual : Number(detail);

/** Crashes the nodes, does something to what they left, and starts them again at the end. */
function crashing(meanwhile: (world: World, number: number, fault: Fault) => void) {
  return (world: World, numbers: readonly number[], fault: Fault): (() => void) => {
    const struck = numbers.filter((number) => world.node(number) !== undefined);
    for (const number of struck) {
      world.crash(number);
      meanwhile(world, number, fault);
    }
    return () => {
      for (const number of struck) if (world.node(number) === undefined) world.start(number);
    };
  };
}

function partition(world: World, numbers: readonly number[], fault: Fault): () => void {
  const { nodes } = world.options;
  const shape = String(fault.detail || 'halves');
  const order = chanceOf(world, fault).sample(
    Array.from({ length: nodes }, (_, index) => index + 1),
    nodes,
  );
  const parts = shape === 'thirds' ? 3 : 2;
  const sides = new Map(order.map((number, index) => [number, index % parts]));
  if (numbers.length > 0)
    for (const number of sides.keys()) sides.set(number, numbers.includes(number) ? 1 : 0);
  const side = (number: number): number => sides.get(number) ?? 0;
  const isAcross = (from: number, to: number): boolean => side(from) !== side(to);
  const isOneWay = (from: number, to: number): boolean => side(from) < side(to);
  if (shape === 'flapping') return flapping(world, isAcross, fault);
  return world.network.cut(shape === 'one-way' ? isOneWay : isAcross);
}

/** Cut and whole in turns, a few seconds each. */
function flapping(
  world: World,
  isCut: (from: number, to: number) => boolean,
  fault: Fault,
): () => void {
  const random = chanceOf(world, fault);
  let heal: (() => void) | undefined;
  let isOver = false;
  const turn = (): void => {
    if (isOver) return;
    heal?.();
    heal = heal === undefined ? world.network.cut(isCut) : undefined;
    world.clock.schedule(random.jitter(3_000, 0.8), turn);
  };
  turn();
  return () => {
    isOver = true;
    heal?.();
  };
}

export const faultKinds: Readonly<Record<string, FaultKind>> = {
  partition: {
    sentence: 'The network is cut between two or three sides; links break or fall silent.',
    nodes: 'one side of the cut',
    detail: 'halves, thirds, one-way or flapping',
    until: 'the network is whole again',
    isExcuse: true,
    count: none,
    strike: partition,
  },
  slow: {
    sentence: 'Nodes read so slowly that what is sent to them queues, and is then dropped.',
    nodes: 'the slow ones',
    detail: 'bytes that they read a second, default 2000',
    until: 'they read at full speed',
    isExcuse: true,
    count: fewOf,
    strike: (world, numbers, { detail }) => {
      const slow = numbers.flatMap((number) => world.node(number) ?? []);
      const bytesPerSecond = amountOf(detail, 2_000);
      for (const { transport } of slow) transport.slowDown(bytesPerSecond, 64 * 1024);
      return () => {
        for (const { transport } of slow) transport.slowDown(Infinity, 16 * 1024 * 1024);
      };
    },
  },
  'link-breaks': {
    sentence: 'Connections break without a reason; nodes stay as they are.',
    nodes: 'not used',
    detail: 'share of the links, default 0.3',
    until: 'nothing',
    isExcuse: false,
    count: none,
    strike: (world, _numbers, { detail }) => {
      world.network.breakLinks(amountOf(detail, 0.3));
      return nothing;
    },
  },
  crash: {
    sentence: 'Nodes are killed; their disks stay.',
    nodes: 'the killed ones',
    detail: 'not used',
    until: 'they start again',
    isExcuse: false,
    count: fewOf,
    strike: crashing(nothing),
  },
  'lost-database': {
    sentence: 'Nodes are killed and lose their database, but not their key.',
    nodes: 'the killed ones',
    detail: 'not used',
    until: 'they start again as the same owners',
    isExcuse: false,
    count: fewOf,
    strike: crashing((world, number) => world.loseDatabase(number)),
  },
  'lost-data-dir': {
    sentence: 'Nodes are killed and lose everything, their key too.',
    nodes: 'the killed ones',
    detail: 'not used',
    until: 'they start again as new owners',
    isExcuse: false,
    count: fewOf,
    strike: crashing((world, number) => world.loseDataDir(number)),
  },
  moved: {
    sentence: 'Nodes are killed and get another address.',
    nodes: 'the moved ones',
    detail: 'not used',
    until: 'they start again, elsewhere',
    isExcuse: false,
    count: fewOf,
    strike: crashing((world, number) => world.move(number)),
  },
  'torn-store': {
    sentence:
      'Nodes are killed while they write: some of what peers sent is lost, or a row damaged.',
    nodes: 'the killed ones',
    detail: 'batch or row',
    until: 'they start again',
    isExcuse: false,
    count: fewOf,
    strike: crashing((world, number, { detail }) =>
      world.tear(number, detail === 'row' ? 'row' : 'batch'),
    ),
  },
  'mass-restart': {
    sentence: 'All nodes are killed at once.',
    nodes: 'only these, when given',
    detail: 'not used',
    until: 'they start again, all at once',
    isExcuse: false,
    count: (nodes) => nodes,
    strike: crashing(nothing),
  },
  pause: {
    sentence: 'Nodes are frozen, as SIGSTOP does: nothing of them runs, then all that queued.',
    nodes: 'the frozen ones',
    detail: 'not used',
    until: 'they go on',
    isExcuse: true,
    count: fewOf,
    strike: (world, numbers) => {
      const paused = numbers.flatMap((number) => world.node(number) ?? []);
      for (const { process } of paused) process.pause();
      return () => {
        for (const { process } of paused) process.resume();
      };
    },
  },
  'clock-jump': {
    sentence: 'The wall clocks of nodes are set wrong; no monotonic clock is.',
    nodes: 'the struck ones',
    detail: 'ms, negative is backwards, default ten years ahead',
    until: 'they are set right',
    isExcuse: false,
    count: fewOf,
    strike: (world, numbers, { detail }) => {
      const micros = amountOf(detail, 315_360_000_000) * 1_000;
      for (const number of numbers) world.host(number).jump(micros);
      return () => {
        for (const number of numbers) world.host(number).jump(-micros);
      };
    },
  },
  'clock-drift': {
    sentence: 'The wall clocks of nodes run too fast or too slowly.',
    nodes: 'the struck ones',
    detail: 'share of the true time that they gain, default 0.01',
    until: 'they keep the right pace, and stay as wrong as they are',
    isExcuse: false,
    count: fewOf,
    strike: (world, numbers, { detail }) => {
      for (const number of numbers) world.host(number).drift(amountOf(detail, 0.01));
      return () => {
        for (const number of numbers) world.host(number).drift(0);
      };
    },
  },
  clone: {
    sentence: 'A node and a second process with its key start in the same moment.',
    nodes: 'whose key it is',
    detail: 'not used',
    until: 'the second process ends, and the node runs',
    isExcuse: true,
    count: () => 1,
    strike: (world, numbers) => {
      for (const number of numbers) {
        world.crash(number);
        // From one disk in one moment, so that both say something else with one stamp.
        world.startClone(number);
        world.start(number);
      }
      return () => {
        for (const number of numbers) {
          world.endClone(number);
          // When it was the one that had to end.
          if (world.node(number) === undefined) world.start(number);
        }
      };
    },
  },
};

/** What a campaign has to strike with: all kinds, and of those that have several, all shapes. */
export const faultNames: readonly string[] = [
  ...Object.keys(faultKinds),
  ...partitionShapes.map((shape) => `partition ${shape}`),
  ...tornParts.map((part) => `torn-store ${part}`),
];

/** Its kind, and which shape of it where that is a word. */
function namesOf({ kind, detail }: Fault): string[] {
  return typeof detail === 'string' && detail !== '' ? [kind, `${kind} ${detail}`] : [kind];
}

/** Makes a fault happen in its time. @throws Error for an unknown kind */
export function scheduleFault(world: World, fault: Fault): void {
  const kind = faultKinds[fault.kind];
  if (kind === undefined) throw new Error(`there is no fault called ${fault.kind}`);
  const { nodes } = world.options;
  const all = Array.from({ length: nodes }, (_, index) => index + 1);
  const chosen = chanceOf(world, fault).sample(all, fault.count || kind.count(nodes));
  const numbers = (fault.nodes.length > 0 ? fault.nodes : chosen).filter((n) => n <= nodes);
  // All faults are over when the time is, so that the end can be judged.
  const untilMs = Math.min(fault.untilMs, world.options.durationMs);
  world.clock.schedule(fault.atMs - world.nowMs, () => {
    world.trace.add(world.nowMs, 0, fault.kind);
    for (const name of namesOf(fault)) world.struck.set(name, (world.struck.get(name) ?? 0) + 1);
    const end = kind.strike(world, numbers, fault);
    world.clock.schedule(Math.max(0, untilMs - fault.atMs), end);
  });
}

/** A fault's chance follows from itself, so that leaving out another one changes nothing for it. */
function chanceOf(world: World, { kind, atMs }: Fault): Random {
  return world.random(`fault ${kind} at ${atMs}`);
}

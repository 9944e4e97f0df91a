/**
 * The cases: what is done to a cluster, and what is looked at meanwhile. Nothing here knows which
 * system it strikes, nor what is expected of it.
 */
import { availableParallelism } from 'node:os';
import type { Random } from '../src/base/random.ts';
import { type Cluster, pause, type SystemName } from './liveness-cluster.ts';
import { monotonicMs, type Excuse, type Slips } from './liveness-ledger.ts';
import type { Network } from './liveness-network.ts';
import { Burners } from './liveness-process.ts';

export const caseNames = [
  'kill',
  'drop',
  'freeze',
  'freeze-1s',
  'freeze-busy',
  'leave',
  'idle',
  'idle-busy',
  'loss',
  'partition',
  'one-way',
] as const;
export type CaseName = (typeof caseNames)[number];

export interface Amounts {
  /** Strikes, splits or blocks. */
  readonly runs: number;
  /** Of the cases that only watch. */
  readonly minutes: number;
}

/** What came of a case for one system. Times in ms; Infinity: not within the patience. */
export interface Outcome extends Slips {
  readonly case: CaseName;
  readonly system: SystemName;
  /** Runs that were asked for, and those that ended with all being well again. */
  readonly runsAsked: number;
  readonly runs: number;
  readonly minutes: number;
  /** From the strike until hidden: each observer and victim. */
  readonly pairsMs: readonly number[];
  /** The last observer of each run. */
  readonly lastMs: readonly number[];
  /** From the end of the strike until shown again: each observer and victim. */
  readonly backMs: readonly number[];
  /** Until the last pair of each run was shown again. */
  readonly agreedMs: readonly number[];
  /** Changes of a pair beyond the one there and the one back. */
  readonly flaps: number;
  /** Why it ended early; empty when it did not. */
  readonly note: string;
}

/** What a case is done with. */
export interface Stage {
  readonly cluster: Cluster;
  /** Only in cases that need one. */
  readonly network: Network | undefined;
  readonly random: Random;
  /** Nodes that are struck next, no one again before all were; refilled when it is empty. */
  readonly victims: number[];
  readonly directory: string;
  readonly amounts: Amounts;
  readonly say: (progress: string) => void;
}

/** What is told of a case that could not be done: nothing that could be taken for good. */
export function failed(
  name: CaseName,
  system: SystemName,
  amounts: Amounts,
  note: string,
): Outcome {
  const slips: Slips = { falseDeaths: NaN, wronged: NaN, wronglyHiddenMs: NaN, suspicions: NaN };
  const { runs: runsAsked, minutes } = amounts;
  return { case: name, system, runsAsked, minutes, ...nothing, ...slips, note };
}

type Measured = Omit<Outcome, 'case' | 'system' | 'runsAsked' | 'minutes' | keyof Slips>;

export interface Case {
  readonly needsNetwork: boolean;
  /** Where nobody says otherwise. */
  readonly amounts: Amounts;
  readonly measure: (stage: Stage, excuses: Excuse[]) => Promise<Measured>;
}

interface Strike {
  readonly strike: (stage: Stage, victim: number) => Promise<void> | void;
  readonly undo: (stage: Stage, victim: number) => Promise<void> | void;
  /** The victim itself knows no better than to hide others. */
  readonly isBlind: boolean;
}

export const patienceMs = 60_000;
export const splitMs = 60_000;
/** After that many runs in a row that nobody waits out, there is nothing more to learn. */
const hopelessRuns = 3;
const shortFreezeMs = 1_000;
/** Longer than a suspicion lasts that began in a short freeze. */
const aftermathMs = 8_000;
const lossPercent = 20;
const tellingMs = 1_000;
const minuteMs = 60_000;
const strikes: Amounts = { runs: 40, minutes: 0 };

const kill: Strike = {
  strike: ({ cluster }, victim) => cluster.signal(victim, 'SIGKILL'),
  undo: ({ cluster }, victim) => cluster.revive(victim),
  isBlind: true,
};
const leave: Strike = {
  strike: ({ cluster }, victim) => cluster.leave(victim),
  undo: ({ cluster }, victim) => cluster.revive(victim),
  isBlind: true,
};
const drop: Strike = {
  strike: ({ network }, victim) => network?.vanish(victim),
  undo: ({ network }) => network?.clear(),
  isBlind: true,
};
const freeze: Strike = {
  strike: ({ cluster }, victim) => cluster.signal(victim, 'SIGSTOP'),
  undo: ({ cluster }, victim) => cluster.signal(victim, 'SIGCONT'),
  isBlind: false,
};

export const cases: Readonly<Record<CaseName, Case>> = {
  kill: { needsNetwork: false, amounts: strikes, measure: striking(kill) },
  drop: { needsNetwork: true, amounts: strikes, measure: striking(drop) },
  freeze: { needsNetwork: false, amounts: strikes, measure: striking(freeze) },
  'freeze-1s': { needsNetwork: false, amounts: strikes, measure: freezeShortly },
  'freeze-busy': { needsNetwork: false, amounts: strikes, measure: busy(striking(freeze)) },
  leave: { needsNetwork: false, amounts: strikes, measure: striking(leave) },
  idle: { needsNetwork: false, amounts: { runs: 1, minutes: 30 }, measure: watch },
  'idle-busy': { needsNetwork: false, amounts: { runs: 1, minutes: 10 }, measure: busy(watch) },
  loss: { needsNetwork: true, amounts: { runs: 1, minutes: 10 }, measure: lose },
  partition: { needsNetwork: true, amounts: { runs: 3, minutes: 0 }, measure: partition },
  'one-way': { needsNetwork: true, amounts: { runs: 3, minutes: 0 }, measure: oneWay },
};

/** Does all of a case to a cluster that has settled. */
export async function play(name: CaseName, system: SystemName, stage: Stage): Promise<Outcome> {
  const excuses: Excuse[] = [];
  const fromMs = monotonicMs();
  const measured = await cases[name].measure(stage, excuses);
  // What was seen before now may still be on its way here.
  await pause(tellingMs);
  const slips = stage.cluster.ledger.slips(fromMs, monotonicMs(), excuses);
  const { runs: runsAsked, minutes } = stage.amounts;
  return { case: name, system, runsAsked, minutes, ...measured, ...slips };
}

function striking(strike: Strike): Case['measure'] {
  return async (stage, excuses) => {
    const { cluster, amounts, say } = stage;
    const pairsMs: number[] = [];
    const lastMs: number[] = [];
    const backMs: number[] = [];
    const agreedMs: number[] = [];
    const measured = { pairsMs, lastMs, backMs, agreedMs, flaps: 0 };
    let hopeless = 0;
    for (let run = 1; run <= amounts.runs; run++) {
      const { victim, hiddenMs, shownMs, isSettled } = await strikeOnce(stage, strike, excuses);
      const slowestMs = Math.max(...hiddenMs);
      pairsMs.push(...hiddenMs);
      lastMs.push(slowestMs);
      backMs.push(...shownMs);
      if (shownMs.length > 0) agreedMs.push(Math.max(...shownMs));
      const backText = shownMs.length > 0 ? `, back after ${msText(Math.max(...shownMs))}` : '';
      say(`run ${run}: ${nodeText(victim)} hidden by all after ${msText(slowestMs)}${backText}`);
      if (!isSettled) return { ...measured, runs: run - 1, note: unsettled(cluster) };
      hopeless = slowestMs < Infinity ? 0 : hopeless + 1;
      if (hopeless === hopelessRuns && run < amounts.runs) {
        const note = `${hopeless} runs in a row not known to all within ${msText(patienceMs)}`;
        return { ...measured, runs: run, note: `${note}: given up` };
      }
    }
    return { ...measured, runs: amounts.runs, note: '' };
  };
}

/**
 * Any node but the first, whom those that start ask. None twice in a row: whoever accused one that
 * answers a moment later has no say about it for a minute, so runs would not be independent.
 */
function nextVictim({ cluster, random, victims }: Stage): number {
  if (victims.length === 0) {
    const all = Array.from({ length: cluster.nodes - 1 }, (_, index) => index + 1);
    victims.push(...random.sample(all, all.length));
  }
  return victims.pop() as number;
}

interface Struck {
  readonly victim: number;
  /** Of each other node; Infinity: never. */
  readonly hiddenMs: readonly number[];
  /** Of those that had hidden it. */
  readonly shownMs: readonly number[];
  readonly isSettled: boolean;
}

async function strikeOnce(
  stage: Stage,
  { strike, undo, isBlind }: Strike,
  excuses: Excuse[],
): Promise<Struck> {
  const { cluster, random } = stage;
  const { ledger, nodes } = cluster;
  // At any moment of what they do periodically.
  await pause(1_000 + random.int(1_000));
  const victim = nextVictim(stage);
  const others = Array.from({ length: nodes }, (_, index) => index).filter(
    (index) => index !== victim,
  );
  const struckMs = monotonicMs();
  const covers = (observer: number, subject: number): boolean =>
    subject === victim || (isBlind && observer === victim);
  const excuse: Excuse = { fromMs: struckMs, toMs: Infinity, covers };
  excuses.push(excuse);
  await strike(stage, victim);
  await ledger.until(() => others.every((other) => !ledger.shows(other, victim)), patienceMs);
  const hiddenAtMs = others.map((other) => ledger.firstMs('hidden', other, victim, struckMs));
  await pause(random.int(1_000));

  const undoneMs = monotonicMs();
  await undo(stage, victim);
  const isSettled = await cluster.settle();
  excuse.toMs = monotonicMs();
  const shownMs = others
    .filter((other) => ledger.firstMs('hidden', other, victim, struckMs) < Infinity)
    .map((other) => ledger.firstMs('shown', other, victim, undoneMs) - undoneMs);
  const hiddenMs = hiddenAtMs.map((atMs) => atMs - struckMs);
  return { victim, hiddenMs, shownMs, isSettled };
}

async function freezeShortly(stage: Stage): Promise<Measured> {
  const { cluster, amounts, random, say } = stage;
  for (let run = 1; run <= amounts.runs; run++) {
    await pause(random.int(1_000));
    const victim = random.int(cluster.nodes);
    const fromMs = monotonicMs();
    cluster.signal(victim, 'SIGSTOP');
    await pause(shortFreezeMs);
    cluster.signal(victim, 'SIGCONT');
    await pause(aftermathMs);
    const { falseDeaths, suspicions } = cluster.ledger.slips(fromMs, monotonicMs());
    say(`run ${run}: ${nodeText(victim)}: hidden ${falseDeaths} times, ${suspicions} suspicions`);
    if (!(await cluster.settle())) return { ...nothing, runs: run - 1, note: unsettled(cluster) };
  }
  return { ...nothing, runs: amounts.runs };
}

/** The same while all cores have other work. */
function busy(measure: Case['measure']): Case['measure'] {
  return async (stage, excuses) => {
    const burners = new Burners(availableParallelism(), stage.directory);
    try {
      return await measure(stage, excuses);
    } finally {
      await burners.stop();
    }
  };
}

async function watch({ cluster, amounts, say }: Stage): Promise<Measured> {
  const fromMs = monotonicMs();
  const endMs = fromMs + amounts.minutes * minuteMs;
  for (let minute = 1; monotonicMs() < endMs; minute++) {
    await pause(Math.min(minuteMs, Math.ceil(endMs - monotonicMs()) + 1));
    const { falseDeaths, suspicions } = cluster.ledger.slips(fromMs, monotonicMs());
    say(`minute ${minute}: hidden ${falseDeaths} times so far, ${suspicions} suspicions`);
  }
  return { ...nothing, runs: 1 };
}

async function lose(stage: Stage): Promise<Measured> {
  await stage.network?.lose(lossPercent);
  const measured = await watch(stage);
  await stage.network?.clear();
  return measured;
}

async function partition(stage: Stage, excuses: Excuse[]): Promise<Measured> {
  const { cluster, network, amounts, say } = stage;
  const { ledger, nodes } = cluster;
  const size = Math.floor(nodes / 2);
  const areApart = (observer: number, subject: number): boolean =>
    observer < size !== subject < size;
  const pairsMs: number[] = [];
  const lastMs: number[] = [];
  const agreedMs: number[] = [];
  let flaps = 0;
  for (let run = 1; run <= amounts.runs; run++) {
    const splitAtMs = monotonicMs();
    const excuse: Excuse = { fromMs: splitAtMs, toMs: Infinity, covers: areApart };
    excuses.push(excuse);
    await network?.split(size);
    await pause(splitMs);
    const hidden = apartPairs(nodes, areApart).map(
      ([observer, subject]) => ledger.firstMs('hidden', observer, subject, splitAtMs) - splitAtMs,
    );
    pairsMs.push(...hidden);
    lastMs.push(Math.max(...hidden));
    const healedMs = monotonicMs();
    await network?.clear();
    const isSettled = await cluster.settle();
    const until = ledger.sightings.filter(({ kind, atMs }) => kind === 'shown' && atMs > healedMs);
    const afterMs = Math.max(0, ...until.map(({ atMs }) => atMs - healedMs));
    // Who never noticed anything agreed with nobody again.
    const isNoticed = hidden.some((ms) => ms < Infinity);
    if (isNoticed) agreedMs.push(isSettled ? afterMs : Infinity);
    const agreed = `all agree again ${msText(isSettled ? afterMs : Infinity)} after the end`;
    say(`run ${run}: ${isNoticed ? agreed : 'nobody noticed anything'}`);
    await pause(aftermathMs);
    excuse.toMs = healedMs + afterMs;
    flaps += flapsSince(stage, splitAtMs);
    const measured = { ...nothing, pairsMs, lastMs, agreedMs, flaps };
    if (!isSettled) return { ...measured, runs: run - 1, note: unsettled(cluster) };
  }
  return { ...nothing, pairsMs, lastMs, agreedMs, flaps, runs: amounts.runs };
}

async function oneWay(stage: Stage): Promise<Measured> {
  const { cluster, network, amounts, random, say } = stage;
  for (let run = 1; run <= amounts.runs; run++) {
    const from = random.int(cluster.nodes);
    const to = (from + 1 + random.int(cluster.nodes - 1)) % cluster.nodes;
    const blockedMs = monotonicMs();
    await network?.block(from, to);
    await pause(splitMs);
    await network?.clear();
    await pause(aftermathMs);
    const { falseDeaths, suspicions } = cluster.ledger.slips(blockedMs, monotonicMs());
    const way = `${nodeText(from)} to ${nodeText(to)}`;
    say(`run ${run}: ${way}: hidden ${falseDeaths} times, ${suspicions} suspicions`);
    if (!(await cluster.settle())) return { ...nothing, runs: run - 1, note: unsettled(cluster) };
  }
  return { ...nothing, runs: amounts.runs };
}

const nothing: Measured = {
  runs: 0,
  pairsMs: [],
  lastMs: [],
  backMs: [],
  agreedMs: [],
  flaps: 0,
  note: '',
};

type Pair = readonly [observer: number, subject: number];

function apartPairs(nodes: number, areApart: (a: number, b: number) => boolean): Pair[] {
  const all = Array.from({ length: nodes }, (_, index) => index);
  return all.flatMap((a) => all.filter((b) => areApart(a, b)).map((b): Pair => [a, b]));
}

/** A pair may go once and come back once. */
function flapsSince({ cluster }: Stage, fromMs: number): number {
  const changes = new Map<string, number>();
  for (const { kind, observer, subject, atMs } of cluster.ledger.sightings) {
    if (kind === 'suspected' || atMs < fromMs) continue;
    const pair = `${observer} ${subject}`;
    changes.set(pair, (changes.get(pair) ?? 0) + 1);
  }
  return [...changes.values()].reduce((sum, count) => sum + Math.max(0, count - 2), 0);
}

function unsettled(cluster: Cluster): string {
  return `not all was well again in time: ${cluster.missing()}`;
}

function nodeText(index: number): string {
  return `node ${index}`;
}

/** `35 ms`, `7.5 s`, `never`. */
export function msText(ms: number): string {
  if (!Number.isFinite(ms)) return Number.isNaN(ms) ? '-' : 'never';
  return ms < 1_000 ? `${ms.toFixed(ms < 100 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}

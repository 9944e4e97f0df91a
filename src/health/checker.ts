/**
 * Checker: runs the checks of everything that is registered at this daemon.
 *
 *   registry's feed ─▶ who has which checks ─▶ timers ─▶ at most `atOnceMax` runs at a time
 *                                                                │
 *   registry.noteChecked ◀── worst of the instance's checks ◀────┘  results, five a check
 *
 * It tells the registry what the checks come to after each run; that becomes a record, and so gossip,
 * only when it is a change. What is kept of results is as much as there are checks, and is asked for
 * by `reports`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Cancel, Clock } from '../base/clock.ts';
import { Counters } from '../base/counters.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { bucketOf } from '../record/encoding.ts';
import { healthBeneath } from '../record/health.ts';
import type { OwnerId } from '../record/owner.ts';
import { recordKey } from '../record/record.ts';
import type { RecordKey } from '../record/record.ts';
import { firstRunMs, firstState, nextRunMs, nextState } from '../registry/check-state.ts';
import { resultsMax, worstHealth } from '../registry/check-state.ts';
import type { CheckOutcome, CheckReport, CheckResult } from '../registry/check-state.ts';
import type { CheckState } from '../registry/check-state.ts';
import type { Registry } from '../registry/registry.ts';
import type { Check, Registration } from '../store/store.ts';
import { runCheck } from './run-check.ts';
import type { CheckTarget } from './target.ts';

export interface CheckerOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Runs that may be under way; the others wait in line. Default 64. */
  readonly atOnceMax?: number;
  /** For tests; never rejects. */
  readonly run?: (target: CheckTarget, check: Check, stop: AbortSignal) => Promise<CheckOutcome>;
}

/** An instance that has checks. */
interface Patient {
  readonly key: RecordKey;
  registration: Registration;
  readonly rounds: readonly Round[];
  /** Aborted when it is gone: no run counts any more. */
  readonly gone: AbortController;
}

/** One check of one instance, time and again. */
interface Round {
  readonly check: Check;
  state: CheckState;
  /** Newest first. */
  results: readonly CheckResult[];
  cancel: Cancel;
}

type Counted = readonly (readonly [kind: string, what: string, count: number])[];

/** How many checks there are and were run, for metrics; what there is none of is left out. */
export interface CheckCounts {
  /** By kind and health. */
  readonly checks: Counted;
  /** By kind, and `passed` or `failed`. */
  readonly runs: Counted;
}

interface Waiting {
  readonly patient: Patient;
  readonly round: Round;
}

const atOnceMaxDefault = 64;

export class Checker {
  readonly #options: CheckerOptions;
  readonly #patients = new Map<RecordKey, Patient>();
  /** Due, and not begun since too many are under way: oldest first, each once. */
  readonly #waiting = new Set<Waiting>();
  readonly #running = new Set<Promise<void>>();
  /** By kind and result, with a blank between. */
  readonly #runs = new Counters();
  #revision = 0;
  #isWoken = false;
  #isStopped = false;
  #unfollow: Cancel = () => undefined;

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** Takes on what is registered already, then what is registered from now on. */
  start(): void {
    const { registry } = this.#options;
    this.#revision = registry.feed.revision;
    for (const [key] of registry.registrations()) this.#meet(key, false);
    this.#unfollow = registry.feed.follow(() => this.#wake());
  }

  /** Ends every run; nothing is told to the registry any more when it resolves. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unfollow();
    for (const key of this.#patients.keys()) this.#leave(key);
    await Promise.all(this.#running);
  }

  /** The checks of an instance and what they found, in the order of its registration. */
  reports(key: RecordKey): readonly CheckReport[] {
    const rounds = this.#patients.get(key)?.rounds ?? [];
    return rounds.map(({ check, state, results }) => ({ check, health: state.health, results }));
  }

  /** O(checks). */
  counts(): CheckCounts {
    const checks = new Counters();
    for (const { rounds } of this.#patients.values())
      for (const { check, state } of rounds) checks.add(`${check.kind} ${state.health}`);
    return { checks: countedOf(checks), runs: countedOf(this.#runs) };
  }

  /** Called in the midst of a change: what it brings is read once it is over. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      if (!this.#isStopped) this.#read();
    });
  }

  #read(): void {
    const { registry } = this.#options;
    for (;;) {
      const answer = registry.feed.read(this.#revision);
      if (answer.kind === 'lost') return this.#meetAll();
      if (answer.changes.length === 0) return;
      this.#revision = answer.revision;
      for (const { origin, events } of answer.changes) {
        if (origin !== 'own') continue;
        for (const { instance } of events) this.#meet(keyOf(instance.record), true);
      }
    }
  }

  /** More happened in one turn than the feed keeps. */
  #meetAll(): void {
    const { registry } = this.#options;
    this.#revision = registry.feed.revision;
    const wanted = [...registry.registrations()].map(([key]) => key);
    for (const key of new Set([...this.#patients.keys(), ...wanted])) this.#meet(key, true);
  }

  /** @param isNew somebody registered it just now */
  #meet(key: RecordKey, isNew: boolean): void {
    const { registry } = this.#options;
    const patient = this.#patients.get(key);
    const registration = registry.registration(key);
    if (patient !== undefined && registration !== undefined) {
      if (patient.registration === registration) return;
      const before = patient.registration;
      patient.registration = registration;
      if (isCheckedAlike(before, registration)) return;
    }
    this.#leave(key);
    const { checks = [] } = registration ?? {};
    const record = registry.state(registry.self)?.set.get(key, bucketOf(key))?.record;
    if (registration === undefined || record === undefined || checks.length === 0) return;
    const state = firstState(healthBeneath(record));
    const rounds = checks.map((check): Round => {
      return { check, state, results: [], cancel: () => undefined };
    });
    const met = { key, registration, rounds, gone: new AbortController() };
    this.#patients.set(key, met);
    const { monoMs } = this.#options.clock.now();
    for (const round of rounds)
      this.#schedule(
        met,
        round,
        firstRunMs(round.check, isNew, this.#options.random.next(), monoMs),
      );
  }

  #leave(key: RecordKey): void {
    const patient = this.#patients.get(key);
    if (patient === undefined) return;
    this.#patients.delete(key);
    patient.gone.abort();
    for (const { cancel } of patient.rounds) cancel();
  }

  #schedule(patient: Patient, round: Round, atMs: number): void {
    const { clock } = this.#options;
    round.cancel = clock.schedule(Math.max(0, atMs - clock.now().monoMs), () => {
      this.#waiting.add({ patient, round });
      this.#beginWaiting();
    });
  }

  #beginWaiting(): void {
    const { atOnceMax = atOnceMaxDefault } = this.#options;
    for (const waiting of this.#waiting) {
      if (this.#running.size >= atOnceMax) return;
      this.#waiting.delete(waiting);
      if (waiting.patient.gone.signal.aborted) continue;
      const running = this.#run(waiting.patient, waiting.round).finally(() => {
        this.#running.delete(running);
        this.#beginWaiting();
      });
      this.#running.add(running);
    }
  }

  async #run(patient: Patient, round: Round): Promise<void> {
    const { clock, random, run = runCheck } = this.#options;
    const { signal } = patient.gone;
    const { monoMs: beganMs } = clock.now();
    const target = targetOf(patient.registration, this.#options.registry.self);
    const outcome = await run(target, round.check, signal);
    if (signal.aborted) return;
    const now = clock.now();
    const result = { ...outcome, time: now.wallMicros, durationMs: now.monoMs - beganMs };
    this.#note(patient, round, result);
    this.#schedule(patient, round, nextRunMs(round.check, random.next(), beganMs, now.monoMs));
  }

  #note(patient: Patient, round: Round, result: CheckResult): void {
    const { registry, clock, log } = this.#options;
    const { health } = round.state;
    const { hasPassed, output, reason } = result;
    this.#runs.add(`${round.check.kind} ${hasPassed ? 'passed' : 'failed'}`);
    round.state = nextState(round.state, result, round.check);
    round.results = [result, ...round.results].slice(0, resultsMax);
    const worst = worstHealth(patient.rounds.map(({ state }) => state));
    registry.noteChecked(patient.key, worst, clock.now());
    const { kind } = round.check;
    log.debug({ instance: patient.key, check: kind, hasPassed, output }, 'a check was run');
    if (round.state.health === health) return;
    const fields = { instance: patient.key, check: kind, health: round.state.health, output };
    if (reason === undefined) log.info(fields, 'a check came to another health');
    else log.warn(fields, 'another process answers at the address of an instance');
  }
}

function countedOf(counters: Counters): Counted {
  return counters.entries().map(([name, count]) => {
    const [kind = '', what = ''] = name.split(' ');
    return [kind, what, count] as const;
  });
}

function keyOf(record: { group: string; name: string; instanceId: string }): RecordKey {
  return recordKey(record.group, record.name, record.instanceId);
}

/** What was found of the one holds for the other. */
function isCheckedAlike(before: Registration, now: Registration): boolean {
  const isSamePlace = before.ip === now.ip && before.port === now.port;
  const isSameProcess = before.identityKey === now.identityKey;
  return isSamePlace && isSameProcess && isDeepStrictEqual(before.checks ?? [], now.checks ?? []);
}

function targetOf(registration: Registration, owner: OwnerId): CheckTarget {
  const { group, name, instanceId, ip, port, identityKey } = registration;
  if (identityKey === undefined) return { ip, port };
  return { ip, port, expected: { group, name, instanceId, owner, key: identityKey } };
}

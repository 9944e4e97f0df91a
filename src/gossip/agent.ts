/**
 * Agent: hosts the engine. It turns what the transport, the clock and the registry's feed say into
 * inputs, and does what the effects ask.
 */
import type { AdjustableClock, Cancel } from '../base/clock.ts';
import { errorText } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Registry } from '../registry/registry.ts';
import type { Effect, ExchangeOutcome, GossipEvent, Input, RumorVerdict } from './context.ts';
import type { Engine } from './engine.ts';
import type { Transport, TransportHandler } from './transport.ts';

/** How one exchange of a round that was asked for went. */
export interface ExchangeReport {
  readonly peer: OwnerId;
  readonly outcome: ExchangeOutcome;
  /** Owners whose records changed here. */
  readonly changed: readonly OwnerId[];
}

/** Time that a person waits for a round. */
const roundTimeoutMs = 5_000;
/** The same complaint about the same peer is logged once in so long. */
const complaintIntervalMs = 60_000;
const complaintsMax = 1_000;

/** Told of each exchange that ended: how, and after how many seconds. */
type ExchangeObserver = (outcome: ExchangeOutcome, seconds: number) => void;

/** Calls `run` once, now or later. */
type Defer = (run: () => void) => void;

interface Round {
  readonly waiting: Map<OwnerId, number>;
  readonly reports: ExchangeReport[];
  readonly resolve: (reports: ExchangeReport[]) => void;
}

export class Agent implements TransportHandler {
  readonly #engine: Engine;
  readonly #transport: Transport;
  readonly #registry: Registry;
  readonly #clock: AdjustableClock;
  readonly #log: Log;
  readonly #defer: Defer;
  readonly #inputs: Input[] = [];
  readonly #rounds = new Set<Round>();
  readonly #complaints = new Map<string, number>();
  readonly #readyWaiters: (() => void)[] = [];
  readonly #linkFollowers = new Set<(peer: OwnerId) => void>();
  /** Exchanges under way, at most one a peer. */
  readonly #exchanges = new Map<OwnerId, { readonly id: number; readonly startedMs: number }>();
  #isStarted = false;
  #isStepping = false;
  #isFeedNoted = false;
  #cursor = 0;
  #verdict: RumorVerdict = 'ignore';
  #newRound: Round | undefined;
  #onDuplicate: (bootId: string) => void = () => undefined;
  #onExchanged: ExchangeObserver = () => undefined;
  #cancelWake: Cancel = () => undefined;
  #unfollow: Cancel = () => undefined;

  /** @param defer puts off telling peers what changed here; left out: they are told at once */
  constructor(
    engine: Engine,
    transport: Transport,
    registry: Registry,
    clock: AdjustableClock,
    log: Log,
    defer: Defer = (run) => run(),
  ) {
    this.#engine = engine;
    this.#transport = transport;
    this.#registry = registry;
    this.#clock = clock;
    this.#log = log;
    this.#defer = defer;
  }

  /** Begins to gossip; the transport listens already and the registry has begun its life. */
  start(): void {
    this.#cursor = this.#registry.feed.revision;
    this.#unfollow = this.#registry.feed.follow(() => this.#noteFeed());
    this.#isStarted = true;
    // Before what peers may have sent already.
    this.#inputs.unshift({ kind: 'start' });
    this.#drain();
  }

  /** One round now. @returns how each exchange went; fewer when a peer did not answer in 5 s */
  round(): Promise<ExchangeReport[]> {
    return new Promise((resolve) => {
      const round: Round = { waiting: new Map(), reports: [], resolve };
      this.#newRound = round;
      this.#input({ kind: 'round' });
      this.#newRound = undefined;
      if (round.waiting.size === 0) return resolve([]);
      this.#rounds.add(round);
      this.#clock.schedule(roundTimeoutMs, () => this.#endRound(round));
    });
  }

  /** An operator says that a member, when it is dead, will not come back. */
  dismiss(subject: OwnerId): void {
    this.#input({ kind: 'dismiss', subject });
  }

  /** Calls `wake` when a link to a member came or went, which the registry's feed does not tell. */
  followLinks(wake: (peer: OwnerId) => void): Cancel {
    this.#linkFollowers.add(wake);
    return () => void this.#linkFollowers.delete(wake);
  }

  /** Resolves once the node is ready. */
  ready(): Promise<void> {
    if (this.#engine.readiness !== undefined) return Promise.resolve();
    return new Promise((resolve) => void this.#readyWaiters.push(resolve));
  }

  /** Calls `run` when another process with our key is met and this one has to end. */
  onDuplicate(run: (bootId: string) => void): void {
    this.#onDuplicate = run;
  }

  /** Calls `run` whenever an exchange of digests that this node began has ended. */
  onExchanged(run: ExchangeObserver): void {
    this.#onExchanged = run;
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#unfollow();
    this.#cancelWake();
    for (const round of this.#rounds) this.#endRound(round);
    await this.#transport.stop();
  }

  linked(peer: OwnerId): void {
    this.#input({ kind: 'linked', peer });
  }

  unlinked(peer: OwnerId): void {
    this.#input({ kind: 'unlinked', peer });
  }

  message(peer: OwnerId, bytes: Uint8Array): void {
    this.#input({ kind: 'message', peer, bytes });
  }

  rumor(peer: OwnerId, bytes: Uint8Array): RumorVerdict {
    if (!this.#isStarted) return 'ignore';
    this.#verdict = 'ignore';
    this.#input({ kind: 'rumor', peer, bytes });
    return this.#verdict;
  }

  /** Called in the midst of a commit, whose caller waits for the answer. */
  #noteFeed(): void {
    if (this.#isFeedNoted) return;
    this.#isFeedNoted = true;
    this.#defer(() => {
      this.#isFeedNoted = false;
      if (this.#isStarted) this.#followFeed();
    });
  }

  #followFeed(): void {
    const answer = this.#registry.feed.read(this.#cursor);
    if (answer.kind === 'lost') {
      this.#cursor = this.#registry.feed.revision;
      return this.#input({ kind: 'changed' });
    }
    this.#cursor = answer.revision;
    if (answer.changes.some(({ origin }) => origin === 'own')) this.#input({ kind: 'changed' });
  }

  /** Inputs that arise while a step's effects are carried out wait for their turn. */
  #input(input: Input): void {
    this.#inputs.push(input);
    this.#drain();
  }

  #drain(): void {
    if (this.#isStepping || !this.#isStarted) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift())
        this.#step(next);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(input: Input): void {
    let effects: Effect[];
    try {
      effects = this.#engine.step(input, this.#clock.now());
    } catch (error) {
      // The disk may refuse an own head (refutation, reclaim): gossip goes on without it.
      this.#log.error({ input: input.kind, error: errorText(error) }, 'a step of gossip failed');
      return;
    }
    for (const effect of effects) this.#perform(effect);
    if (input.kind === 'linked' || input.kind === 'unlinked') {
      this.#log.debug({ peer: input.peer }, input.kind === 'linked' ? 'linked' : 'link is gone');
      for (const wake of this.#linkFollowers) wake(input.peer);
    } else if (input.kind === 'dialFailed')
      this.#log.debug({ target: input.target, how: input.how }, 'a dial failed');
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        if (!this.#transport.send(effect.peer, effect.bytes))
          this.#engine.counters.add('sends_dropped');
        return;
      case 'publish':
        return this.#transport.publish(effect.bytes);
      case 'dial': {
        const { target, timeoutMs } = effect;
        return this.#transport.dial(target, timeoutMs, (outcome) => {
          if (outcome.kind === 'dialed')
            this.#input({ kind: 'dialed', target, peer: outcome.peer });
          else this.#input({ kind: 'dialFailed', target, how: outcome.how });
        });
      }
      case 'hangUp':
        return this.#transport.hangUp(effect.peer);
      case 'judge':
        this.#verdict = effect.verdict;
        return;
      case 'wakeAt':
        return this.#wakeAt(effect.monoMs);
      case 'adjustClock':
        return this.#clock.adjust(effect.correctionMicros);
      case 'event':
        return this.#noteEvent(effect.event);
    }
  }

  #wakeAt(monoMs: number): void {
    this.#cancelWake();
    if (monoMs === Infinity) return;
    const delayMs = Math.max(0, monoMs - this.#clock.now().monoMs);
    this.#cancelWake = this.#clock.schedule(delayMs, () => this.#input({ kind: 'wake' }));
  }

  #noteEvent(event: GossipEvent): void {
    switch (event.kind) {
      case 'ready':
        this.#log[event.isWarning ? 'warn' : 'info']({ why: event.why }, 'ready');
        for (const resolve of this.#readyWaiters.splice(0)) resolve();
        return;
      case 'linkRefused':
        return this.#complain(event.peer, event.sentence);
      case 'reclaimed':
        this.#log.warn(
          { seen: event.seen, adopted: event.adopted },
          'met a newer head of our own: went above it',
        );
        return;
      case 'copyMet':
        this.#log.error(
          { bootId: event.bootId },
          'another process runs with our key: it has to end',
        );
        return;
      case 'duplicateOwner':
        return this.#onDuplicate(event.bootId);
      case 'clock':
        if (event.trouble === undefined) this.#log.info({}, 'the clock is right again');
        else this.#log.error({ trouble: event.trouble }, 'the clock is wrong');
        return;
      case 'dismissed':
        this.#log.info({ peerId: event.subject, by: event.by }, 'a dead member was dismissed');
        return;
      case 'exchangeStarted':
        this.#newRound?.waiting.set(event.peer, event.exchange);
        return this.#noteStarted(event.peer, event.exchange);
      case 'exchanged':
        this.#noteEnded(event);
        this.#log.debug(
          { peer: event.peer, outcome: event.outcome, changed: event.changed.length },
          'compared with a peer',
        );
        for (const round of this.#rounds) this.#noteExchange(round, event);
    }
  }

  /** Also told when somebody joins an exchange that is under way already. */
  #noteStarted(peer: OwnerId, id: number): void {
    if (this.#exchanges.get(peer)?.id === id) return;
    this.#exchanges.set(peer, { id, startedMs: this.#clock.now().monoMs });
  }

  #noteEnded({ peer, outcome }: Extract<GossipEvent, { kind: 'exchanged' }>): void {
    const started = this.#exchanges.get(peer);
    this.#exchanges.delete(peer);
    if (started === undefined) return;
    this.#onExchanged(outcome, (this.#clock.now().monoMs - started.startedMs) / 1_000);
  }

  #noteExchange(round: Round, event: Extract<GossipEvent, { kind: 'exchanged' }>): void {
    if (round.waiting.get(event.peer) !== event.exchange) return;
    const { peer, outcome, changed } = event;
    round.reports.push({ peer, outcome, changed });
    round.waiting.delete(peer);
    if (round.waiting.size === 0) this.#endRound(round);
  }

  #endRound(round: Round): void {
    if (!this.#rounds.delete(round)) return;
    for (const peer of round.waiting.keys())
      round.reports.push({ peer, outcome: 'failed', changed: [] });
    round.resolve(round.reports);
  }

  #complain(peer: OwnerId, sentence: string): void {
    const { monoMs } = this.#clock.now();
    const key = `${peer} ${sentence}`;
    if (monoMs - (this.#complaints.get(key) ?? -Infinity) < complaintIntervalMs) return;
    if (this.#complaints.size >= complaintsMax) this.#complaints.clear();
    this.#complaints.set(key, monoMs);
    this.#log.warn({ peer, sentence }, 'link refused');
  }
}

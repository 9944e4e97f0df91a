/**
 * A cached view of services, fed by Watch: lookups happen in the process.
 *
 * Invariant: the last good answer is never thrown away because the daemon is. While it is away,
 * or back but not ready (it may know less than this view does), the list stays and `stale` is
 * true.
 */
import type { Clock } from '../base/clock.ts';
import { DiscoError, errorText } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { Backoff } from './backoff.ts';
import { Balancer, type BalancerOptions, type PolicyName } from './balancer.ts';
import type { StreamCaller } from './discovery-stub.ts';
import type { Health, Instance } from './instance.ts';
import { InstanceTable, type InstanceChange } from './instance-table.ts';
import { ReadinessGate } from './readiness-gate.ts';
import { TargetPool } from './target-pool.ts';

const retryFirstMs = 50;
const retryMsMax = 2_000;
/** A resumed stream that stands this long without a word has nothing to tell. */
const silenceMs = 250;
/** The longest that a timer can be set to. */
const foreverMs = 2 ** 31 - 1;
const readyTimeoutMsDefault = 10_000;
const instancesMaxDefault = 100_000;
const listenersMax = 1_000;

/** What a view tells its listeners. */
export type ViewChange =
  | InstanceChange
  /** The daemon is away; the list stays. `problem` says why. */
  | { readonly kind: 'stale'; readonly problem: DiscoError }
  /** The list follows the daemon (again). */
  | { readonly kind: 'fresh' };

/** What to watch. */
export interface ViewOptions {
  /** Default: all groups. */
  readonly group?: string | undefined;
  /** Default: all services of the group. */
  readonly name?: string | undefined;
  /** One instance more ends the view with RESOURCE_EXHAUSTED; default 100,000. */
  readonly instancesMax?: number | undefined;
}

/** What a view works with. */
export interface ViewTools {
  readonly caller: StreamCaller;
  readonly clock: Clock;
  readonly random: Random;
}

export class ServiceView {
  readonly group: string;
  readonly name: string;
  readonly #tools: ViewTools;
  readonly #onEnded: (view: ServiceView) => void;
  readonly #table: InstanceTable;
  readonly #backoff: Backoff;
  readonly #gate: ReadinessGate;
  readonly #listeners = new Set<(change: ViewChange) => void>();
  readonly #waiters = new Set<() => void>();
  readonly #stop = new AbortController();
  /** Keeps the process up while the daemon is away, as the open stream does otherwise. */
  readonly #hold = setInterval(() => undefined, foreverMs);
  #stale = true;
  #problem: DiscoError | undefined;
  #ended = false;
  #passing: readonly Instance[] | undefined;
  #pool: TargetPool | undefined;
  readonly #balancers = new Map<PolicyName, Balancer>();

  /**
   * Begins to watch at once. An open view keeps the process up: close() it.
   *
   * @param onEnded called once, when it no longer needs its tools
   */
  constructor(
    tools: ViewTools,
    options: ViewOptions = {},
    onEnded: (view: ServiceView) => void = () => undefined,
  ) {
    this.#tools = tools;
    this.#onEnded = onEnded;
    this.#backoff = new Backoff(tools.random, retryFirstMs);
    this.#gate = new ReadinessGate(tools.caller, tools.clock);
    this.group = options.group ?? '';
    this.name = options.name ?? '';
    this.#table = new InstanceTable(options.instancesMax ?? instancesMaxDefault);
    // Not before the caller holds the view: it may be told of the end at once.
    queueMicrotask(() => void this.#follow());
  }

  /** True before the first snapshot and while the daemon is away: the list may be out of date. */
  get stale(): boolean {
    return this.#stale;
  }

  /** A first snapshot has been seen to its end. */
  get loaded(): boolean {
    return this.#table.complete;
  }

  /** Closed, or refused for good: the list will not change any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why the view is stale, if something failed. */
  get problem(): DiscoError | undefined {
    return this.#problem;
  }

  /**
   * Sorted by group, name, instanceId, owner, whatever their health; the same array until
   * something changes. Empty before the first snapshot: see ready().
   */
  instances(): readonly Instance[] {
    return this.#table.list();
  }

  /**
   * One instance at random among the passing ones, else among the warning ones.
   *
   * @param accept only among those for which it is true
   */
  pick(accept?: (instance: Instance) => boolean): Instance | undefined {
    this.#passing ??= this.#ofHealth('passing');
    return this.#pickOf(this.#passing, accept) ?? this.#pickOf(this.#ofHealth('warning'), accept);
  }

  /**
   * Picks in the process, by a policy, and leaves alone whoever does not answer: see Balancer.
   * Without options it is the same one each time; what is known of the instances is shared by all
   * balancers of a view.
   *
   * @throws DiscoError INVALID_ARGUMENT/USAGE for a policy that there is not
   */
  balancer(policy: PolicyName, options?: BalancerOptions): Balancer {
    this.#pool ??= new TargetPool(this, this.#tools);
    if (options !== undefined) return new Balancer(this.#pool, policy, options);
    const balancer = this.#balancers.get(policy) ?? new Balancer(this.#pool, policy);
    this.#balancers.set(policy, balancer);
    return balancer;
  }

  /**
   * Resolves when the first snapshot is complete.
   *
   * @param timeoutMs how long to wait, Infinity for ever; the waiting keeps the process up
   * @throws DiscoError what keeps the view from being ready; UNAVAILABLE/TIMEOUT if that is not
   *   known; the signal's reason when aborted
   */
  ready(timeoutMs: number = readyTimeoutMsDefault, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(settle);
        signal?.removeEventListener('abort', settle);
        if (signal?.aborted) reject(signal.reason);
        else if (this.#table.complete) resolve();
        else reject(this.#problem ?? this.#timeout(timeoutMs));
      };
      const timer = setTimeout(settle, Math.min(timeoutMs, foreverMs));
      this.#waiters.add(settle);
      signal?.addEventListener('abort', settle, { once: true });
      if (this.#table.complete || this.#ended || signal?.aborted) settle();
    });
  }

  /**
   * Calls the listener at every later change, after the list has taken it.
   *
   * @returns the way to stop it
   * @throws DiscoError RESOURCE_EXHAUSTED at 1,000 listeners
   */
  onChange(listener: (change: ViewChange) => void): () => void {
    if (this.#listeners.size >= listenersMax) {
      throw new DiscoError(
        'RESOURCE_EXHAUSTED',
        'TOO_MANY_WATCHERS',
        `this view has ${listenersMax} listeners already; stop one with what onChange() returned`,
      );
    }
    const own = (change: ViewChange): void => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Ends the watch; the last list can still be read. May be called again. */
  close(): void {
    if (this.#ended) return;
    this.#listeners.clear();
    this.#end(new DiscoError('FAILED_PRECONDITION', 'STOPPING', 'this view is closed'));
  }

  #pickOf(
    list: readonly Instance[],
    accept: ((instance: Instance) => boolean) | undefined,
  ): Instance | undefined {
    return this.#tools.random.pick(accept === undefined ? list : list.filter(accept));
  }

  #ofHealth(wanted: Health): readonly Instance[] {
    return this.#table.list().filter(({ health }) => health === wanted);
  }

  /** One stream after another until the view ends. Never rejects. */
  async #follow(): Promise<void> {
    while (!this.#ended) {
      let problem: DiscoError;
      try {
        // Nothing known yet: nothing that a poorer answer could spoil.
        if (this.#table.complete) await this.#gate.pass(this.#stop.signal);
        await this.#readStream();
        problem = new DiscoError('UNAVAILABLE', 'DAEMON_LOST', 'the daemon has ended the watch');
      } catch (error) {
        problem = asDiscoError(error);
      }
      this.#table.cut();
      if (this.#ended) return;
      if (problem.reason === 'INVALID_CURSOR') this.#table.forgetCursor();
      else if (isFinal(problem)) return this.#end(problem);
      this.#becomeStale(problem);
      await this.#pause();
    }
  }

  async #readStream(): Promise<void> {
    const { caller, clock } = this.#tools;
    const { group, name } = this;
    const request = { group, name, cursor: this.#table.cursor };
    const cancelTimer = clock.schedule(silenceMs, () => this.#becomeFresh());
    const options = { signal: this.#stop.signal };
    try {
      for await (const event of caller.serverStream('Watch', request, options)) {
        if (this.#ended) return;
        const changes = this.#table.apply(event);
        if (changes.length > 0) this.#passing = undefined;
        for (const change of changes) this.#tell(change);
        this.#becomeFresh();
      }
    } finally {
      cancelTimer();
    }
  }

  #becomeFresh(): void {
    if (!this.#table.complete || this.#table.inSnapshot || this.#ended) return;
    this.#backoff.reset();
    this.#problem = undefined;
    this.#wake();
    if (!this.#stale) return;
    this.#stale = false;
    this.#tell({ kind: 'fresh' });
  }

  #becomeStale(problem: DiscoError): void {
    const told = this.#stale && this.#problem?.reason === problem.reason;
    this.#stale = true;
    this.#problem = problem;
    if (!told) this.#tell({ kind: 'stale', problem });
  }

  #end(problem: DiscoError): void {
    this.#becomeStale(problem);
    this.#ended = true;
    clearInterval(this.#hold);
    this.#stop.abort();
    this.#wake();
    this.#onEnded(this);
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  #tell(change: ViewChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (thrown) {
        // The application's own mistake: shown, but no reason to stop following.
        process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
      }
    }
  }

  #pause(): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.#tools.clock.schedule(this.#backoff.nextMs(retryMsMax), wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #timeout(timeoutMs: number): DiscoError {
    return new DiscoError(
      'UNAVAILABLE',
      'TIMEOUT',
      `no first snapshot within ${timeoutMs} ms; see whether the daemon is well: disco status`,
    );
  }
}

/** What would be refused again for ever: the view ends with it. */
function isFinal(problem: DiscoError): boolean {
  return problem.code === 'INVALID_ARGUMENT' || problem.reason === 'TOO_MANY_RECORDS';
}

function asDiscoError(error: unknown): DiscoError {
  if (error instanceof DiscoError) return error;
  return new DiscoError('INTERNAL', 'BUG', errorText(error), error);
}

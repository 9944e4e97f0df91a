/**
 * A registration that keeps itself alive.
 *
 *   register ─▶ registered ──every ttl/3── Heartbeat ─▶ registered
 *                  ▲                          │ unknown there, or no answer
 *                  └── Register, on the same port ◀── lost (backoff up to ttl/3)
 *
 * One step is under way at a time, and none begins after close(): so Deregister is the last word.
 */
import type { RegisteredAs } from '../base/challenge.ts';
import type { Cancel, Clock } from '../base/clock.ts';
import { DiscoError, errorText } from '../base/error.ts';
import type { ErrorReason } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { Backoff } from './backoff.ts';
import type { UnaryCaller, UnaryOptions } from './discovery-stub.ts';
import { checkOptions, lingerMsMax, requestOf, ttlMsDefault } from './register-options.ts';
import type { RegisterOptions, RegistrationState } from './register-options.ts';

const retryFirstMs = 250;
/** Below this a heartbeat costs more than it tells. */
const intervalMsMin = 20;
/** How long one call of the background may take; close() waits for two of them at most. */
const callDeadlineMs = 2_000;

/** What a registration works with. */
export interface RegistrationTools {
  readonly caller: UnaryCaller;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of work that goes on when register() was given up; it never rejects. */
  readonly background?: (work: Promise<void>) => void;
}

/** What the daemon made of it. */
interface Announced {
  /** The instance as it was resolved. */
  readonly as: RegisteredAs;
  readonly owner: string;
  readonly conflict: boolean;
}

export class Registration {
  readonly group: string;
  readonly name: string;
  readonly #tools: RegistrationTools;
  readonly #options: RegisterOptions;
  #announced: Announced;
  readonly #onClosed: () => void;
  readonly #backoff: Backoff;
  #ttlMs: number;
  #state: RegistrationState = 'registered';
  /** Why it is lost, as the application was told last. */
  #told: ErrorReason | undefined;
  #cancelTimer: Cancel = () => undefined;
  #step: Promise<void> = Promise.resolve();
  #closing: Promise<boolean> | undefined;
  readonly #abort = (): void => void this.close();

  /**
   * Registers and stays registered until close() or the signal.
   *
   * @param onClosed called once, when it no longer needs its tools
   * @throws DiscoError what the daemon refused, or UNAVAILABLE; the signal's reason when aborted
   */
  static async register(
    tools: RegistrationTools,
    options: RegisterOptions,
    onClosed: (registration: Registration) => void = () => undefined,
  ): Promise<Registration> {
    checkOptions(options);
    const announced = await announce(tools, options);
    const registration = new Registration(tools, options, announced, onClosed);
    // Aborted between the daemon's answer and here.
    if (options.signal?.aborted) await registration.close();
    options.signal?.throwIfAborted();
    return registration;
  }

  private constructor(
    tools: RegistrationTools,
    options: RegisterOptions,
    announced: Announced,
    onClosed: (registration: Registration) => void,
  ) {
    this.#tools = tools;
    this.#backoff = new Backoff(tools.random, retryFirstMs);
    this.#options = options;
    this.#onClosed = () => onClosed(this);
    this.group = options.group;
    this.name = options.name;
    this.#announced = announced;
    this.#ttlMs = options.ttlMs ?? ttlMsDefault;
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    this.#scheduleHeartbeat();
  }

  /** The resolved address: what others are told. It follows the host's when no ip was given. */
  get ip(): string {
    return this.#announced.as.ip;
  }

  get port(): number {
    return this.#announced.as.port;
  }

  /** Made of the address when none was given, and follows it. */
  get instanceId(): string {
    return this.#announced.as.instanceId;
  }

  /** Peer id of the daemon that holds it. */
  get owner(): string {
    return this.#announced.owner;
  }

  /** Another owner had claimed the same group, name and address when this was registered. */
  get conflict(): boolean {
    return this.#announced.conflict;
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /**
   * Stops the heartbeats and takes the registration back. Takes 4 s at most, and `lingerMs` longer
   * when the daemon confirms it; never throws, may be called again.
   *
   * @returns whether the daemon has confirmed it; when it has not, the ttl ends the registration
   */
  close(): Promise<boolean> {
    this.#closing ??= this.#deregister();
    return this.#closing;
  }

  async #deregister(): Promise<boolean> {
    this.#cancelTimer();
    this.#options.signal?.removeEventListener('abort', this.#abort);
    // A Register on its way must not arrive after the Deregister.
    await this.#step;
    const { as } = this.#announced;
    const isConfirmed = await takeBack(this.#tools.caller, as);
    // Not before: until then the daemon may ask.
    this.#options.identity?.end(as);
    if (isConfirmed) await this.#linger();
    this.#onClosed();
    return isConfirmed;
  }

  async #linger(): Promise<void> {
    const { lingerMs = 0 } = this.#options;
    if (lingerMs === 0) return;
    // The clock's timers do not keep the process up.
    const hold = setInterval(() => undefined, lingerMsMax);
    await new Promise<void>((resolve) => void this.#tools.clock.schedule(lingerMs, resolve));
    clearInterval(hold);
  }

  #scheduleHeartbeat(): void {
    if (this.#ttlMs === 0) return;
    this.#schedule(this.#tools.random.jitter(this.#ttlMs / 3, 0.1), () => this.#heartbeat());
  }

  #scheduleRegister(): void {
    this.#schedule(this.#backoff.nextMs(this.#ttlMs / 3), () => this.#registerAgain());
  }

  #schedule(delayMs: number, step: () => Promise<void>): void {
    if (this.#closing !== undefined) return;
    this.#cancelTimer = this.#tools.clock.schedule(Math.max(intervalMsMin, delayMs), () => {
      this.#step = step();
    });
  }

  /** Never rejects; the same goes for #registerAgain. */
  async #heartbeat(): Promise<void> {
    try {
      const { group, name, instanceId } = this;
      const answer = await this.#tools.caller.unary(
        'Heartbeat',
        { group, name, instanceId },
        { deadlineMs: callDeadlineMs },
      );
      const granted = Number(answer.ttlMs);
      if (granted > 0) this.#ttlMs = granted;
      this.#scheduleHeartbeat();
    } catch (error) {
      this.#setState('lost', error);
      // The daemon is there and lacks the instance: no reason to wait.
      const unknown = error instanceof DiscoError && error.code !== 'UNAVAILABLE';
      if (unknown && this.#closing === undefined) await this.#registerAgain();
      else this.#scheduleRegister();
    }
  }

  async #registerAgain(): Promise<void> {
    try {
      const { as: before } = this.#announced;
      // What was left out is asked for again: the host may have another address by now.
      const options = { ...this.#options, port: before.port };
      this.#announced = await ask(this.#tools.caller, options, { deadlineMs: callDeadlineMs });
      this.#options.identity?.end(before);
      this.#backoff.reset();
      this.#setState('registered', undefined);
      this.#scheduleHeartbeat();
    } catch (error) {
      this.#setState('lost', error);
      this.#scheduleRegister();
    }
  }

  #setState(state: RegistrationState, error: unknown): void {
    const problem =
      error === undefined || error instanceof DiscoError
        ? error
        : new DiscoError('INTERNAL', 'BUG', errorText(error), error);
    // That the daemon is still away is no news; that it is back and refuses is.
    const isRefused = problem !== undefined && problem.code !== 'UNAVAILABLE';
    const isNews = this.#state !== state || (isRefused && problem.reason !== this.#told);
    if (!isNews || this.#closing !== undefined) return;
    this.#state = state;
    this.#told = problem?.reason;
    try {
      this.#options.onStateChange?.(state, problem);
    } catch (thrown) {
      // The application's own mistake: shown, but no reason to stop the heartbeats.
      process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
    }
  }
}

/** Registers; what comes of it when it was given up meanwhile is taken back, in the background. */
async function announce(
  { caller, background }: RegistrationTools,
  options: RegisterOptions,
): Promise<Announced> {
  const { signal, identity } = options;
  signal?.throwIfAborted();
  const announcing = ask(caller, options);
  try {
    return await untilAborted(announcing, signal);
  } catch (error) {
    if (signal?.aborted) {
      const undo = async ({ as }: Announced): Promise<void> => {
        await takeBack(caller, as);
        identity?.end(as);
      };
      // What failed has left nothing to take back.
      const left = announcing.then(undo, () => undefined);
      background?.(left);
    }
    throw error;
  }
}

/** One Register. */
async function ask(
  caller: UnaryCaller,
  options: RegisterOptions,
  patience?: UnaryOptions,
): Promise<Announced> {
  const { group, name, identity } = options;
  const request = requestOf(options);
  const settle = identity?.begin();
  try {
    const answer = await caller.unary('Register', request, patience);
    const { ip, port, instanceId, owner, conflict } = answer;
    const as = { group, name, instanceId, ip, port };
    settle?.(as);
    return { as, owner, conflict };
  } finally {
    // Once it is settled, this says nothing new.
    settle?.();
  }
}

/** Never rejects. @returns whether the daemon has confirmed that it is gone */
async function takeBack(caller: UnaryCaller, as: RegisteredAs): Promise<boolean> {
  try {
    await caller.unary('Deregister', { ...as }, { deadlineMs: callDeadlineMs });
    return true;
  } catch (error) {
    // Not known there: gone is what was asked for.
    return error instanceof DiscoError && error.code === 'NOT_FOUND';
  }
}

/** As the work ends, or with the signal's reason before that. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const settle = (): void => signal.removeEventListener('abort', giveUp);
    void work.then(resolve, reject).finally(settle);
  });
}

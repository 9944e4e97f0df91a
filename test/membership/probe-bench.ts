/** A prober by itself, on links of no length to peers that are played by hand. */
import { seededRandom } from '../../src/base/random.ts';
import { Prober } from '../../src/membership/prober.ts';
import type { ProbeAction } from '../../src/membership/probe-action.ts';

export const intervalMs = 1_000;
export const peers = ['a', 'b', 'c', 'd', 'e'];
type Kind = ProbeAction['kind'];

/** Its peers answer at once unless they are frozen; then they do when they thaw. */
export class Bench {
  readonly prober: Prober;
  readonly frozen = new Set<string>();
  readonly #unread = new Map<string, number[]>();
  /** Those who vouch for whoever they are asked for. */
  readonly vouchers = new Set<string>();
  /** All that was done, with its time. */
  readonly log: (readonly [number, ProbeAction])[] = [];
  nowMs = 0;
  #passAtMs = intervalMs;

  constructor(names: readonly string[] = peers, randomSeed = 1) {
    this.prober = new Prober({ self: 'self', intervalMs, random: seededRandom(randomSeed) });
    for (const name of names) this.do(this.prober.linked(name, 0));
  }

  do(actions: readonly ProbeAction[]): readonly ProbeAction[] {
    for (const action of actions) {
      this.log.push([this.nowMs, action]);
      if (action.kind === 'ping') this.#ping(action.peer, action.nonce);
      if (action.kind === 'askVouch' && this.vouchers.has(action.through))
        this.do(this.prober.vouched(action.through, action.subject, action.nonce, this.nowMs));
    }
    return actions;
  }

  /** Ticks in time, and is awake once an interval. */
  run(forMs: number): this {
    const endMs = this.nowMs + forMs;
    for (let next = this.#next(); next <= endMs; next = this.#next()) {
      this.nowMs = next;
      if (this.prober.nextMs <= next) this.do(this.prober.tick(next));
      if (next >= this.#passAtMs) {
        this.#passAtMs += intervalMs;
        this.do(this.prober.pass(next));
      }
      this.prober.hostWakesAt(this.#next());
    }
    this.nowMs = endMs;
    return this;
  }

  /** Nothing is called for so long. */
  stall(forMs: number): this {
    this.nowMs += forMs;
    this.#passAtMs = Math.max(this.#passAtMs, this.nowMs + intervalMs);
    return this;
  }

  /** The actions of one kind, with their times. */
  of<K extends Kind>(kind: K): [number, Extract<ProbeAction, { kind: K }>][] {
    return this.log.filter(([, action]) => action.kind === kind) as never;
  }

  freeze(...names: readonly string[]): this {
    for (const name of names) this.frozen.add(name);
    this.log.length = 0;
    return this;
  }

  /** It reads what came meanwhile. */
  thaw(name: string): this {
    this.frozen.delete(name);
    for (const nonce of this.#unread.get(name) ?? []) this.#ping(name, nonce);
    this.#unread.delete(name);
    return this;
  }

  /** Until something of that kind is done. @returns when */
  until(kind: Kind, withinMs = 10_000): number {
    const endMs = this.nowMs + withinMs;
    while (this.of(kind).length === 0 && this.#next() <= endMs) this.run(this.#next() - this.nowMs);
    return this.nowMs;
  }

  /** When it has something to do. */
  #next(): number {
    return Math.min(this.prober.nextMs, this.#passAtMs);
  }

  #ping(peer: string, nonce: number): void {
    if (this.frozen.has(peer)) this.#unread.set(peer, [...(this.#unread.get(peer) ?? []), nonce]);
    else this.do(this.prober.answered(peer, nonce, this.nowMs));
  }

  /** The names of the silent, as they were told of. */
  get silent(): string[] {
    return this.of('silent').map(([, { peer }]) => peer);
  }
}

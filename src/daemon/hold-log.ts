/** Writes a line for each service that begins or ends to be held: it follows the registry's feed. */
import type { Log } from '../base/log.ts';
import type { Hold } from '../registry/brake.ts';
import type { Registry } from '../registry/registry.ts';

/** Services that one look tells of; the rest is a number. */
const linesMax = 20;

export class HoldLog {
  readonly #registry: Registry;
  readonly #log: Log;
  #holds = new Map<string, Hold>();
  #revision = 0;
  #unfollow: () => void = () => undefined;

  constructor(registry: Registry, log: Log) {
    this.#registry = registry;
    this.#log = log;
  }

  start(): void {
    this.#unfollow = this.#registry.feed.follow(() => this.#compare());
    this.#compare();
  }

  stop(): void {
    this.#unfollow();
  }

  #compare(): void {
    const { brake } = this.#registry;
    if (this.#revision === brake.revision) return;
    this.#revision = brake.revision;
    const before = this.#holds;
    this.#holds = new Map(brake.holds().map((hold) => [`${hold.group}/${hold.name}`, hold]));
    const isSame = (service: string): boolean =>
      before.get(service)?.since === this.#holds.get(service)?.since;
    const begun = [...this.#holds.keys()].filter((service) => !isSame(service));
    const ended = [...before.keys()].filter((service) => !isSame(service));
    for (const service of begun.slice(0, linesMax)) this.#tellBegin(service);
    for (const service of ended.slice(0, linesMax))
      if (!this.#holds.has(service)) this.#log.info({ service }, 'no longer holding');
    const untold = Math.max(0, begun.length - linesMax) + Math.max(0, ended.length - linesMax);
    if (untold > 0) this.#log.warn({ services: untold }, 'holding or no longer holding more');
  }

  #tellBegin(service: string): void {
    const hold = this.#holds.get(service);
    if (hold === undefined) return;
    const { reason, instances } = hold;
    const [since, until] = [hold.since, hold.until].map((at) => new Date(at / 1000).toISOString());
    this.#log.warn({ service, reason, instances, since, until }, 'holding the last good answer');
  }
}

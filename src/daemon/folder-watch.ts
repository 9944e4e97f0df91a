/**
 * FolderWatch: tells when something in a folder may have changed, once for a burst of changes.
 *
 *   events ─▶ quiet for 50 ms, or 500 ms after the first ─▶ told
 *
 * The system's watch is lost without a word when the folder is replaced, and there may be none at
 * all (network file systems, too many watches). So every few seconds the folder is looked at: one
 * that is another is watched anew, and while it cannot be watched each look counts as a change.
 */
import * as fs from 'node:fs';
import type { Cancel, Clock } from '../base/clock.ts';

export const quietMs = 50;
/** However long a burst goes on. */
export const burstMsMax = 500;
export const lookMs = 5_000;

/** What a watch needs of the system; tests put their own in its place. */
export interface FolderSystem {
  /** Equal as long as it is the same folder; undefined when there is none. */
  identity(path: string): string | undefined;
  /** @returns how to end it. @throws as node:fs does */
  watch(path: string, onEvent: () => void, onEnd: () => void): Cancel;
}

export const systemFolders: FolderSystem = {
  identity(path) {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.dev} ${stat.ino}`;
  },
  watch(path, onEvent, onEnd) {
    const watcher = fs.watch(path, { persistent: false }, onEvent);
    watcher.on('error', onEnd);
    return () => watcher.close();
  },
};

export class FolderWatch {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #system: FolderSystem;
  /** Of the folder that is watched; undefined when none is. */
  #watched: string | undefined;
  #unwatch: Cancel = () => undefined;
  #cancelLook: Cancel = () => undefined;
  #cancelTell: Cancel = () => undefined;
  /** When the burst under way began, monotonic ms. */
  #burstAtMs: number | undefined;

  constructor(path: string, clock: Clock, onChange: () => void, system = systemFolders) {
    this.#path = path;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#system = system;
  }

  /** From its return on no change is missed. */
  start(): void {
    this.#arm();
    this.#cancelLook = this.#clock.schedule(lookMs, () => this.#look());
  }

  stop(): void {
    this.#cancelLook();
    this.#disarm();
    this.#cancelTell();
  }

  #look(): void {
    this.#cancelLook = this.#clock.schedule(lookMs, () => this.#look());
    if (this.#watched !== undefined && this.#watched === this.#identity()) return;
    this.#disarm();
    this.#arm();
    this.#onChange();
  }

  #arm(): void {
    const identity = this.#identity();
    if (identity === undefined) return;
    try {
      this.#unwatch = this.#system.watch(
        this.#path,
        () => this.#noteEvent(),
        () => this.#disarm(),
      );
      this.#watched = identity;
    } catch {
      // No watch to be had: the looks go on.
    }
  }

  #disarm(): void {
    this.#unwatch();
    this.#unwatch = () => undefined;
    this.#watched = undefined;
  }

  #noteEvent(): void {
    const { monoMs } = this.#clock.now();
    this.#burstAtMs ??= monoMs;
    const delayMs = Math.min(quietMs, this.#burstAtMs + burstMsMax - monoMs);
    this.#cancelTell();
    this.#cancelTell = this.#clock.schedule(Math.max(0, delayMs), () => {
      this.#burstAtMs = undefined;
      this.#onChange();
    });
  }

  #identity(): string | undefined {
    try {
      return this.#system.identity(this.#path);
    } catch {
      return undefined;
    }
  }
}

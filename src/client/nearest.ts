/**
 * The nearest instances in turn: those of this host, else those of this zone, else all.
 */
import { networkInterfaces } from 'node:os';
import { isLoopback } from '../base/address.ts';
import type { Random } from '../base/random.ts';
import type { Instance } from './instance.ts';
import { RoundRobin, type Policy } from './policy.ts';
import type { Target } from './target.ts';

/** Where this process is. */
export interface Place {
  /** Empty: not known. */
  readonly zone: string;
  /** Literal IPs and names of this host; loopback addresses need not be among them. */
  readonly hosts: ReadonlySet<string>;
}

export class Nearest implements Policy {
  readonly #place: Place;
  readonly #inTurn: RoundRobin;

  constructor(random: Random, place: Place) {
    this.#place = place;
    this.#inTurn = new RoundRobin(random);
  }

  take(candidates: readonly Target[]): void {
    const distances = candidates.map(({ instance }) => distanceTo(instance, this.#place));
    const least = Math.min(...new Set(distances));
    this.#inTurn.take(candidates.filter((_, index) => distances[index] === least));
  }

  pick(): Target | undefined {
    return this.#inTurn.pick();
  }
}

/** 0 on this host, 1 in this zone, 2 elsewhere. */
export function distanceTo(
  instance: Pick<Instance, 'ip' | 'zone'>,
  { zone, hosts }: Place,
): number {
  if (isLoopback(instance.ip) || hosts.has(instance.ip)) return 0;
  return zone !== '' && instance.zone === zone ? 1 : 2;
}

/** Every address of this host, and the zone in DISCO_ZONE, which the daemon reads too. */
export function ownPlace(): Place {
  const interfaces = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const hosts = new Set(interfaces.map(({ address }) => address));
  return { zone: process.env['DISCO_ZONE'] ?? '', hosts };
}

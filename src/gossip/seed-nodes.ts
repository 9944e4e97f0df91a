/** SeedNodes: the addresses by which a node first finds others, and who answered there last. */
import type { OwnerId } from '../record/owner.ts';

export class SeedNodes {
  readonly #addresses: readonly string[];
  /** Who answered at an address; `self` is remembered too. */
  readonly #peers = new Map<string, OwnerId>();

  /** @param addresses multiaddrs */
  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** A dial to an address ended: with this peer or, when it is undefined, with nobody. */
  note(address: string | undefined, peer: OwnerId | undefined): void {
    if (address === undefined) return;
    if (peer === undefined) this.#peers.delete(address);
    else this.#peers.set(address, peer);
  }

  /** Every address turned out to be this node's own. */
  areAll(self: OwnerId): boolean {
    return this.#addresses.every((address) => this.#peers.get(address) === self);
  }

  /** Addresses at which nobody answered, or somebody who is not among the living any more. */
  silent(isAlive: (peer: OwnerId) => boolean): string[] {
    return this.#addresses.filter((address) => {
      const peer = this.#peers.get(address);
      return peer === undefined || !isAlive(peer);
    });
  }

  /** For people. */
  describe(): string {
    if (this.#addresses.length === 0) return 'no seed nodes';
    return `seed nodes ${this.#addresses.join(', ')}`;
  }
}

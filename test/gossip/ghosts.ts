/** Owners whose nodes run nowhere: their states are put into nodes by hand. */
import type { Now } from '../../src/base/clock.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { advance } from '../../src/registry/own-state.ts';
import type { Signer } from '../../src/record/signature.ts';
import type { Identity, Mutation, OwnBounds } from '../../src/registry/own-state.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { registrationOf, signerOf, testConfig } from './cluster.ts';

export class Ghost {
  readonly owner: OwnerId;
  readonly #identity: Identity;
  readonly #bounds: OwnBounds;
  #state: OwnerState;

  /**
   * @param recordBytes about so many for each record, at least 100
   * @param bounds its own, when they are wider than those of everyone else
   */
  constructor(
    signer: number | Signer,
    wallMicros: number,
    records = 0,
    recordBytes = 300,
    bounds: Partial<OwnBounds> = {},
  ) {
    this.#bounds = { ...testConfig, ...bounds };
    const own = typeof signer === 'number' ? signerOf(signer) : signer;
    this.owner = own.owner;
    this.#identity = { signer: own, cluster: 'test', bootId: '00'.repeat(8) };
    this.#state = this.#advance(undefined, wallMicros, [{ kind: 'reincarnate', above: 0 }]);
    if (records > 0) this.register(wallMicros, records, recordBytes);
  }

  get state(): OwnerState {
    return this.#state;
  }

  /** Registers, or registers anew, the first `count` instances. */
  register(wallMicros: number, count: number, recordBytes = 300): void {
    const tags = ['x'.repeat(Math.max(0, recordBytes - 100))];
    const mutations = Array.from({ length: count }, (_, index) => {
      const instanceId = `instance-${index}`;
      return { kind: 'register' as const, registration: registrationOf('s', { instanceId, tags }) };
    });
    this.#state = this.#advance(this.#state, wallMicros, mutations);
  }

  /** Nothing but a fresh head. */
  refresh(wallMicros: number): void {
    this.#state = this.#advance(this.#state, wallMicros, [{ kind: 'refresh' }]);
  }

  /** Puts all of it into a registry, as a peer would. */
  giveTo(registry: Registry, now: Now): void {
    const records = [...this.#state.set.records()].map(({ bytes }) => bytes);
    registry.receive(this.#state.head, records, true, now);
  }

  #advance(
    current: OwnerState | undefined,
    wallMicros: number,
    mutations: readonly Mutation[],
  ): OwnerState {
    const facts = {
      name: `ghost-${this.owner.slice(-4)}`,
      addresses: ['/ip4/192.0.2.1/tcp/7001'],
      startedAt: wallMicros,
      protocolMin: 1,
      protocolMax: 1,
      // Nobody tries to reach it.
      left: true,
      version: '0.1.0',
    };
    return advance(current, facts, mutations, this.#identity, this.#bounds, wallMicros).next;
  }
}

/** Ghosts 100, 101, … */
export function ghosts(
  count: number,
  wallMicros: number,
  records = 0,
  signer: (number: number) => Signer = signerOf,
): Ghost[] {
  return Array.from(
    { length: count },
    (_, index) => new Ghost(signer(100 + index), wallMicros, records),
  );
}

/** Who is thought what by whom in a test's cluster, now and over time. */
import type { MemberState } from '../../src/membership/member.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import type { TestCluster, TestNode } from './cluster.ts';

/** One node changed its mind about another. */
export interface MemberChange {
  readonly atMs: number;
  /** Numbers of the nodes. */
  readonly at: number;
  readonly of: number;
  readonly state: MemberState;
}

export function stateAt(
  cluster: TestCluster,
  number: number,
  owner: OwnerId,
): MemberState | undefined {
  return cluster.node(number).registry.member(owner)?.state;
}

/** Nobody but the owner itself is asked. */
export function isToAll(cluster: TestCluster, owner: OwnerId, ...states: MemberState[]): boolean {
  return [...cluster.nodes.values()].every(({ registry }) => {
    const state = registry.member(owner)?.state;
    return registry.self === owner || (state !== undefined && states.includes(state));
  });
}

/** Sums a counter of the engines of all nodes. */
export function countOf(cluster: TestCluster, counter: string): number {
  return [...cluster.nodes.values()].reduce(
    (sum, { engine }) => sum + engine.counters.get(counter),
    0,
  );
}

/** Listens to the nodes that run now. */
export class MemberLog {
  readonly changes: MemberChange[] = [];
  readonly #cluster: TestCluster;
  readonly #numbers = new Map<OwnerId, number>();

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    for (const { number, registry } of cluster.nodes.values())
      this.#numbers.set(registry.self, number);
    for (const node of cluster.nodes.values()) this.#follow(node);
  }

  /** What was noted since the last time. */
  take(): MemberChange[] {
    return this.changes.splice(0);
  }

  #follow({ number, registry }: TestNode): void {
    const known = new Map<OwnerId, MemberState>();
    for (const { owner, state } of registry.members()) known.set(owner, state);
    let cursor = registry.feed.revision;
    registry.feed.follow(() => {
      const answer = registry.feed.read(cursor, Infinity);
      if (answer.kind === 'lost') throw new Error('the log was read too late');
      cursor = answer.revision;
      for (const { owner } of answer.changes) {
        const state = registry.member(owner)?.state;
        if (state === undefined || state === known.get(owner)) continue;
        known.set(owner, state);
        const of = this.#numbers.get(owner) ?? 0;
        this.changes.push({ atMs: this.#cluster.clock.now().monoMs, at: number, of, state });
      }
    });
  }
}

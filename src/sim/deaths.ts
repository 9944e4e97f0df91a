/**
 * Deaths: nobody who is up and can be reached is ever thought dead.
 *
 *   partition, freeze, …  ─── excuse ───┐ and a while after it
 *   all other time        no node holds the present life of a running one for dead
 *
 * That others were killed, or a wrong clock, or a broken connection, is no excuse.
 */
import type { Change } from '../registry/change-feed.ts';
import type { Checkers } from './checkers.ts';
import { faultKinds } from './faults.ts';
import type { Observer, SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** What began under a fault may come to its end so long after it: a suspicion, a dial, TCP. */
const aftermathMs = 20_000;

export class Deaths implements Partial<Observer> {
  readonly #world: World;
  readonly #checkers: Checkers;
  readonly #excuses: readonly { readonly fromMs: number; readonly untilMs: number }[];

  constructor(world: World, checkers: Checkers) {
    this.#world = world;
    this.#checkers = checkers;
    this.#excuses = world.options.faults
      .filter(({ kind }) => faultKinds[kind]?.isExcuse === true)
      .map(({ atMs, untilMs }) => ({ fromMs: atMs, untilMs: untilMs + aftermathMs }));
  }

  changed(node: SimNode, changes: readonly Change[]): void {
    for (const { owner } of changes) {
      const member = node.registry.member(owner);
      if (member?.state !== 'dead') continue;
      const subject = this.#world.node(this.#world.numberOf(owner));
      const life = subject?.registry.member(owner);
      // An earlier life of it, or another key that the node once had, is over.
      if (subject?.owner !== owner || life?.incarnation !== member.incarnation) continue;
      if (this.#isExcused()) continue;
      const accusers = node.engine.accusersOf(owner);
      const said = accusers.map(({ accuser, reason, confirmed }) => {
        const number = this.#world.numberOf(accuser);
        return `${number} (${reason}${confirmed ? ', confirmed' : ''})`;
      });
      const sentence = `node ${subject.number} is up, and dead here; accused by ${said.join(', ') || 'nobody'}`;
      this.#checkers.report('no false death', node.number, sentence);
    }
  }

  #isExcused(): boolean {
    const { nowMs } = this.#world;
    return this.#excuses.some(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs <= untilMs);
  }
}

/**
 * Sometimes: states that a campaign must reach, or it has not tried what it is for.
 *
 * Most cells are read off the counters of the nodes; what no counter tells is seen here.
 */
import type { Input } from '../gossip/context.ts';
import type { Head } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Change } from '../registry/change-feed.ts';
import type { Observer, SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** Cells that are counters of the nodes: the name of the cell, and the counters it adds up. */
const counted: Readonly<Record<string, readonly string[]>> = {
  'a rumor came before its predecessor': ['rumors_gap'],
  'a rumor brought news': ['rumors_applied'],
  'a repair was retold to the neighbors': ['rumors_retold'],
  'an exchange repaired something': ['deltas_applied'],
  'an exchange was cut off': ['exchanges_failed'],
  'an owner was asked for whole': ['asked_whole'],
  'a node refuted its death': ['refutations'],
  'an owner met a newer head of its own and went above it': ['reclaims'],
  'a member was found dead': ['members_found_dead'],
  'a frame was dropped, since its reader was slow': ['sends_dropped'],
  'a head from too far ahead was refused': ['refused CLOCK_AHEAD'],
  'an expired head was refused': ['refused EXPIRED'],
  'an owner said two things at once': ['refused EQUIVOCATION'],
  'a wrong clock was corrected': ['clock_adjusted'],
  'a process met another one with its key and ended': ['duplicate_owner'],
  'a difference was decoded from coded symbols': ['differences_decoded'],
  'heads were compared under a fresh salt': ['exchanges_salted'],
  'a snapshot was pulled': ['pages_taken'],
  'a dial timed out': ['dials_timeout'],
  'a dial met somebody else': ['dials_other_peer'],
  'a peer was silent': ['peers_silent'],
  'a silent peer spoke again': ['peers_speaking_again'],
  'a member was convicted by three': ['members_convicted_by_quorum'],
  'a member was convicted by a confirmation': ['members_convicted_by_confirmation'],
  'an accuser was refuted and went mute': ['accusers_muted'],
  'an accusation of a life that is over came': ['accusations_void'],
  'an accusation came before its head': ['accusations_early'],
  'others vouched for a member that could not be dialed': ['inquests_vouched'],
  'a service was held': ['holds'],
};

const watched = [
  'an owner was reaped',
  'the floor rose above what a node held',
  'an owner came back from the dead',
  'a missed lease turned an instance critical',
  'an owner moved to another address',
  'a node was woken late',
  'a node began from its disk',
  'a node was suspect',
  'a suspect refuted in time',
  'a node was isolated',
  'a hold ended',
] as const;
/** What each node holds is remembered up to so many nodes: for all it costs N x N. */
const heldNodesMax = 64;

type Watched = (typeof watched)[number];

export class Sometimes implements Partial<Observer> {
  readonly #world: World;
  readonly #counts = new Map<Watched, number>();
  /** What each owner's head said last anywhere. */
  readonly #addresses = new Map<OwnerId, string>();
  readonly #held = new WeakMap<SimNode, Map<OwnerId, number>>();
  /** Whom each node suspects, in which life. */
  readonly #suspects = new WeakMap<SimNode, Map<OwnerId, number>>();
  /** Services that each node held last. */
  readonly #holds = new WeakMap<SimNode, number>();

  constructor(world: World) {
    this.#world = world;
  }

  stepped(node: SimNode, input: Input): void {
    if (input.kind !== 'wake') return;
    if (node.isLate) this.#note('a node was woken late');
    if (node.engine.isIsolated) this.#note('a node was isolated');
  }

  started(node: SimNode): void {
    let known = 0;
    for (const _ of node.registry.owners()) known += 1;
    if (known > 1 && this.#world.nowMs > 0) this.#note('a node began from its disk');
  }

  changed(node: SimNode, changes: readonly Change[]): void {
    this.#noteHolds(node);
    for (const { owner, events } of changes) {
      const state = node.registry.state(owner);
      this.#noteMember(node, owner);
      if (state === undefined) this.#note('an owner was reaped');
      else this.#noteHead(node, owner, state.head.head);
      for (const event of events) {
        if (event.kind === 'up' && event.reason === 'owner_back')
          this.#note('an owner came back from the dead');
        if (event.kind === 'up' && event.instance.record.health === 'critical')
          this.#note('a missed lease turned an instance critical');
      }
    }
  }

  #noteHolds(node: SimNode): void {
    const { holdCount } = node.registry.brake;
    const before = this.#holds.get(node) ?? 0;
    if (holdCount === before) return;
    if (holdCount < before) this.#note('a hold ended');
    this.#holds.set(node, holdCount);
  }

  #noteMember(node: SimNode, owner: OwnerId): void {
    const member = node.registry.member(owner);
    const suspects = this.#suspects.get(node) ?? new Map<OwnerId, number>();
    const suspected = suspects.get(owner);
    if (member?.state === 'suspect') {
      if (suspected === undefined) this.#note('a node was suspect');
      this.#suspects.set(node, suspects.set(owner, member.incarnation));
    } else if (suspected !== undefined) {
      suspects.delete(owner);
      if (member?.state === 'alive' && member.incarnation > suspected)
        this.#note('a suspect refuted in time');
    }
  }

  #noteHead(node: SimNode, owner: OwnerId, { lastUpdate, floor, facts }: Head): void {
    const address = String(facts.addresses);
    const before = this.#addresses.get(owner);
    if (before !== undefined && before !== address) this.#note('an owner moved to another address');
    this.#addresses.set(owner, address);
    if (this.#world.options.nodes > heldNodesMax) return;
    const held = this.#held.get(node) ?? new Map<OwnerId, number>();
    this.#held.set(node, held);
    const heldBefore = held.get(owner);
    if (heldBefore !== undefined && heldBefore < floor && owner !== node.owner)
      this.#note('the floor rose above what a node held');
    held.set(owner, lastUpdate);
  }

  #note(cell: Watched): void {
    this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
  }

  /** All cells with how often they were reached, the faults that struck among them. */
  cells(counters: ReadonlyMap<string, number>): Record<string, number> {
    const cells: Record<string, number> = {};
    for (const [name, sources] of Object.entries(counted)) {
      cells[name] = sources.reduce((sum, source) => sum + (counters.get(source) ?? 0), 0);
    }
    for (const name of watched) cells[name] = this.#counts.get(name) ?? 0;
    for (const [name, count] of this.#world.network.events) cells[name] = count;
    for (const [kind, count] of this.#world.struck) cells[`fault: ${kind}`] = count;
    return cells;
  }
}

/**
 * MaintenanceRules: what an operator took out of use at this node.
 *
 *   the whole node  ⊃  a service  ⊃  an instance          the closest rule gives the reason
 *
 * Desired state like registrations, and apart from them: it holds over restarts, for instances that
 * are registered later, and for a service that is deregistered and registered again meanwhile. A
 * value: `with` makes another.
 */
import type { NodeFacts } from '../record/head.ts';
import type { MaintenanceRule, Registration } from '../store/store.ts';

/** What a rule is for: group and name '' the whole node, instanceId '' all of a service. */
export type MaintenanceTarget = Pick<Registration, 'group' | 'name' | 'instanceId'>;

export const rulesMax = 1_000;

const wholeNode: MaintenanceTarget = { group: '', name: '', instanceId: '' };

export class MaintenanceRules {
  static readonly none = new MaintenanceRules([]);
  readonly #rules: ReadonlyMap<string, MaintenanceRule>;

  constructor(rules: readonly MaintenanceRule[]) {
    this.#rules = new Map(rules.map((rule) => [targetText(rule), rule]));
  }

  list(): readonly MaintenanceRule[] {
    return [...this.#rules.values()];
  }

  /** The rule for exactly this target. */
  get(target: MaintenanceTarget): MaintenanceRule | undefined {
    return this.#rules.get(targetText(target));
  }

  /** Why the whole node is in maintenance; undefined when it is not. */
  get nodeReason(): string | undefined {
    return this.get(wholeNode)?.reason;
  }

  /** The closest rule that a target falls under, its own first. */
  closest(target: MaintenanceTarget): MaintenanceRule | undefined {
    if (this.#rules.size === 0) return undefined;
    return this.get(target) ?? this.get({ ...target, instanceId: '' }) ?? this.get(wholeNode);
  }

  /** The facts with what they say of maintenance brought up to date. */
  mark(facts: NodeFacts): NodeFacts {
    const { maintenance: _, ...rest } = facts;
    return this.nodeReason === undefined ? rest : { ...rest, maintenance: this.nodeReason };
  }

  /**
   * With a rule in the place of the one for its target; with none when the reason is ''. The time
   * of a rule that was there stays.
   *
   * @returns undefined when they would be more than 1,000
   */
  with(rule: MaintenanceRule): MaintenanceRules | undefined {
    const key = targetText(rule);
    const old = this.#rules.get(key);
    const others = this.list().filter((each) => each !== old);
    if (rule.reason === '') return old === undefined ? this : new MaintenanceRules(others);
    if (others.length >= rulesMax) return undefined;
    return new MaintenanceRules([...others, { ...rule, since: old?.since ?? rule.since }]);
  }
}

/** Whether an instance falls under a target. */
export function isCovered(target: MaintenanceTarget, instance: MaintenanceTarget): boolean {
  if (target.group === '') return true;
  if (target.group !== instance.group || target.name !== instance.name) return false;
  return target.instanceId === '' || target.instanceId === instance.instanceId;
}

/** `group/name/id`, `group/name`, or '' for the whole node: unique, and what people write. */
export function targetText({ group, name, instanceId }: MaintenanceTarget): string {
  if (group === '') return '';
  return instanceId === '' ? `${group}/${name}` : `${group}/${name}/${instanceId}`;
}

/**
 * Why Get has no answer: the service is unknown, it is known and nothing of it is healthy, or it is
 * gone, and since when. What this node cannot know yet is said too.
 */
import { DiscoError } from '../base/error.ts';
import { hostPort } from '../record/names.ts';
import type { Health } from '../record/record.ts';
import type { Instance } from '../registry/instance.ts';
import type { ServiceIndex } from '../registry/service-index.ts';
import { quote } from './validate.ts';

/** Of many addresses, or nodes, that a sentence could name. */
const shownMax = 3;

/**
 * @param isPartial this node has not yet heard all that any other knows
 * @param isTaken another process is known to answer at its address
 * @param isOwn it was registered at this node, which so knows what its checks found
 * @returns NOT_FOUND: UNKNOWN_SERVICE, NO_HEALTHY_INSTANCE or SERVICE_GONE
 */
export function notFound(
  index: ServiceIndex,
  isPartial: boolean,
  group: string,
  name: string,
  isTaken: (instance: Instance) => boolean = () => false,
  isOwn: (instance: Instance) => boolean = () => true,
): DiscoError {
  const service = `${group}/${name}`;
  const instances = index.service(group, name);
  if (instances.length > 0) {
    const count = (health: Health): number =>
      instances.filter(({ record }) => record.health === health).length;
    const newest = instances.reduce((latest, { record }) => Math.max(latest, record.lastUpdate), 0);
    const taken = describeTaken(instances.filter(isTaken));
    const sentence = `${service} has no healthy instance: ${count('critical')} critical, ${count('maintenance')} in maintenance, as of ${moment(newest)}${taken}; "disco list --group ${group}" shows them${describeElsewhere(instances, isOwn)}`;
    return new DiscoError('NOT_FOUND', 'NO_HEALTHY_INSTANCE', sentence);
  }
  const departed = index.departure(group, name);
  if (departed !== undefined) {
    const { at, reason, instanceId, node } = departed;
    const why = reason.replace('_', ' ');
    const sentence = `${service} is gone since ${moment(at)} (${why}): no instance is registered now, the last was ${instanceId} of node ${quote(node)}`;
    return new DiscoError('NOT_FOUND', 'SERVICE_GONE', sentence);
  }
  const unheard = isPartial ? ', as this node has not yet heard from any other' : '';
  const sentence = `${service} is not known: nobody registered it, or the news has not come here yet${unheard}; "disco list" shows what is known`;
  return new DiscoError('NOT_FOUND', 'UNKNOWN_SERVICE', sentence);
}

function describeTaken(instances: readonly Instance[]): string {
  if (instances.length === 0) return '';
  const addresses = instances.map(({ record: { ip, port } }) => hostPort(ip, port));
  return `; another process answers at ${some(addresses)} (identity_mismatch)`;
}

/** Where somebody can be asked why, when it is not here. */
function describeElsewhere(
  instances: readonly Instance[],
  isOwn: (instance: Instance) => boolean,
): string {
  const far = instances.filter((each) => each.record.health === 'critical' && !isOwn(each));
  if (far.length === 0) return '';
  const nodes = [...new Set(far.map(({ node }) => quote(node)))];
  return `, and "disco list --checks" at ${nodes.length > 1 ? 'nodes' : 'node'} ${some(nodes)} says why`;
}

function some(texts: readonly string[]): string {
  const shown = texts.slice(0, shownMax);
  return (texts.length > shown.length ? [...shown, '…'] : shown).join(', ');
}

/** @param micros since the epoch, and of whomever's clock: out of range for a date, it is told bare */
function moment(micros: number): string {
  const date = new Date(micros / 1000);
  return Number.isNaN(date.getTime()) ? `${micros} µs` : date.toISOString();
}

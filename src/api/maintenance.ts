/**
 * SetMaintenance: takes own instances out of use, or gives them back.
 *
 * Only the daemon that registered an instance can, since it alone signs what is said of it.
 */
import { DiscoError } from '../base/error.ts';
import type { disco } from '../gen/discovery.js';
import { reasonBytesMax } from '../record/health.ts';
import type { Instance } from '../registry/instance.ts';
import { isCovered, targetText } from '../registry/maintenance.ts';
import type { MaintenanceTarget } from '../registry/maintenance.ts';
import type { Registry } from '../registry/registry.ts';
import { checkInstanceId, checkName, checkPrintable, invalid, quote } from './validate.ts';

type Request = disco.v1.SetMaintenanceRequest.$Properties;
type Response = disco.v1.SetMaintenanceResponse.$Properties;

const reasonDefault = 'no reason given';
/** Of many nodes that an answer could name. */
const nodesShownMax = 10;

/** What is asked for, checked. */
export interface MaintenanceWish {
  readonly target: MaintenanceTarget;
  /** '': end it. */
  readonly reason: string;
}

/** @throws DiscoError INVALID_ARGUMENT: INVALID_NAME, INVALID_REASON */
export function readWish(request: Request): MaintenanceWish {
  const { group, name, instanceId } = { group: '', name: '', instanceId: '', ...present(request) };
  if (group === '' && (name !== '' || instanceId !== ''))
    throw invalid('INVALID_NAME', 'group is empty: name a service as group and name, or nothing');
  if (group !== '') checkName('group', group);
  if (group !== '') checkName('name', name);
  if (instanceId !== '') checkInstanceId(instanceId);
  const reason = request.on === true ? checkReason(request.reason ?? '') : '';
  return { target: { group, name, instanceId }, reason };
}

/**
 * Refuses what this daemon cannot do.
 *
 * @throws DiscoError NOT_FOUND/UNKNOWN_INSTANCE; FAILED_PRECONDITION: NOT_OWNED_HERE, and
 *   STILL_IN_MAINTENANCE when it is a wider rule that would have to end
 */
export function checkWish({ target, reason }: MaintenanceWish, registry: Registry): void {
  const rules = registry.maintenance;
  if (target.group === '' || rules.get(target) !== undefined) return;
  const { own, foreign } = covered(target, registry);
  if (own.length === 0) throw notOwn(target, reason, foreign);
  const wider = rules.closest(target);
  if (reason !== '' || wider === undefined) return;
  const [what, where] = [targetText(target), targetText(wider)];
  const whole = where === '' ? 'the whole node' : where;
  const sentence = `${what} is in maintenance because ${whole} is (${quote(wider.reason)}): end that with "${commandOf('off', where)}"`;
  throw new DiscoError('FAILED_PRECONDITION', 'STILL_IN_MAINTENANCE', sentence);
}

/** What has become of it. */
export function answerWish({ target }: MaintenanceWish, registry: Registry): Response {
  const { own, foreign } = covered(target, registry);
  const inMaintenance = own.filter(({ record }) => record.health === 'maintenance').length;
  const elsewhere = target.group === '' ? [] : nodesOf(foreign);
  return { instances: own.length, inMaintenance, elsewhere };
}

interface Covered {
  readonly own: readonly Instance[];
  readonly foreign: readonly Instance[];
}

function covered(target: MaintenanceTarget, { index, self }: Registry): Covered {
  const all = target.group === '' ? index.list() : index.service(target.group, target.name);
  const found = all.filter(({ record }) => isCovered(target, record));
  return {
    own: found.filter(({ record }) => record.owner === self),
    foreign: found.filter(({ record }) => record.owner !== self),
  };
}

function notOwn(
  target: MaintenanceTarget,
  reason: string,
  foreign: readonly Instance[],
): DiscoError {
  const shown = targetText(target);
  const [node, ...more] = nodesOf(foreign);
  if (node === undefined) {
    const sentence = `${shown} is not registered at this daemon, nor known elsewhere: "disco list" shows what is`;
    return new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', sentence);
  }
  const where = more.length === 0 ? `node ${node}` : `nodes ${[node, ...more].join(', ')}`;
  const command = commandOf(reason === '' ? 'off' : 'on', shown);
  const sentence = `${shown} was registered at ${where}, and only that daemon can change it: run "${command}" there`;
  return new DiscoError('FAILED_PRECONDITION', 'NOT_OWNED_HERE', sentence);
}

/** Quoted names, ten at most and a mark that there are more. */
function nodesOf(foreign: readonly Instance[]): string[] {
  const names = [...new Set(foreign.map(({ node }) => quote(node)))];
  return names.length > nodesShownMax ? [...names.slice(0, nodesShownMax), '…'] : names;
}

function commandOf(state: 'on' | 'off', target: string): string {
  return `disco maint ${state}${target === '' ? '' : ` ${target}`}`;
}

function checkReason(reason: string): string {
  if (reason.trim() === '') return reasonDefault;
  const bytes = Buffer.byteLength(reason);
  if (bytes > reasonBytesMax)
    throw invalid('INVALID_REASON', `reason takes ${bytes} bytes: at most ${reasonBytesMax} do`);
  return checkPrintable('INVALID_REASON', 'reason', reason);
}

/** Without fields that are null, as a decoder may leave them. */
function present({ group, name, instanceId }: Request): Partial<MaintenanceTarget> {
  const given = Object.entries({ group, name, instanceId }).filter(([, value]) => value != null);
  return Object.fromEntries(given) as Partial<MaintenanceTarget>;
}

/**
 * A list of instances: asked of the daemon page by page.
 */
import { DiscoError } from '../base/error.ts';
import { optionalNumber } from './daemon-status.ts';
import type { UnaryCaller } from './discovery-stub.ts';
import { holdFromProto } from './hold.ts';
import type { Hold } from './hold.ts';
import { healthToProto, instanceFromProto } from './instance.ts';
import type { Health, Instance } from './instance.ts';

const pageSize = 1_000;
const pagesMax = 1_000;

/** Which instances to list; every condition that is given has to hold. */
export interface ListFilter {
  readonly group?: string | undefined;
  readonly name?: string | undefined;
  readonly health?: Health | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  /** All of these pairs. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly version?: string | undefined;
}

/** Instances, and how fresh the daemon's knowledge of them is. */
export interface InstanceList {
  /** Sorted by group, name, instanceId, owner. */
  readonly instances: readonly Instance[];
  /** The daemon has not yet completed a reconcile with a peer: instances may be missing. */
  readonly partial: boolean;
  /** Milliseconds since its last completed reconcile; undefined before the first. */
  readonly sinceReconcileMs: number | undefined;
  /** Every link of the daemon is lost: what it knows may be old. */
  readonly isolated: boolean;
  /** Services of the list that are held, by group and name. */
  readonly holding: readonly Hold[];
}

/**
 * Follows the pages to the last.
 *
 * @throws DiscoError RESOURCE_EXHAUSTED/INVALID_PAGE after 1,000 pages of 1,000
 */
export async function listInstances(
  caller: UnaryCaller,
  filter: ListFilter,
): Promise<InstanceList> {
  const conditions = {
    group: filter.group ?? '',
    name: filter.name ?? '',
    health: filter.health === undefined ? 0 : healthToProto(filter.health),
    tags: [...(filter.tags ?? [])],
    metadata: { ...filter.metadata },
    version: filter.version ?? '',
  };
  const instances: Instance[] = [];
  const holds = new Map<string, Hold>();
  let pageToken = '';
  for (let page = 0; page < pagesMax; page++) {
    const answer = await caller.unary('List', { ...conditions, pageSize, pageToken });
    for (const message of answer.instances) instances.push(instanceFromProto(message));
    // A service may go over several pages.
    for (const hold of answer.holding.map(holdFromProto))
      holds.set(`${hold.group}/${hold.name}`, hold);
    pageToken = answer.nextPageToken;
    if (pageToken !== '') continue;
    const { partial, isolated } = answer;
    const sinceReconcileMs = optionalNumber(answer.sinceReconcileMs);
    return { instances, partial, sinceReconcileMs, isolated, holding: [...holds.values()] };
  }
  throw new DiscoError(
    'RESOURCE_EXHAUSTED',
    'INVALID_PAGE',
    `the list has more than ${pagesMax} pages of ${pageSize}; narrow it with a filter`,
  );
}

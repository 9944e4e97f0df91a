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
import { textMapOf, textOf, textsOf } from './request-text.ts';

const pageSize = 1_000;
const pagesMax = 1_000;

/** Which instances to list; every condition that is given has to hold. */
export interface ListFilter {
  readonly group?: string | undefined;
  readonly name?: string | undefined;
  /** One state of health, or any of several. */
  readonly health?: Health | readonly Health[] | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  /** All of these pairs. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly version?: string | undefined;
  readonly zone?: string | undefined;
}

/** How old the daemon's knowledge may be. */
export interface Freshness {
  /**
   * Refused when the daemon's last completed reconcile with a peer is longer ago than these whole
   * milliseconds; default: never. Below about 1,500 a daemon in good health is refused at times.
   */
  readonly maxStaleMs?: number | undefined;
  /** Be answered all the same, with the mark `stale`; default false. */
  readonly staleOk?: boolean | undefined;
}

/** What to ask of the daemon that lists. */
export interface ListOptions extends Freshness {
  /** Aborting it ends the listing with its reason. */
  readonly signal?: AbortSignal | undefined;
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
  /** It is older than the `maxStaleMs` that was asked for. */
  readonly stale: boolean;
  /** Services of the list that are held, by group and name. */
  readonly holding: readonly Hold[];
}

/**
 * Follows the pages to the last.
 *
 * @throws DiscoError RESOURCE_EXHAUSTED/INVALID_PAGE after 1,000 pages of 1,000;
 *   FAILED_PRECONDITION/STALE; INVALID_ARGUMENT; the signal's reason when aborted
 */
export async function listInstances(
  caller: UnaryCaller,
  filter: ListFilter,
  { signal, ...freshness }: ListOptions = {},
): Promise<InstanceList> {
  // A daemon of an earlier release knows one state only, and answers less rather than all.
  const [first, ...others] = [filter.health ?? []].flat().map(healthToProto);
  const conditions = {
    group: textOf('group', filter.group),
    name: textOf('name', filter.name),
    health: first ?? 0,
    healths: others,
    tags: textsOf('tags', filter.tags),
    metadata: textMapOf('metadata', filter.metadata),
    version: textOf('version', filter.version),
    zone: textOf('zone', filter.zone),
    ...freshnessToProto(freshness),
  };
  const instances: Instance[] = [];
  const holds = new Map<string, Hold>();
  let pageToken = '';
  for (let page = 0; page < pagesMax; page++) {
    const asked = { ...conditions, pageSize, pageToken };
    const answer = await caller.unary('List', asked, { signal });
    for (const message of answer.instances) instances.push(instanceFromProto(message));
    // A service may go over several pages.
    for (const hold of answer.holding.map(holdFromProto))
      holds.set(`${hold.group}/${hold.name}`, hold);
    pageToken = answer.nextPageToken;
    if (pageToken !== '') continue;
    const { partial, isolated, stale } = answer;
    const sinceReconcileMs = optionalNumber(answer.sinceReconcileMs);
    const holding = [...holds.values()];
    return { instances, partial, sinceReconcileMs, isolated, stale, holding };
  }
  throw new DiscoError(
    'RESOURCE_EXHAUSTED',
    'INVALID_PAGE',
    `the list has more than ${pagesMax} pages of ${pageSize}; narrow it with a filter`,
  );
}

/** @throws DiscoError INVALID_ARGUMENT/USAGE for what the wire would bend into another number */
export function freshnessToProto({ maxStaleMs = 0, staleOk = false }: Freshness) {
  if (Number.isSafeInteger(maxStaleMs) && maxStaleMs >= 0) return { maxStaleMs, staleOk };
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'USAGE',
    `maxStaleMs is ${maxStaleMs}; expected whole milliseconds, 0 for any`,
  );
}

/** Filters and pages of List. */
import type { disco } from '../gen/discovery.js';
import { compareInstances, instanceKey } from '../registry/instance.ts';
import type { Instance } from '../registry/instance.ts';
import { wireHealth } from './convert.ts';
import { checkFilterName, checkMetadata, checkTags, checkVersion, invalid } from './validate.ts';

export interface ListFilter {
  readonly group: string | undefined;
  readonly name: string | undefined;
  /** One of these, each a disco.v1.Health; none: any. */
  readonly healths: readonly number[];
  /** All of them. */
  readonly tags: readonly string[];
  /** All of them. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: string;
  readonly zone: string | undefined;
}

export function readFilter(request: disco.v1.ListRequest.$Properties): ListFilter {
  return {
    group: checkFilterName('group', request.group ?? ''),
    name: checkFilterName('name', request.name ?? ''),
    // Unspecified among others says nothing.
    healths: [request.health ?? 0, ...(request.healths ?? [])].filter((health) => health !== 0),
    tags: checkTags(request.tags ?? []),
    metadata: checkMetadata(request.metadata ?? {}),
    version: checkVersion(request.version ?? ''),
    zone: checkFilterName('zone', request.zone ?? ''),
  };
}

export function isMatch({ record }: Instance, filter: ListFilter): boolean {
  const { healths, tags, metadata, version, zone } = filter;
  return (
    (healths.length === 0 || healths.includes(wireHealth[record.health])) &&
    (zone === undefined || record.zone === zone) &&
    (version === '' || record.version === version) &&
    tags.every((tag) => record.tags.includes(tag)) &&
    Object.entries(metadata).every(([key, value]) => record.metadata[key] === value)
  );
}

/** A token names the last instance of a page: the next begins behind it, whatever changed. */
export function cutPage(
  sorted: readonly Instance[],
  pageSize: number,
  pageToken: string,
): { page: readonly Instance[]; nextPageToken: string } {
  const last = pageToken === '' ? undefined : readToken(pageToken);
  const rest =
    last === undefined ? sorted : sorted.filter((instance) => compareInstances(instance, last) > 0);
  if (pageSize === 0 || rest.length <= pageSize) return { page: rest, nextPageToken: '' };
  const page = rest.slice(0, pageSize);
  return { page, nextPageToken: makeToken(page.at(-1) as Instance) };
}

function makeToken({ record }: Instance): string {
  const { group, name, owner, instanceId } = record;
  return Buffer.from(`${group}/${name}/${instanceKey(owner, instanceId)}`).toString('base64url');
}

function readToken(token: string): Instance {
  const parts = Buffer.from(token, 'base64url').toString().split('/');
  const [group, name, instanceId, owner] = parts;
  if (group === undefined || name === undefined || instanceId === undefined || owner === undefined)
    throw invalid('INVALID_PAGE', 'page_token is none that this API gave out: start without one');
  return { record: { group, name, instanceId, owner } as Instance['record'], node: '' };
}

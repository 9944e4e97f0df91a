/**
 * What is registered, as targets for Prometheus (http_sd_configs): a group for each instance, with
 * all that is known of it as `__meta_disco_*` labels, which relabelling turns into what is kept.
 *
 * https://prometheus.io/docs/prometheus/latest/http_sd/
 */
import { hostPort } from '../record/names.ts';
import type { Health, ServiceRecord } from '../record/record.ts';
import type { Instance } from '../registry/instance.ts';
import type { ServiceIndex } from '../registry/service-index.ts';
import { checkFilterName } from './validate.ts';

/** The endpoint that is scraped unless another is asked for. */
const endpointDefault = 'metrics';

/** Which instances, and at which of their ports. */
export interface TargetQuery {
  /** Name of an endpoint; empty: the address of the instance itself. */
  readonly endpoint: string;
  readonly group: string | undefined;
  readonly name: string | undefined;
  /** One of these; none: any. */
  readonly healths: readonly Health[];
}

/** One entry of what http_sd reads. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** The query as its schema leaves it. */
export interface TargetsAsked {
  readonly endpoint?: string;
  readonly group?: string;
  readonly name?: string;
  readonly health?: readonly Health[];
}

/** @throws DiscoError INVALID_ARGUMENT/INVALID_NAME */
export function readTargetQuery(asked: TargetsAsked): TargetQuery {
  const { endpoint = endpointDefault, group = '', name = '', health = [] } = asked;
  return {
    endpoint: checkFilterName('endpoint', endpoint) ?? '',
    group: checkFilterName('group', group),
    name: checkFilterName('name', name),
    healths: health,
  };
}

/** In the order of every list. An instance without the endpoint is none. */
export function targetGroups(
  index: Pick<ServiceIndex, 'list'>,
  { endpoint, group, name, healths: wanted }: TargetQuery,
): TargetGroup[] {
  const found: TargetGroup[] = [];
  for (const instance of index.list(group, name)) {
    const { record } = instance;
    const address = addressOf(record, endpoint);
    const isWanted = wanted.length === 0 || wanted.includes(record.health);
    if (address === undefined || !isWanted) continue;
    found.push({ targets: [address], labels: labelsOf(instance, endpoint) });
  }
  return found;
}

function addressOf(record: ServiceRecord, endpoint: string): string | undefined {
  if (endpoint === '') return hostPort(record.ip, record.port);
  const found = record.endpoints.find(({ name }) => name === endpoint);
  if (found === undefined) return undefined;
  return hostPort(found.ip === '' ? record.ip : found.ip, found.port);
}

function labelsOf({ record, node }: Instance, endpoint: string): Record<string, string> {
  const { group, name, instanceId, health, version, zone, tags, metadata, owner } = record;
  const labels: Record<string, string> = {
    __meta_disco_group: group,
    __meta_disco_name: name,
    __meta_disco_instance_id: instanceId,
    __meta_disco_endpoint: endpoint,
    __meta_disco_health: health,
    __meta_disco_node: node,
    __meta_disco_owner: owner,
    __meta_disco_version: version,
    __meta_disco_zone: zone,
    // With a separator around each, so that a regular expression finds a whole tag.
    __meta_disco_tags: tags.length === 0 ? '' : `,${tags.join(',')},`,
  };
  for (const [key, value] of Object.entries(metadata))
    labels[`__meta_disco_metadata_${labelName(key)}`] = value;
  return labels;
}

/** What is not allowed in the name of a label becomes an underscore, as Prometheus does it. */
function labelName(key: string): string {
  return key.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

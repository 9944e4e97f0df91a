/**
 * Records to bytes and back (proto/disco/v1/gossip.proto, message Record).
 *
 * Only an owner encodes, once. Everyone else opens the bytes: sizes and ranges are checked here,
 * so that what is inside a `SealedRecord` is known to be well-formed. Unknown fields live on in
 * the bytes.
 */
import { disco } from '../gen/gossip.js';
import { detached, sha256 } from './hash.ts';
import { isHost, isInstanceId, isName, isPort } from './names.ts';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from './owner.ts';
import { endpointsMax, healths, recordKey, weightDefault, weightMax } from './record.ts';
import type { Endpoint, Health, Maintenance, SealedRecord, ServiceRecord } from './record.ts';
import { opened, refused } from './verdict.ts';
import type { Opened, RefusalReason } from './verdict.ts';

const wire = disco.gossip.v1;

/** Anything protobufjs gives for a 64-bit field. */
export type WireInteger = number | { toNumber(): number; toString(): string };

/** A 64-bit field as a number; NaN when it does not fit a safe integer. */
export function safeInteger(value: WireInteger): number {
  const plain = typeof value === 'number' ? value : value.toNumber();
  return Number.isSafeInteger(plain) ? plain : NaN;
}

/** The bucket of the hash tree in which a key lies, 0-255. */
export function bucketOf(key: string): number {
  return sha256(key)[0] as number;
}

/** Encodes and seals a record of our own. */
export function sealRecord(record: ServiceRecord): SealedRecord {
  const bytes = wire.Record.encode({
    owner: keyOfOwner(record.owner) as Uint8Array,
    group: record.group,
    name: record.name,
    instanceId: record.instanceId,
    lastUpdate: record.lastUpdate,
    deleted: record.deleted,
    ip: record.ip,
    port: record.port,
    health: healths.indexOf(record.health) + 1,
    ttlMs: record.ttlMs,
    version: record.version,
    tags: [...record.tags],
    metadata: { ...record.metadata },
    // What nobody set takes no bytes: 0 and nothing are left out.
    weight: record.weight === weightDefault ? 0 : record.weight,
    zone: record.zone,
    endpoints: [...record.endpoints],
    ...(record.maintenance && { maintenance: encodeMaintenance(record.maintenance) }),
  }).finish();
  return seal(bytes, record);
}

/** Opens received bytes. Refuses: RECORD_TOO_LARGE, MALFORMED, INVALID_NAME, OUT_OF_RANGE. */
export function openRecord(bytes: Uint8Array, recordBytesMax: number): Opened<SealedRecord> {
  if (bytes.length > recordBytesMax) return refused('RECORD_TOO_LARGE');
  const message = decodeRecord(bytes);
  if (message === undefined || message.owner.length !== publicKeyBytes) return refused('MALFORMED');
  const { group, name, instanceId, ip, port } = message;
  if (!isName(group) || !isName(name) || !isInstanceId(instanceId)) return refused('INVALID_NAME');
  const lastUpdate = safeInteger(message.lastUpdate);
  const ttlMs = safeInteger(message.ttlMs);
  if (!(lastUpdate > 0) || !(ttlMs >= 0)) return refused('OUT_OF_RANGE');
  if (!message.deleted && !(isHost(ip) && isPort(port))) return refused('OUT_OF_RANGE');
  const fault = faultOfLater(message);
  if (fault !== undefined) return refused(fault);
  const health = healthOf(message.health);
  const maintenance = health === 'maintenance' ? message.maintenance : undefined;
  const record: ServiceRecord = {
    owner: ownerFromKey(message.owner),
    group,
    name,
    instanceId,
    lastUpdate,
    deleted: message.deleted,
    ip,
    port,
    health,
    ttlMs,
    version: message.version,
    tags: message.tags,
    metadata: message.metadata,
    weight: message.weight === 0 ? weightDefault : message.weight,
    zone: message.zone,
    endpoints: message.endpoints.map(plainEndpoint),
    ...(maintenance && { maintenance: decodeMaintenance(maintenance) }),
  };
  return opened(seal(bytes, record));
}

/**
 * Opens all, to be kept, or refuses all for the first that `openRecord` refuses.
 *
 * @param known a record with the same bytes that was opened before: saves decoding
 */
export function openRecords(
  encoded: readonly Uint8Array[],
  recordBytesMax: number,
  known: (bytes: Uint8Array) => SealedRecord | undefined = () => undefined,
): Opened<SealedRecord[]> {
  const records: SealedRecord[] = [];
  for (const bytes of encoded) {
    const same = bytes.length > recordBytesMax ? undefined : known(bytes);
    const record = same ? opened(same) : openRecord(detached(bytes), recordBytesMax);
    if (record.kind === 'refused') return record;
    records.push(record.value);
  }
  return opened(records);
}

function plainEndpoint({ name, port, ip }: disco.gossip.v1.Endpoint.$Properties): Endpoint {
  return { name: name ?? '', port: port ?? 0, ip: ip ?? '' };
}

function faultOfLater(message: disco.gossip.v1.Record): RefusalReason | undefined {
  const { weight, zone, endpoints } = message;
  if (weight > weightMax || endpoints.length > endpointsMax) return 'OUT_OF_RANGE';
  if (zone !== '' && !isName(zone)) return 'INVALID_NAME';
  const names = new Set<string>();
  for (const { name, port, ip } of endpoints.map(plainEndpoint)) {
    if (!isName(name) || names.has(name)) return 'INVALID_NAME';
    if (!isPort(port) || !(ip === '' || isHost(ip))) return 'OUT_OF_RANGE';
    names.add(name);
  }
  return undefined;
}

/** A health that a later version knows is nothing to send calls to. */
function healthOf(value: number): Health {
  return healths[value - 1] ?? 'critical';
}

function encodeMaintenance({ reason, health }: Maintenance) {
  return { reason, health: healths.indexOf(health) + 1 };
}

function decodeMaintenance(message: disco.gossip.v1.Maintenance.$Properties): Maintenance {
  return { reason: message.reason ?? '', health: healthOf(message.health ?? 0) };
}

function decodeRecord(bytes: Uint8Array): disco.gossip.v1.Record | undefined {
  try {
    return wire.Record.decode(bytes);
  } catch {
    return undefined;
  }
}

function seal(bytes: Uint8Array, record: ServiceRecord): SealedRecord {
  const key = recordKey(record.group, record.name, record.instanceId);
  return { bytes, hash: sha256(bytes), key, bucket: bucketOf(key), record };
}

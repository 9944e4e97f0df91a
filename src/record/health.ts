/**
 * Health of a record as it is told, and as it would be without maintenance.
 *
 * In maintenance the record's health says so, since every reader that looks at nothing else (an
 * older daemon, the simplest client) then keeps away too. Beside it stands one field with the reason
 * and the health beneath, which goes on changing with leases and checks.
 */
import type { Health, ServiceRecord } from './record.ts';

/** UTF-8 bytes of a reason. */
export const reasonBytesMax = 256;

/** What the health would be without maintenance. */
export function healthBeneath({ health, maintenance }: ServiceRecord): Health {
  return health === 'maintenance' ? (maintenance?.health ?? 'passing') : health;
}

/** The record with another health beneath; whether it is in maintenance stays as it is. */
export function withHealth(record: ServiceRecord, health: Health): ServiceRecord {
  const { maintenance } = record;
  if (record.health !== 'maintenance') return { ...record, health };
  return maintenance === undefined
    ? record
    : { ...record, maintenance: { ...maintenance, health } };
}

/** The record in maintenance for a reason; without one, in none. The same record if it is so. */
export function withMaintenance(record: ServiceRecord, reason: string | undefined): ServiceRecord {
  if (reason === undefined) {
    if (record.health !== 'maintenance') return record;
    const { maintenance: _, ...rest } = record;
    return { ...rest, health: healthBeneath(record) };
  }
  if (record.health === 'maintenance' && record.maintenance?.reason === reason) return record;
  const maintenance = { reason, health: healthBeneath(record) };
  return { ...record, health: 'maintenance', maintenance };
}

/** In maintenance all the same, in no more bytes than without it. */
export function withoutReason(record: ServiceRecord): ServiceRecord {
  const { maintenance: _, ...rest } = record;
  return rest;
}

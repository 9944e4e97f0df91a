/**
 * How groups, services and instances are called in DNS.
 *
 * Their own names may be longer than a label (63 bytes), hold dots, underscores and colons, and tell
 * upper case from lower. So each has two spellings below the zone: the natural one, where that is
 * possible, with every dot a dot; and the safe one, a valid host name that is always possible and
 * belongs to nobody else, of one label for each of the three:
 *
 *   service add.v2 in group math   add.v2.math.disco   add-v2-b62d9bc8.math.disco
 *   its instance 10.0.0.5:5001     10-0-0-5-5001-1bdabb89.add-v2-b62d9bc8.math.disco
 */
import { sha256 } from '../record/hash.ts';
import { labelBytesMax, nameBytesMax } from './dns-query.ts';

/** The zone that is answered for, of one label. */
export const zoneLabel = 'disco';

/** Four of them and the zone make a name of 242 characters, within the 253 of a host name. */
const safeCharsMax = 58;
const hashChars = 8;
const safePattern = /^[a-z0-9](?:[a-z0-9-]{0,56}[a-z0-9])?$/;

/**
 * A label of a host name (RFC 1123) for any name or id: itself when it is one, else what is left of
 * it and eight digits of its SHA-256. It never changes.
 */
export function safeLabel(text: string): string {
  if (safePattern.test(text)) return text;
  const hash = Buffer.from(sha256(text)).toString('hex', 0, hashChars / 2);
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, safeCharsMax - hashChars - 1)
    .replace(/^-+|-+$/g, '');
  return plain === '' ? `x-${hash}` : `${plain}-${hash}`;
}

/** The labels of a service below the zone, in lower case: the natural ones, and the safe ones. */
export function servicePaths(group: string, name: string): string[][] {
  const safe = [safeLabel(name), safeLabel(group)];
  const natural = [...name.toLowerCase().split('.'), ...group.toLowerCase().split('.')];
  const isSame = natural.join('.') === safe.join('.');
  return isSame || !isPossible(natural) ? [safe] : [natural, safe];
}

/** Everything that an instance is called in front of its service, in lower case. */
export function instanceLabels(instanceId: string, owner: string): string[] {
  const natural = instanceId.toLowerCase();
  const isLabel = natural.length <= labelBytesMax && !natural.includes('.');
  return [
    ...new Set([
      safeLabel(instanceId),
      ...(isLabel ? [natural] : []),
      ownedLabel(instanceId, owner),
    ]),
  ];
}

/** For an instance whose id another owner uses as well. */
export function ownedLabel(instanceId: string, owner: string): string {
  return safeLabel(`${instanceId}/${owner}`);
}

/** A name as it travels: each label behind its length, then the root. */
export function wireName(labels: readonly string[]): Buffer {
  const bytes = Buffer.alloc(wireBytes(labels));
  let at = 0;
  for (const label of labels) {
    bytes[at] = label.length;
    bytes.write(label, at + 1, 'latin1');
    at += 1 + label.length;
  }
  return bytes;
}

function isPossible(labels: readonly string[]): boolean {
  const isWhole = labels.every(({ length }) => length >= 1 && length <= labelBytesMax);
  return isWhole && wireBytes([...labels, zoneLabel]) <= nameBytesMax;
}

function wireBytes(labels: readonly string[]): number {
  return labels.reduce((bytes, { length }) => bytes + 1 + length, 1);
}

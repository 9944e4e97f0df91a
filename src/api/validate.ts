/**
 * Validation at the border: from what a caller sent to what may be written, or one clear error.
 */
import { isWildcard } from '../base/address.ts';
import { base64url } from '../base/challenge.ts';
import { DiscoError } from '../base/error.ts';
import type { ErrorReason } from '../base/error.ts';
import type { disco } from '../gen/discovery.js';
import { safeInteger } from '../record/encoding.ts';
import type { WireInteger } from '../record/encoding.ts';
import { isHost, isInstanceId, isName, isPort } from '../record/names.ts';
import { publicKeyBytes } from '../record/owner.ts';
import { endpointsMax, weightDefault, weightMax } from '../record/record.ts';
import type { Endpoint } from '../record/record.ts';
import type { Check, Registration } from '../store/store.ts';

export const tagsMax = 64;
export const metadataMax = 64;
export const tagCharsMax = 128;
export const metadataValueCharsMax = 1_024;
export const versionCharsMax = 128;
export const ttlMsMin = 100;
export const ttlMsMax = 24 * 3_600_000;

const printable = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u;
const nameRule = 'names are 1 to 128 of letters, digits, ".", "_" and "-", and not "__proto__"';

export function checkName(field: string, text: string): string {
  if (isName(text)) return text;
  const got = text === '' ? 'is empty' : `is ${quote(text)}`;
  throw invalid('INVALID_NAME', `${field} ${got}: ${nameRule}`);
}

/** A name, or nothing at all. */
export function checkFilterName(field: string, text: string): string | undefined {
  return text === '' ? undefined : checkName(field, text);
}

export function checkInstanceId(text: string): string {
  if (isInstanceId(text)) return text;
  const rule = 'instance ids are 1 to 160 of letters, digits, ".", "_", "-", ":", "[" and "]"';
  throw invalid('INVALID_NAME', `instance_id is ${quote(text)}: ${rule}`);
}

/** What others can be told: a zone (`fe80::1%eth0`) means nothing on another host. */
export function isRegistrable(host: string): boolean {
  return isHost(host) && !host.includes('%');
}

export function checkHost(text: string): string {
  if (isWildcard(text)) {
    const rule = 'it stands for every address of a host, and nobody can call it; leave ip out';
    throw invalid('INVALID_ADDRESS', `ip is ${quote(text)}: ${rule}`);
  }
  if (isRegistrable(text)) return text;
  const rule = 'give a literal IPv4 or IPv6 address without a zone, or a host name';
  throw invalid('INVALID_ADDRESS', `ip is ${quote(text)}: ${rule}`);
}

/** 0 stands for: not given. */
export function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  const rule = 'ports are 1 to 65535; leave ip and port out to be given a free one';
  throw invalid('INVALID_PORT', `port is ${port}: ${rule}`);
}

/**
 * A registration whose ip (''), port (0) and instance id ('') may still be left to the daemon.
 *
 * @param checks those of the request, valid already
 */
export function checkRegister(
  request: disco.v1.RegisterRequest.$Properties,
  checks: readonly Check[] = [],
): Registration {
  const group = checkName('group', request.group ?? '');
  const name = checkName('name', request.name ?? '');
  const ip = request.ip ?? '';
  const port = checkPort(request.port ?? 0);
  const id = request.instanceId ?? '';
  return {
    group,
    name,
    ip: ip === '' ? '' : checkHost(ip),
    port,
    instanceId: id === '' ? '' : checkInstanceId(id),
    ...checkTtl(request.ttlMs ?? 0, request.deregisterAfterMs ?? 0, checks.length > 0),
    version: checkVersion(request.version ?? ''),
    tags: checkTags(request.tags ?? []),
    metadata: checkMetadata(request.metadata ?? {}),
    weight: checkWeight(request.weight ?? 0),
    zone: checkFilterName('zone', request.zone ?? '') ?? '',
    endpoints: checkEndpoints(request.endpoints ?? []),
    ...(checks.length > 0 && { checks }),
    ...checkIdentityKey(request.identityKey ?? new Uint8Array(), checks),
  };
}

/** There with a check that needs it, and only then. */
function checkIdentityKey(
  key: Uint8Array,
  checks: readonly Check[],
): Pick<Registration, 'identityKey'> {
  const isNeeded = checks.some(({ kind }) => kind === 'identity');
  if (key.length === 0 && !isNeeded) return {};
  if (key.length === 0) {
    const rule = 'a check of kind IDENTITY needs the public key of the instance';
    throw invalid('INVALID_CHECK', `identity_key is empty: ${rule}`);
  }
  if (!isNeeded) {
    const rule = 'nobody would ask for it; add a check of kind IDENTITY, or leave the key out';
    throw invalid('INVALID_CHECK', `identity_key is given without such a check: ${rule}`);
  }
  if (key.length === publicKeyBytes) return { identityKey: base64url(key) };
  const rule = `give an Ed25519 public key, ${publicKeyBytes} bytes`;
  throw invalid('INVALID_CHECK', `identity_key has ${key.length} bytes: ${rule}`);
}

/** 0 stands for: not given. */
function checkWeight(weight: number): number {
  if (weight === 0) return weightDefault;
  if (Number.isInteger(weight) && weight >= 1 && weight <= weightMax) return weight;
  const rule = `give 1 to ${weightMax}, or none for ${weightDefault}`;
  throw invalid('INVALID_WEIGHT', `weight is ${weight}: ${rule}`);
}

function checkEndpoints(endpoints: readonly disco.v1.Endpoint.$Properties[]): readonly Endpoint[] {
  if (endpoints.length > endpointsMax) {
    const sentence = `there are ${endpoints.length} endpoints: at most ${endpointsMax} are allowed`;
    throw invalid('INVALID_ENDPOINT', sentence);
  }
  const names = new Set<string>();
  return endpoints.map((endpoint) => {
    const name = checkName("an endpoint's name", endpoint.name ?? '');
    const port = endpoint.port ?? 0;
    if (!isPort(port)) {
      const given = `the port of endpoint ${name} is ${port}`;
      throw invalid('INVALID_ENDPOINT', `${given}: give 1 to 65535`);
    }
    if (names.has(name)) {
      const sentence = `two endpoints are called ${quote(name)}: give each a name of its own`;
      throw invalid('INVALID_ENDPOINT', sentence);
    }
    names.add(name);
    const ip = endpoint.ip ?? '';
    return { name, port, ip: ip === '' ? '' : checkHost(ip) };
  });
}

export function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length > tagsMax)
    throw invalid('INVALID_TAG', `there are ${tags.length} tags: at most ${tagsMax} are allowed`);
  for (const tag of tags) {
    if (tag.length >= 1 && tag.length <= tagCharsMax && printable.test(tag)) continue;
    const rule = `tags are 1 to ${tagCharsMax} printable characters`;
    throw invalid('INVALID_TAG', `a tag is ${quote(tag)}: ${rule}`);
  }
  return [...new Set(tags)];
}

export function checkMetadata(metadata: Record<string, string>): Record<string, string> {
  const pairs = Object.entries(metadata);
  if (pairs.length > metadataMax) {
    const sentence = `metadata has ${pairs.length} pairs: at most ${metadataMax} are allowed`;
    throw invalid('INVALID_METADATA', sentence);
  }
  for (const [key, value] of pairs) {
    if (!isName(key))
      throw invalid('INVALID_METADATA', `a metadata key is ${quote(key)}: ${nameRule}`);
    if (value.length <= metadataValueCharsMax && printable.test(value)) continue;
    const rule = `values are at most ${metadataValueCharsMax} printable characters`;
    throw invalid('INVALID_METADATA', `metadata ${key} is ${quote(value)}: ${rule}`);
  }
  return metadata;
}

export function checkVersion(version: string): string {
  if (version.length <= versionCharsMax && printable.test(version)) return version;
  const rule = `versions are at most ${versionCharsMax} printable characters`;
  throw invalid('INVALID_VERSION', `version is ${quote(version)}: ${rule}`);
}

/** @throws DiscoError with `reason` when something in it cannot be seen */
export function checkPrintable(reason: ErrorReason, field: string, text: string): string {
  if (printable.test(text)) return text;
  throw invalid(reason, `${field} is ${quote(text)}: only printable characters are allowed`);
}

function checkTtl(
  ttl: WireInteger,
  deregisterAfter: WireInteger,
  hasChecks: boolean,
): { ttlMs: number; deregisterAfterMs: number } {
  const ttlMs = safeInteger(ttl);
  const deregisterAfterMs = safeInteger(deregisterAfter);
  if (ttlMs !== 0 && !(ttlMs >= ttlMsMin && ttlMs <= ttlMsMax)) {
    const rule = `give ${ttlMsMin} to ${ttlMsMax} ms, or 0 for none`;
    throw invalid('INVALID_TTL', `ttl_ms is ${ttl.toString()}: ${rule}`);
  }
  if (!(deregisterAfterMs >= 0 && deregisterAfterMs <= 7 * ttlMsMax)) {
    const rule = `give at most ${7 * ttlMsMax} ms, or 0 for never`;
    throw invalid('INVALID_TTL', `deregister_after_ms is ${deregisterAfter.toString()}: ${rule}`);
  }
  if (deregisterAfterMs > 0 && ttlMs === 0 && !hasChecks) {
    const rule = 'without a ttl or checks it would never begin; give ttl_ms or checks too';
    throw invalid(
      'INVALID_TTL',
      `deregister_after_ms is ${deregisterAfterMs} and ttl_ms is 0: ${rule}`,
    );
  }
  return { ttlMs, deregisterAfterMs };
}

export function invalid(reason: ErrorReason, sentence: string): DiscoError {
  return new DiscoError('INVALID_ARGUMENT', reason, sentence);
}

/** What was sent, safe to show: one line, nothing invisible, not too long. */
export function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
  return JSON.stringify(shown).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

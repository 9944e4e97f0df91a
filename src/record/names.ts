/**
 * What may be called how: the rules for groups, names, instance ids and addresses.
 *
 * Used twice: at the border of the API, where a bad name is the caller's error, and on receipt,
 * where it makes a record invalid. Ids contain no slash, so `group/name/id` names one record.
 */
import { isIP } from 'node:net';

export const nameCharsMax = 128;
export const instanceIdCharsMax = 160;
export const hostCharsMax = 253;

const namePattern = /^[A-Za-z0-9._-]{1,128}$/;
/** Also what `ip:port` needs, with IPv6 in brackets. */
const instanceIdPattern = /^[A-Za-z0-9._:[\]-]{1,160}$/;
const hostNamePattern =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
/** Digits and dots only: meant as an IPv4 address, and wrong as one. */
const brokenIpPattern = /^[0-9.]+$/;

/** A group or a service name. */
export function isName(text: string): boolean {
  return namePattern.test(text) && text !== '__proto__';
}

export function isInstanceId(text: string): boolean {
  return instanceIdPattern.test(text) && text !== '__proto__';
}

/** A literal IPv4 or IPv6 address, or a host name (RFC 1123). */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  return hostNamePattern.test(text) && !brokenIpPattern.test(text);
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** `10.0.0.7:80`, `[::1]:80`, `db.internal:80` */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

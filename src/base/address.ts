/**
 * Where something listens: a host and a TCP port, written host:port, [IPv6]:port or as a multiaddr.
 *
 * Text only: nothing here asks DNS or the network. Hosts are kept in one spelling (lower case, the
 * short form of IPv6), so that equal addresses compare equal.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { DiscoError } from './error.ts';

export interface Address {
  /** A literal IP without brackets, with `%zone` when one was given, or a host name. */
  readonly host: string;
  /** 0 to 65535; 0 means "pick one" where something listens, and nothing elsewhere. */
  readonly port: number;
}

const portMax = 65_535;
const hostCharsMax = 253;
// Underscores: no host name by RFC 1123, but what container networks call their services.
const hostLabel = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
// RFC 1918, RFC 6598, RFC 4193, and what never leaves a host or a network segment.
const privates = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
] as const)
  privates.addSubnet(net, bits, 'ipv4');
privates.addAddress('::1', 'ipv6');
privates.addSubnet('fc00::', 7, 'ipv6');
privates.addSubnet('fe80::', 10, 'ipv6');
// What of the clouds' metadata services is not link-local: Amazon's over IPv6, and Alibaba's.
const metadata = new BlockList();
metadata.addAddress('fd00:ec2::254', 'ipv6');
metadata.addAddress('100.100.100.200', 'ipv4');
const wildcard = new BlockList();
wildcard.addAddress('0.0.0.0', 'ipv4');
wildcard.addAddress('::', 'ipv6');

/** @throws INVALID_ADDRESS with what is wrong and what was expected */
export function parseAddress(text: string): Address {
  return text.startsWith('/') ? parseMultiaddr(text) : parseHostPort(text);
}

/** host:port, with IPv6 in brackets; parseAddress reads it back. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** As libp2p wants it; parseAddress reads it back. */
export function toMultiaddr({ host, port }: Address): string {
  if (isIPv4(host)) return `/ip4/${host}/tcp/${port}`;
  if (!isIPv6(host)) return `/dns/${host}/tcp/${port}`;
  const [ip, zone] = host.split('%');
  const prefix = zone === undefined ? '' : `/ip6zone/${zone}`;
  return `${prefix}/ip6/${ip}/tcp/${port}`;
}

/** Only this host reaches it: 127.0.0.0/8, ::1, or localhost and what is below it (RFC 6761). */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || isWithin(loopback, host);
}

/** Every interface: 0.0.0.0 or ::. */
export function isWildcard(host: string): boolean {
  return isWithin(wildcard, host);
}

/** Means nothing beyond one network segment: 169.254.0.0/16 or fe80::/10. */
export function isLinkLocal(host: string): boolean {
  return isWithin(linkLocal, host);
}

/** Where a cloud tells a host its secrets, and all that is link-local. */
export function isMetadataRange(host: string): boolean {
  return isLinkLocal(host) || isWithin(metadata, host);
}

/** Of a network that is not the Internet: private, shared, unique local, link-local, loopback. */
export function isPrivate(host: string): boolean {
  return isWithin(privates, host);
}

function isWithin(list: BlockList, host: string): boolean {
  if (isIPv4(host)) return list.check(host, 'ipv4');
  // An IPv4 address mapped into IPv6 is found by BlockList itself.
  return isIPv6(host) && list.check(host.split('%')[0] ?? host, 'ipv6');
}

function parseHostPort(text: string): Address {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) {
    const [, ip = '', port] = bracketed;
    if (!isIPv6(ip)) throw wrong(text, `[${ip}] is not an IPv6 address`);
    return { host: shortIpv6(ip), port: parsePort(text, port) };
  }
  const colon = text.lastIndexOf(':');
  if (text.indexOf(':') !== colon) throw wrong(text, 'an IPv6 address stands in brackets');
  const host = colon === -1 ? text : text.slice(0, colon);
  return {
    host: parseHost(text, host),
    port: parsePort(text, colon === -1 ? undefined : text.slice(colon + 1)),
  };
}

function parseMultiaddr(text: string): Address {
  const [, ...parts] = text.split('/');
  const zone = parts[0] === 'ip6zone' ? `%${parts.splice(0, 2)[1]}` : '';
  const [protocol = '', value = '', transport, port, ...rest] = parts;
  if (transport !== 'tcp') throw wrong(text, 'only TCP is spoken');
  if (rest[0] === 'p2p') throw wrong(text, 'the peer id is learned at the handshake: drop /p2p/…');
  if (rest.length > 0) throw wrong(text, `nothing may follow the port, not /${rest.join('/')}`);
  return { host: parseMultiaddrHost(text, protocol, value + zone), port: parsePort(text, port) };
}

function parseMultiaddrHost(text: string, protocol: string, host: string): string {
  switch (protocol) {
    case 'ip4':
      if (!isIPv4(host)) throw wrong(text, `'${host}' is not an IPv4 address`);
      return host;
    case 'ip6':
      if (!isIPv6(host)) throw wrong(text, `'${host}' is not an IPv6 address`);
      return shortIpv6(host);
    case 'dns':
    case 'dns4':
    case 'dns6':
      return parseHost(text, host);
    default:
      throw wrong(text, `/${protocol} is none of /ip4, /ip6, /dns, /dns4, /dns6`);
  }
}

function parseHost(text: string, host: string): string {
  if (isIPv4(host)) return host;
  const name = host.toLowerCase();
  if (name === '') throw wrong(text, 'there is no host');
  if (/^[0-9.]+$/.test(name)) throw wrong(text, `'${host}' is not an IPv4 address`);
  const labels = name.replace(/\.$/, '').split('.');
  if (name.length > hostCharsMax || !labels.every((label) => hostLabel.test(label))) {
    throw wrong(text, `'${host}' is not a host name`);
  }
  return name;
}

function parsePort(text: string, digits: string | undefined): number {
  if (digits === undefined || digits === '') throw wrong(text, 'there is no port');
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(port <= portMax)) throw wrong(text, `port '${digits}' is not within 0 to ${portMax}`);
  return port;
}

function shortIpv6(ip: string): string {
  const [literal = '', zone] = ip.split('%');
  const short = new URL(`http://[${literal}]`).hostname.slice(1, -1);
  return zone === undefined ? short : `${short}%${zone}`;
}

function wrong(text: string, why: string): DiscoError {
  const expected = 'host:port, [IPv6]:port or a multiaddr such as /ip4/10.0.0.7/tcp/7947';
  const message = `'${text}' is not an address: ${why}; expected ${expected}`;
  return new DiscoError('INVALID_ARGUMENT', 'INVALID_ADDRESS', message);
}

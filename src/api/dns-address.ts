/** IP addresses as DNS carries them: 4 or 16 bytes, and the names of the reverse zones. */
import { isIPv4, isIPv6 } from 'node:net';

const ipv4Labels = 4;
const ipv6Labels = 32;

/** Undefined for a host name, and for an address with a zone, which means nothing elsewhere. */
export function addressBytes(ip: string): Uint8Array | undefined {
  if (isIPv4(ip)) return Uint8Array.from(ip.split('.'), Number);
  return isIPv6(ip) && !ip.includes('%') ? ipv6Bytes(ip) : undefined;
}

/** The same text for each spelling of an address; undefined where there are no bytes. */
export function addressKey(ip: string): string | undefined {
  const bytes = addressBytes(ip);
  return bytes && Buffer.from(bytes).toString('hex');
}

/**
 * The key of the address that a name below in-addr.arpa or ip6.arpa stands for.
 *
 * @param labels in lower case, from the left
 * @returns undefined for any other name, and for a part of an address
 */
export function reverseKey(labels: readonly string[]): string | undefined {
  if (labels.at(-1) !== 'arpa') return undefined;
  const digits = labels.slice(0, -2).toReversed();
  if (labels.at(-2) === 'in-addr' && digits.length === ipv4Labels)
    return addressKey(digits.join('.'));
  const isIpv6 = labels.at(-2) === 'ip6' && digits.length === ipv6Labels;
  return isIpv6 && digits.every((digit) => /^[0-9a-f]$/.test(digit)) ? digits.join('') : undefined;
}

function ipv6Bytes(ip: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const pair = (high = '', low = ''): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted
    ? `${dotted[1]}${pair(dotted[2], dotted[3])}:${pair(dotted[4], dotted[5])}`
    : ip;
  const [head = [], tail = []] = text
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')));
  const missing = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const groups = [...head, ...missing, ...tail];
  return Uint8Array.from(
    groups.flatMap((group) => [Number(`0x${group}`) >> 8, Number(`0x${group}`) & 255]),
  );
}

/**
 * Which of its addresses a node tells others, and under which one its host is reached.
 */
import { isLinkLocal, isLoopback, parseAddress, toMultiaddr } from '../base/address.ts';

/**
 * What to advertise, as multiaddrs: what the operator said, else where others can reach us.
 *
 * @param advertise from the config
 * @param listening multiaddrs with wildcards expanded and real ports
 */
export function advertisedAddresses(
  advertise: readonly string[],
  listening: readonly string[],
): readonly string[] {
  if (advertise.length > 0) return advertise.map((text) => toMultiaddr(parseAddress(text)));
  const outward = listening.filter((text) => {
    const { host } = parseAddress(text);
    return !isLoopback(host) && !isLinkLocal(host);
  });
  return outward.length > 0 ? outward : listening;
}

/** The address at which peers can reach this host: that of the first advertised address. */
export function hostAddressOf(advertised: readonly string[]): string {
  const first = advertised[0];
  return first === undefined ? '127.0.0.1' : parseAddress(first).host;
}

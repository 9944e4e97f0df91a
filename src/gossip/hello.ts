/** Hello: the first words on a link, and why a link ends with them. */
import { protocolVersion } from './message.ts';
import type { Frame } from './message.ts';

type Hello = Pick<Extract<Frame, { kind: 'hello' }>, 'cluster' | 'protocolMin' | 'protocolMax'>;

export interface HelloFault {
  readonly reason: 'WRONG_CLUSTER' | 'PROTOCOL_VERSION';
  readonly sentence: string;
  readonly toPeer: string;
}

/** Why a peer's hello is refused, in the words of each side: both log the same sentence once. */
export function helloFault(
  { cluster, protocolMin, protocolMax }: Hello,
  ownCluster: string,
): HelloFault | undefined {
  if (cluster !== ownCluster) {
    const told = (theirs: string, own: string): string =>
      `the other node is of cluster "${theirs}", this one of "${own}": nodes of two clusters never mix; give both the same --cluster, or other seeds`;
    const [sentence, toPeer] = [told(cluster, ownCluster), told(ownCluster, cluster)];
    return { reason: 'WRONG_CLUSTER', sentence, toPeer };
  }
  if (protocolMin > protocolVersion || protocolMax < protocolVersion) {
    const theirs = `${protocolMin} to ${protocolMax}`;
    const own = `${protocolVersion} to ${protocolVersion}`;
    const told = (other: string, mine: string): string =>
      `the other node speaks gossip protocol ${other}, this one ${mine}: upgrade the older of the two`;
    return { reason: 'PROTOCOL_VERSION', sentence: told(theirs, own), toPeer: told(own, theirs) };
  }
  return undefined;
}

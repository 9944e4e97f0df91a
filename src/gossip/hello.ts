/** Hello: the first words on a link, and why a link ends with them. */
import type { OwnerId } from '../record/owner.ts';
import type { Registry } from '../registry/registry.ts';
import type { GossipContext } from './context.ts';
import { bare, protocolVersion } from './message.ts';
import type { Frame } from './frame.ts';

type WholeHello = Extract<Frame, { kind: 'hello' }>;
type Hello = Pick<WholeHello, 'cluster' | 'protocolMin' | 'protocolMax'>;

export interface HelloFault {
  readonly reason: 'WRONG_CLUSTER' | 'PROTOCOL_VERSION';
  readonly sentence: string;
  readonly toPeer: string;
}

/** What this node says first to a peer; undefined before it has a head of its own. */
export function helloTo(
  peer: OwnerId,
  { registry, identity, now }: GossipContext,
): WholeHello | undefined {
  const own = registry.state(registry.self);
  if (own === undefined) return undefined;
  return {
    kind: 'hello',
    cluster: identity.cluster,
    protocolMin: protocolVersion,
    protocolMax: protocolVersion,
    time: now.wallMicros,
    head: bare(own.head),
    thoughtDead: isThoughtDead(peer, registry),
  };
}

/** Dead here, or dismissed as dead: whoever left by itself is neither. */
function isThoughtDead(peer: OwnerId, registry: Registry): boolean {
  const state = registry.member(peer)?.state;
  const hasLeft = registry.state(peer)?.head.head.facts.left === true;
  return state === 'dead' || (state === 'left' && !hasLeft);
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

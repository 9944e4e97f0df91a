/** Nodes of a test's cluster that accuse others although they hear them well. */
import { encodeRumor } from '../../src/gossip/message.ts';
import { sealAccusation, sealToken, tokenLifeMs } from '../../src/membership/accusation.ts';
import type { Claim } from '../../src/membership/accusation.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { TestCluster, TestNode } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import type { SignatureScheme } from './hashed-signatures.ts';

export interface Lie extends Partial<Claim> {
  readonly issuedAt?: number;
}

/** What node `liar` can say of node `subject`, whose present incarnation it means. */
export function lieOf(
  cluster: TestCluster,
  liar: number,
  subject: TestNode,
  lie: Lie = {},
  { signerOf }: SignatureScheme = hashedSignatures,
): Sealed {
  const { wallMicros } = cluster.clock.now();
  const { self } = subject.registry;
  const observer = signerOf(liar).owner;
  // Confirmed as late as the token allows, which is longer than any suspicion time.
  const since = lie.since ?? (lie.confirmed === true ? wallMicros - 20_000_000 : wallMicros);
  const issuedAt = lie.issuedAt ?? Math.max(since - 1_000_000, wallMicros - tokenLifeMs * 1_000);
  const incarnation = subject.registry.member(self)?.incarnation ?? 0;
  const token = sealToken({ subject: self, observer, issuedAt }, 'test', signerOf(subject.number));
  const plain = { incarnation, confirmed: false, reason: 'silent', at: wallMicros } as const;
  const claim = { ...plain, ...lie, since };
  const { body, signature } = sealAccusation(token, claim, 'test', signerOf(liar));
  return { body, signature };
}

/** Those who are linked with a node, and so have its token. */
export function neighborsOf(cluster: TestCluster, { registry }: TestNode): number[] {
  return [...cluster.nodes.values()]
    .filter(({ engine }) => engine.isLinked(registry.self))
    .map(({ number }) => number);
}

/** Each of these publishes a lie, as its own engine would. */
export function slander(
  cluster: TestCluster,
  liars: readonly number[],
  subject: TestNode,
  lie: Lie = {},
): void {
  for (const liar of liars) {
    const accusations = [lieOf(cluster, liar, subject, lie)];
    const rumor = { head: undefined, previous: 0, records: [], accusations };
    cluster.node(liar).transport.publish(encodeRumor(rumor));
  }
}

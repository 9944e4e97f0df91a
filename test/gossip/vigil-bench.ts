/** One node among members that run nowhere: what the parts of its vigil ask for is looked at. */
import type { Now } from '../../src/base/clock.ts';
import { Counters } from '../../src/base/counters.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Effect, GossipContext } from '../../src/gossip/context.ts';
import { decodeFrame, decodeRumor } from '../../src/gossip/message.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { sealAccusation, sealToken } from '../../src/membership/accusation.ts';
import type { Claim } from '../../src/membership/accusation.ts';
import type { MemberState } from '../../src/membership/member.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Signer } from '../../src/record/signature.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { at, cluster, signerOf } from '../record/fixtures.ts';
import { makeIdentity, Owner, sendWhole, startNode } from '../registry/fixtures.ts';
import { testConfig } from './cluster.ts';

export interface Sent {
  readonly peer: OwnerId;
  readonly frame: Frame;
}

/** The bench's own node. */
export const self = signerOf(1).owner;

export class VigilBench {
  readonly registry: Registry;
  readonly context: GossipContext;
  /** Others than itself; the first has key 2. */
  readonly owners: readonly Owner[];
  #now: Now = at(0);
  #effects: Effect[] = [];

  constructor(others: number) {
    this.registry = startNode();
    this.owners = Array.from({ length: others }, (_, index) => new Owner(index + 2));
    for (const { state } of this.owners) sendWhole(this.registry, state, this.#now);
    const now = (): Now => this.#now;
    this.context = {
      registry: this.registry,
      identity: makeIdentity(1),
      verifier: ed25519Verifier,
      config: testConfig,
      random: seededRandom(3),
      counters: new Counters(),
      get now() {
        return now();
      },
      emit: (effect) => void this.#effects.push(effect),
    };
  }

  get nowMs(): number {
    return this.#now.monoMs;
  }

  get peers(): OwnerId[] {
    return this.owners.map(({ id }) => id);
  }

  setTime(ms: number): void {
    this.#now = at(ms);
  }

  stateOf(owner: OwnerId): MemberState | undefined {
    return this.registry.member(owner)?.state;
  }

  /** Frames that were sent since the last look. */
  sent(): Sent[] {
    return this.#take('send').map(({ peer, bytes }) => {
      const decoded = decodeFrame(bytes);
      if (decoded.kind === 'refused') throw new Error(`sent a frame that is ${decoded.reason}`);
      return { peer, frame: decoded.value };
    });
  }

  /** Accusations that were broadcast since the last look. */
  told(): Sealed[] {
    return this.#take('publish').flatMap(({ bytes }) => {
      const decoded = decodeRumor(bytes);
      if (decoded.kind === 'refused') throw new Error(`told a rumor that is ${decoded.reason}`);
      return decoded.value.accusations ?? [];
    });
  }

  dials(): OwnerId[] {
    return this.#take('dial').map(({ target }) => target.peer ?? '');
  }

  hungUp(): OwnerId[] {
    return this.#take('hangUp').map(({ peer }) => peer);
  }

  #take<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    const isOfKind = (effect: Effect): effect is Extract<Effect, { kind: K }> =>
      effect.kind === kind;
    const taken = this.#effects.filter(isOfKind);
    this.#effects = this.#effects.filter((effect) => effect.kind !== kind);
    return taken;
  }
}

/** "You may accuse me", of a key for another. */
export function tokenOf(subject: number, observer: OwnerId, atMs: number): Sealed {
  const signer = signerOf(subject);
  const token = { subject: signer.owner, observer, issuedAt: at(atMs).wallMicros };
  const { body, signature } = sealToken(token, cluster, signer);
  return { body, signature };
}

/** What `accuser` says of `subject`, both keys, of its first life at that time. */
export function accusationBy(
  accuser: Signer,
  subject: Signer,
  atMs: number,
  fields: Partial<Claim> = {},
): Sealed {
  const since = at(atMs).wallMicros;
  const token = { subject: subject.owner, observer: accuser.owner, issuedAt: since };
  const first = { incarnation: 1, since, at: since, confirmed: false, reason: 'silent' } as const;
  const sealed = sealToken(token, cluster, subject);
  const claim = { ...first, ...fields };
  const { body, signature } = sealAccusation(sealed, claim, cluster, accuser);
  return { body, signature };
}

/**
 * Nine of ten members are hostile: they run the real engine, and what they send is dropped, delayed,
 * damaged, emptied of others' news, or a lie about what they hold.
 *
 * Asked of the honest: nothing forged is ever held, and those with a path of honest nodes between
 * them end with the same truth about each other.
 */
import t, { type Test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { openDigest, sealDigest } from '../../src/gossip/digest.ts';
import { decodeFrame, encodeFrame } from '../../src/gossip/message.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { isSignedByOwner } from '../../src/record/head.ts';
import { assertInvariant } from '../../src/record/merge.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { flipBit } from '../record/fixtures.ts';
import { signerOf, TestCluster } from '../gossip/cluster.ts';
import type { TestConfig } from '../gossip/cluster.ts';

/** A frame of a kind that nobody knows yet: as good as lost. */
const nothing = Buffer.from([0xa2, 0x06, 0x00]);

type Deed = (bytes: Uint8Array, frame: Frame, from: number) => Uint8Array;

/** What hostile members do, each with one of them for as long as it lives. */
function deeds(randomSeed: number): readonly Deed[] {
  const random = seededRandom(randomSeed);
  const isNews = ({ kind }: Frame): boolean => ['delta', 'page', 'rumor'].includes(kind);
  return [
    // Drops half of all.
    (bytes) => (random.next() < 0.5 ? nothing : bytes),
    // Keeps all news to itself.
    (bytes, frame) => (isNews(frame) ? nothing : bytes),
    // Turns a bit of whatever brings news.
    (bytes, frame) => (isNews(frame) ? flipBit(bytes, random.int(8 * bytes.length)) : bytes),
    // Says of every digest that it holds the same, and never says what it holds.
    (bytes, frame) => {
      const isAnswer = ['difference', 'moreSymbols', 'beyond', 'busy'].includes(frame.kind);
      return isAnswer || isNews(frame) ? encodeFrame({ kind: 'same' }) : bytes;
    },
    // Signs digests of what nobody holds.
    (bytes, frame, from) => {
      const signer = signerOf(from);
      if (frame.kind !== 'digest') return bytes;
      const digest = openDigest(frame.sealed, signer.owner, 'test', ed25519Verifier);
      if (digest.kind !== 'opened') return bytes;
      const symbols = Uint8Array.from({ length: 64 }, () => random.int(256));
      const lie = { ...digest.value, setHash: symbols.subarray(0, 16), symbols };
      return encodeFrame({ kind: 'digest', sealed: sealDigest(lie, 'test', signer) });
    },
    // Tells everyone that it wants no link, and that others are gone.
    (bytes, frame) => {
      if (frame.kind !== 'neighbor') return bytes;
      const accused = signerOf(1 + random.int(honestMembers)).owner;
      return encodeFrame({ kind: 'check', owner: accused, incarnation: Number.MAX_SAFE_INTEGER });
    },
  ];
}

const members = 30;
const honestMembers = 3;
const honest = Array.from({ length: honestMembers }, (_, index) => index + 1);

/** Hostile from the beginning, so that the honest come together through them. */
async function besieged(
  randomSeed: number,
  config: Partial<TestConfig>,
): Promise<{ cluster: TestCluster; bans: string[] }> {
  const cluster = new TestCluster(randomSeed);
  /** Those that one honest member told another. */
  const bans: string[] = [];
  const numbers = new Map<OwnerId, number>();
  const all = deeds(randomSeed);
  for (let number = 1; number <= members; number++) numbers.set(signerOf(number).owner, number);
  const isHostile = (owner: OwnerId): boolean => (numbers.get(owner) ?? 0) > honestMembers;
  const { rules } = cluster.network;
  rules.delayMs = (from) => (isHostile(from) && (numbers.get(from) ?? 0) % 3 === 0 ? 400 : 1);
  rules.dropsRumor = (from) => isHostile(from);
  rules.alter = (bytes, from, to) => {
    const number = numbers.get(from) ?? 0;
    const frame = decodeFrame(bytes);
    if (!isHostile(from) && !isHostile(to) && frame.kind === 'opened')
      if (frame.value.kind === 'refusal') bans.push(frame.value.sentence);
    if (!isHostile(from) || frame.kind !== 'opened' || frame.value.kind === 'hello') return bytes;
    const deed = all[number % all.length];
    return deed === undefined ? bytes : deed(bytes, frame.value, number);
  };
  const seeds = honest.map((number) => `mem/${number}`);
  for (let number = members; number > 0; number--) {
    await cluster.start(number, { seeds, config });
    cluster.run(20);
  }
  return { cluster, bans };
}

/** The heads that an honest node holds of the honest, as text. */
function truthAt(cluster: TestCluster, number: number): string {
  const { registry } = cluster.node(number);
  const hashes = honest.map(
    (other) => registry.state(cluster.node(other).registry.self)?.head.hash,
  );
  return hashes.map((hash) => Buffer.from(hash ?? []).toString('hex')).join();
}

async function survive(t: Test, randomSeed: number, config: Partial<TestConfig>): Promise<void> {
  const { cluster, bans } = await besieged(randomSeed, config);
  cluster.run(10_000);
  for (const number of honest) cluster.register(number, `first-${number}`);
  cluster.run(10_000);
  cluster.register(2, 'late');
  cluster.deregister(3, 'first-3');
  const expected = ['first-1', 'first-2', 'late'];
  const isSo = (): boolean =>
    honest.every((number) => expected.every((name) => cluster.seenBy(number).includes(name))) &&
    honest.every((number) => !cluster.seenBy(number).includes('first-3')) &&
    new Set(honest.map((number) => truthAt(cluster, number))).size === 1;
  const waitedMs = cluster.until(isSo, 120_000);
  t.pass(`the honest are of one mind after ${waitedMs} ms`);
  const known = new Set(Array.from({ length: members }, (_, index) => signerOf(index + 1).owner));
  for (const number of honest) {
    const { registry } = cluster.node(number);
    for (const [owner, state] of registry.owners()) {
      assertInvariant(state);
      if (!known.has(owner) || !isSignedByOwner(state.head, ed25519Verifier))
        t.fail('a forgery is held');
    }
    const shown = cluster.seenBy(number).filter((name) => !expected.includes(name));
    t.strictSame(shown, [], 'nobody registered anything else');
    const { refusals } = registry;
    t.ok(
      refusals.get('BAD_SIGNATURE') + refusals.get('MALFORMED') + refusals.get('ROOT_MISMATCH') > 0,
    );
  }
  t.strictSame(bans, [], 'no honest peer was banned for what the others did');
}

t.test('with 27 of 30 hostile, all linked with all, the honest converge', async (t) => {
  await survive(t, 1, { neighborsK: 15 });
});

t.test(
  'with 27 of 30 hostile, on rings that anybody may stand on, the honest converge',
  async (t) => {
    await survive(t, 2, { neighborsK: 8 });
  },
);

/** Which links last, and who is told: the list as Links keeps it, driven input by input. */
import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import { Counters } from '../../src/base/counters.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { DialTarget, Effect, GossipContext } from '../../src/gossip/context.ts';
import { Links } from '../../src/gossip/links.ts';
import { decodeFrame } from '../../src/gossip/message.ts';
import { fullMeshMax } from '../../src/membership/neighbors.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { at } from '../record/fixtures.ts';
import { makeIdentity, Owner, sendWhole, startNode } from '../registry/fixtures.ts';
import { testConfig } from './cluster.ts';

const neighborsK = 2;
const linksBeyondPlan = 2 * neighborsK;

/** The links of one node among `others` members, all heard of and none of them linked. */
class Bench {
  readonly counters = new Counters();
  readonly registry: Registry;
  readonly owners: readonly Owner[];
  readonly links: Links;
  readonly #effects: Effect[] = [];
  #now = at(0);

  constructor(others: number) {
    this.registry = startNode();
    this.owners = Array.from({ length: others }, (_, index) => new Owner(index + 2));
    for (const { state } of this.owners) sendWhole(this.registry, state, this.#now);
    const now = (): Now => this.#now;
    const context: GossipContext = {
      registry: this.registry,
      identity: makeIdentity(1),
      verifier: ed25519Verifier,
      config: { ...testConfig, neighborsK },
      random: seededRandom(3),
      counters: this.counters,
      get now() {
        return now();
      },
      emit: (effect) => void this.#effects.push(effect),
    };
    this.links = new Links(context, [], {
      isDoubtful: () => false,
      isIsolated: () => false,
      isSilent: () => false,
      found: () => false,
      missing: () => undefined,
    });
  }

  /** Lets time pass, an interval at a time. */
  run(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      const { monoMs, wallMicros } = this.#now;
      this.#now = { monoMs: monoMs + 1_000, wallMicros: wallMicros + 1_000_000 };
      this.links.maintain();
      this.links.follow();
    }
  }

  /** Opens a link and greets, as the engine does. @returns whether there was room */
  greet(peer: string): boolean {
    this.links.linked(peer);
    this.links.dialed(this.targetOf(peer), peer);
    const isWelcome = this.links.greet(peer);
    this.links.follow();
    return isWelcome;
  }

  targetOf(peer: string): DialTarget {
    const addresses = this.registry.state(peer)?.head.head.facts.addresses ?? [];
    return { peer, addresses };
  }

  get monoMs(): number {
    return this.#now.monoMs;
  }

  /** What was asked for since the last look. */
  take(): { dials: DialTarget[]; frames: string[]; hungUp: string[] } {
    const dials: DialTarget[] = [];
    const frames: string[] = [];
    const hungUp: string[] = [];
    for (const effect of this.#effects.splice(0)) {
      if (effect.kind === 'dial') dials.push(effect.target);
      if (effect.kind === 'hangUp') hungUp.push(effect.peer);
      if (effect.kind !== 'send') continue;
      const decoded = decodeFrame(effect.bytes);
      const frame = decoded.kind === 'opened' ? decoded.value : undefined;
      const said = frame?.kind === 'neighbor' ? `wanted ${frame.wanted}` : frame?.kind;
      frames.push(`${effect.peer} ${said}`);
    }
    return { dials, frames, hungUp };
  }

  /** Who is dialed in an interval when nobody is linked: the plan. */
  plan(): string[] {
    this.run(1);
    return this.take().dials.flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
  }

  strangers(plan: readonly string[]): string[] {
    return this.owners.map(({ id }) => id).filter((id) => !plan.includes(id));
  }
}

function joined(others = 20): { bench: Bench; plan: string[]; strangers: string[] } {
  const bench = new Bench(others);
  const plan = bench.plan();
  for (const peer of plan) bench.greet(peer);
  bench.links.reconciled();
  bench.take();
  return { bench, plan, strangers: bench.strangers(plan) };
}

t.test('beyond the full mesh only those beside us are dialed', (t) => {
  const bench = new Bench(20);
  t.ok(21 > fullMeshMax(neighborsK));
  const plan = bench.plan();
  t.equal(new Set(plan).size, neighborsK);
  t.end();
});

t.test('what this node wants is told to the other end, once, and again when it changes', (t) => {
  const { bench, strangers } = joined();
  const other = strangers[0] as string;
  bench.greet(other);
  bench.run(3);
  t.strictSame(bench.take().frames, [`${other} wanted false`]);
  for (const owner of bench.owners) {
    if (owner.id === other) continue;
    owner.move([{ kind: 'facts', facts: { left: true } }], at(1));
    sendWhole(bench.registry, owner.state, at(1));
  }
  bench.links.follow();
  t.ok(bench.take().frames.includes(`${other} wanted true`), 'the only one that is left');
  t.end();
});

t.test('before a peer has told all it knows nothing is said of what is wanted', (t) => {
  const bench = new Bench(20);
  const [first] = bench.plan();
  bench.greet(first as string);
  bench.run(30);
  const { frames, hungUp } = bench.take();
  t.strictSame(frames, []);
  t.strictSame(hungUp, []);
  bench.links.reconciled();
  t.strictSame(bench.take().frames, [`${first} wanted true`]);
  t.end();
});

t.test('a link that neither end wants is ended after ten seconds, and nobody is dead', (t) => {
  const { bench, strangers } = joined();
  const other = strangers[0] as string;
  bench.greet(other);
  bench.run(10);
  t.strictSame(bench.take().hungUp, []);
  bench.run(1);
  const { frames, hungUp } = bench.take();
  t.strictSame(hungUp, [other]);
  t.ok(frames.includes(`${other} bye`));
  bench.run(5);
  t.strictSame(bench.take().hungUp, [], 'it is said once');
  t.notOk(bench.links.greeted.includes(other), 'and nothing is asked of it any more');
  bench.links.unlinked(other);
  bench.links.follow();
  t.strictSame(bench.take().dials, [], 'its loss needs no confirming');
  t.equal(bench.registry.member(other)?.state, 'alive');
  t.end();
});

t.test('whom to talk to follows each hello, goodbye and loss', (t) => {
  const { bench, strangers } = joined();
  const { links } = bench;
  const [one, two] = strangers as [string, string];
  const isAsked = () => [one, two].map((peer) => links.greeted.includes(peer));
  const before = links.greeted;
  for (const peer of [one, two]) links.linked(peer);
  t.strictSame(isAsked(), [false, false], 'nobody before its hello');
  for (const peer of [one, two]) links.greet(peer);
  t.strictSame(isAsked(), [true, true]);
  t.notOk(before.includes(one), 'who was given the list before keeps it as it was');
  links.departed(one);
  t.strictSame(isAsked(), [false, true]);
  links.linked(two);
  t.strictSame(isAsked(), [false, false], 'over a new connection there was no hello yet');
  links.greet(two);
  t.strictSame(isAsked(), [false, true]);
  links.unlinked(two);
  t.strictSame(isAsked(), [false, false]);
  t.end();
});

t.test('a link that only the other end wants stays until that end wants it no more', (t) => {
  const { bench, strangers } = joined();
  const other = strangers[0] as string;
  bench.greet(other);
  bench.links.heard(other, true);
  bench.run(60);
  t.strictSame(bench.take().hungUp, []);
  bench.links.heard(other, false);
  bench.run(10);
  t.strictSame(bench.take().hungUp, []);
  bench.run(1);
  t.strictSame(bench.take().hungUp, [other]);
  t.end();
});

t.test(`${linksBeyondPlan} links beyond the plan are accepted, the next is sent on`, (t) => {
  const { bench, strangers } = joined();
  const guests = strangers.slice(0, linksBeyondPlan);
  for (const guest of guests) {
    t.equal(bench.greet(guest), true);
    bench.links.heard(guest, true);
  }
  const late = strangers[linksBeyondPlan] as string;
  bench.take();
  t.equal(bench.greet(late), false);
  t.strictSame(bench.take(), { dials: [], frames: [`${late} bye`], hungUp: [late] });
  bench.links.unlinked(late);
  t.equal(bench.registry.member(late)?.state, 'alive');
  t.strictSame(bench.take().dials, []);
  t.end();
});

t.test('a guest that wants its link no more makes room for the next', (t) => {
  const { bench, strangers } = joined();
  for (const guest of strangers.slice(0, linksBeyondPlan)) {
    bench.greet(guest);
    bench.links.heard(guest, guest !== strangers[1]);
  }
  bench.take();
  t.equal(bench.greet(strangers[linksBeyondPlan] as string), true);
  t.strictSame(bench.take().hungUp, [strangers[1]]);
  t.end();
});

t.test('who sends us on is held back, and the next on the ring is linked meanwhile', (t) => {
  const { bench, plan } = joined();
  const full = plan[0] as string;
  bench.links.departed(full);
  bench.links.unlinked(full);
  bench.run(60);
  const dialed = bench.take().dials.map(({ peer }) => peer);
  t.ok(dialed.includes(full), 'it is asked again');
  t.ok(
    dialed.some((peer) => peer !== full && !plan.includes(peer as string)),
    'a stand-in',
  );
  t.equal(bench.registry.member(full)?.state, 'alive');
  t.end();
});

t.test('a neighbor that does not answer is watched, and the next one stands in for it', (t) => {
  const bench = new Bench(20);
  const plan = bench.plan();
  const [mute, other] = plan as [string, string];
  bench.greet(other);
  bench.links.dialFailed(bench.targetOf(mute), 'timeout');
  bench.links.follow();
  bench.run(3);
  const { dials } = bench.take();
  t.equal(bench.registry.member(mute)?.state, 'alive', 'one timeout kills nobody');
  const standIn = dials.map(({ peer }) => peer).find((peer) => !plan.includes(peer as string));
  t.type(standIn, 'string');
  t.ok(
    dials.some(({ peer }) => peer === mute),
    'it is dialed in parallel',
  );
  bench.greet(standIn as string);
  bench.links.reconciled();
  t.ok(bench.take().frames.includes(`${standIn} wanted true`));
  bench.greet(mute);
  t.ok(bench.take().frames.includes(`${standIn} wanted false`), 'until it is there again');
  t.end();
});

t.test('who is shunned is not dialed before its time', (t) => {
  const { bench, plan } = joined();
  const banned = plan[0] as string;
  bench.links.shun(banned, bench.monoMs + 600_000);
  bench.links.unlinked(banned);
  bench.run(599);
  t.strictSame(
    bench.take().dials.filter(({ peer }) => peer === banned),
    [],
  );
  t.equal(bench.registry.member(banned)?.state, 'alive');
  bench.run(2);
  t.equal(bench.take().dials.filter(({ peer }) => peer === banned).length, 1);
  t.end();
});

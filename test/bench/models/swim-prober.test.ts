import t from 'tap';
import { SwimProber } from '../../../bench/models/swim-prober.ts';
import type { Target } from '../../../bench/models/swim-prober.ts';
import { Awareness, configurations } from '../../../bench/models/swim-timing.ts';
import type { Configuration } from '../../../bench/models/swim-timing.ts';
import type { Message, Rumor } from '../../../bench/models/swim-wire.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { VirtualClock } from '../../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../../src/sim/node-process.ts';

interface Sent {
  readonly to: number;
  readonly message: Message;
  readonly told: Rumor | undefined;
}

/** The prober of node 1; it asks node 2, and 3, 4 and 5 relay. */
function bench(configuration: Configuration, state: Target['state'] = 'alive') {
  const clock = new VirtualClock();
  const process = new NodeProcess(clock);
  const options = configurations[configuration];
  const awareness = new Awareness(options.lhaProbe ? options.awarenessMax : 1);
  const sent: Sent[] = [];
  const asks: ((isAnswered: boolean) => void)[] = [];
  const suspects: { readonly atMs: number; readonly node: number }[] = [];
  const prober = new SwimProber({
    number: 1,
    process,
    random: { ...seededRandom(1), next: () => 0 },
    options,
    awareness,
    nextTarget: () => {
      return { node: 2, incarnation: 7, state };
    },
    relays: () => [3, 4, 5],
    send: (to, message, told) => sent.push({ to, message, told }),
    ask: (_to, timeoutMs, done) => {
      asks.push(done);
      process.schedule(timeoutMs, () => done(false));
    },
    suspect: (node) => suspects.push({ atMs: clock.now().monoMs, node }),
  });
  const kinds = (): string[] => sent.map(({ message }) => message.kind);
  const seqOf = (place: number): number => {
    const message = sent[place]?.message;
    return message !== undefined && 'seq' in message ? message.seq : 0;
  };
  return { clock, process, awareness, sent, asks, suspects, prober, kinds, seqOf } as const;
}

t.test('an answer in time ends a probe, and the next one comes a second later', (t) => {
  const { clock, prober, kinds, seqOf, suspects } = bench('swim');
  prober.start();
  clock.advance(10);
  prober.ack(seqOf(0));
  clock.advance(989);
  t.strictSame(kinds(), ['ping']);
  clock.advance(1);
  t.strictSame(kinds(), ['ping', 'ping']);
  t.strictSame(suspects, []);
  t.end();
});

t.test(
  'without an answer three others are asked after 500 ms, and it is suspected after 1 s',
  (t) => {
    const { clock, prober, kinds, suspects } = bench('swim');
    prober.start();
    clock.advance(500);
    t.strictSame(kinds(), ['ping', 'indirect', 'indirect', 'indirect']);
    clock.advance(499);
    t.strictSame(suspects, []);
    clock.advance(1);
    t.strictSame(suspects, [{ atMs: 1_000, node: 2 }]);
    t.end();
  },
);

t.test('an answer over a relay or over TCP is one', (t) => {
  const relayed = bench('swim');
  relayed.prober.start();
  relayed.clock.advance(900);
  relayed.prober.ack(relayed.seqOf(0));
  const streamed = bench('swim');
  streamed.prober.start();
  streamed.clock.advance(600);
  streamed.asks[0]?.(true);
  for (const { clock, suspects } of [relayed, streamed]) {
    clock.advance(400);
    t.strictSame(suspects, []);
  }
  t.end();
});

t.test(
  'a score of local health stretches the deadline, and a turn that came meanwhile follows',
  (t) => {
    const { clock, prober, suspects, awareness, kinds } = bench('lha-probe');
    awareness.apply(2);
    prober.start();
    clock.advance(2_999);
    t.strictSame(suspects, []);
    t.equal(kinds().length, 4, 'one ping and three relays');
    clock.advance(1);
    t.strictSame(suspects, [{ atMs: 3_000, node: 2 }]);
    t.equal(kinds().filter((kind) => kind === 'ping').length, 2);
    t.end();
  },
);

t.test('a probe that nobody answered costs one for each nack that did not come', (t) => {
  for (const [nacks, score] of [
    [0, 4],
    [2, 2],
    [3, 1],
  ] as const) {
    const { clock, prober, awareness, seqOf } = bench('lha-probe');
    awareness.apply(1);
    prober.start();
    clock.advance(1_100);
    for (let i = 0; i < nacks; i++) prober.nack(seqOf(0));
    clock.advance(900);
    t.equal(awareness.score, score, `${nacks} nacks`);
  }
  t.end();
});

t.test('as it is shipped the timeout stays, and a nack to the healthy comes too late', (t) => {
  const { clock, prober, awareness, kinds, sent } = bench('memberlist');
  awareness.apply(2);
  prober.start();
  clock.advance(500);
  t.equal(kinds().length, 4);
  const relay = bench('memberlist');
  relay.prober.relay(70, 9, 8, true);
  relay.clock.advance(499);
  t.strictSame(relay.kinds(), ['ping']);
  relay.clock.advance(1);
  t.strictSame(relay.kinds(), ['ping', 'nack']);
  t.equal(sent.length, 4);
  t.end();
});

t.test('an answer betters the score', (t) => {
  const { clock, prober, awareness, seqOf } = bench('lha-probe');
  awareness.apply(3);
  prober.start();
  clock.advance(10);
  prober.ack(seqOf(0));
  t.equal(awareness.score, 2);
  t.end();
});

t.test('a suspect is told so with the ping by its buddies, and by nobody else', (t) => {
  for (const [configuration, told] of [
    ['buddy-system', { kind: 'suspect', node: 2, incarnation: 7, from: 1 }],
    ['swim', undefined],
  ] as const) {
    const { clock, prober, sent } = bench(configuration, 'suspect');
    prober.start();
    clock.advance(1);
    t.strictSame(sent[0]?.told, told, configuration);
  }
  t.end();
});

t.test('a relay passes the answer on, or says that there was none, when asked to', (t) => {
  const { clock, prober, sent, kinds, seqOf } = bench('lha-probe');
  prober.relay(70, 9, 8, true);
  prober.relay(71, 9, 8, true);
  prober.relay(72, 9, 8, false);
  prober.ack(seqOf(0));
  clock.advance(600);
  t.strictSame(kinds().slice(3), ['ack', 'nack']);
  t.strictSame(
    sent.slice(3).map(({ to }) => to),
    [8, 8],
  );
  t.strictSame([seqOf(3), seqOf(4)], [70, 71]);
  t.end();
});

t.test('what was blocked before it could ask, suspects at once when it is free', (t) => {
  const { clock, process, prober, suspects } = bench('swim');
  process.block();
  prober.start();
  clock.advance(5_000);
  t.strictSame(suspects, [], 'it waits for its own ping to be sent');
  process.unblock();
  clock.advance(0);
  t.strictSame(suspects, [{ atMs: 5_000, node: 2 }]);
  t.end();
});

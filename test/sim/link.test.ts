import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { Link, windowBytesMax } from '../../src/sim/link.ts';

function setUp(loss = 0): { clock: VirtualClock; link: Link; arrived: string[] } {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const arrived: string[] = [];
  const delayMs = (): number => random.jitter(10, 0.9);
  const link = new Link(clock, random, { delayMs, loss }, () => arrived.push('broken'));
  return { clock, link, arrived };
}

test('frames arrive in order whatever their delays, and each once, in spite of losses', (t) => {
  for (const loss of [0, 0.2]) {
    const { clock, link, arrived } = setUp(loss);
    const [lane] = link.lanes;
    const sent = Array.from({ length: 50 }, (_, index) => `frame ${index}`);
    for (const frame of sent) link.send(lane, 100, () => arrived.push(frame));
    clock.advance(60_000);
    t.strictSame(arrived, sent, `loss ${loss}`);
  }
  t.end();
});

test('a loss costs 200 ms, the next one twice that, and a link on which nothing gets through breaks', (t) => {
  const clock = new VirtualClock();
  // Lost, lost, through.
  const dice = [0, 0, 0.9];
  const random = { ...seededRandom(1), next: () => dice.shift() ?? 0.9 };
  const link = new Link(clock, random, { delayMs: () => 10, loss: 0.5 }, () => undefined);
  const arrivals: number[] = [];
  link.send(link.lanes[0], 100, () => arrivals.push(clock.now().monoMs));
  clock.advance(10_000);
  t.strictSame(arrivals, [10 + 200 + 400]);

  const dead = setUp(1);
  dead.link.send(dead.link.lanes[0], 100, () => dead.arrived.push('frame'));
  dead.clock.advance(60_000);
  t.strictSame(dead.arrived, ['broken']);
  t.equal(dead.link.isExhausted, true);
  t.end();
});

test('what a slow reader has not read is bounded; one byte more is refused', (t) => {
  const { clock, link } = setUp();
  const [lane] = link.lanes;
  lane.bytesMax = 1_000;
  lane.bytesPerSecond = 1_000;
  const read = (): void => {
    lane.queuedBytes -= 600;
  };
  t.equal(link.send(lane, 600, read), true);
  t.equal(link.send(lane, 401, read), false);
  clock.advance(700);
  t.equal(link.send(lane, 600, read), true, 'there is room again');
  t.end();
});

test('a stalled link delivers nothing, and all of it in order once it goes on', (t) => {
  const { clock, link, arrived } = setUp();
  const [lane] = link.lanes;
  link.send(lane, 1, () => arrived.push('under way'));
  link.stall();
  link.send(lane, 1, () => arrived.push('later'));
  clock.advance(5_000);
  t.strictSame(arrived, []);
  link.resume();
  clock.advance(6_000);
  t.strictSame(arrived, ['under way', 'later']);
  t.end();
});

test('what was under way when a link went on again waits for what is sent again', (t) => {
  const { clock, link, arrived } = setUp();
  const [lane] = link.lanes;
  lane.bytesPerSecond = 100;
  for (const frame of ['after 1 s', 'after 2 s']) link.send(lane, 100, () => arrived.push(frame));
  clock.advance(500);
  link.stall();
  clock.advance(700);
  link.resume();
  clock.advance(60_000);
  t.strictSame(arrived, ['after 1 s', 'after 2 s']);
  t.end();
});

test('of a link that is cut one way the other direction carries one window, in order', (t) => {
  const { clock, link, arrived } = setUp();
  const [cut, open] = link.lanes;
  link.stall(open);
  link.send(cut, 1, () => arrived.push('cut'));
  link.send(cut, 0, () => arrived.push('FIN across the cut'));
  link.send(open, windowBytesMax - 1, () => arrived.push('within'));
  link.send(open, 2, () => arrived.push('one byte over'));
  link.send(open, 1, () => arrived.push('behind it'));
  clock.advance(5_000);
  t.strictSame(arrived, ['within']);
  link.resume();
  clock.advance(20_000);
  t.strictSame(arrived.toSorted(), [
    'FIN across the cut',
    'behind it',
    'cut',
    'one byte over',
    'within',
  ]);
  t.ok(arrived.indexOf('one byte over') < arrived.indexOf('behind it'));
  t.end();
});

test('a broken link loses what was under way, and takes nothing more', (t) => {
  const { clock, link, arrived } = setUp();
  link.send(link.lanes[0], 1, () => arrived.push('frame'));
  link.break();
  link.break();
  clock.advance(1_000);
  t.strictSame(arrived, ['broken']);
  t.equal(
    link.send(link.lanes[0], 1, () => undefined),
    false,
  );
  t.end();
});

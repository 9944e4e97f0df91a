import { test } from 'tap';
import { simulate } from '../../src/sim/simulate.ts';
import { calmOptions, fault } from './options.ts';

const cellsOf = async (
  ...faults: Parameters<typeof fault>[]
): Promise<Readonly<Record<string, number>>> => {
  const options = { ...calmOptions, nodes: 8, durationMs: 20_000, timeScale: 720 };
  const result = await simulate({ ...options, faults: faults.map((given) => fault(...given)) });
  return result.sometimes;
};

test('a calm run reaches nothing that takes a fault', async (t) => {
  const cells = await cellsOf();
  t.ok((cells['a rumor brought news'] ?? 0) > 0);
  const faulty = ['a member was found dead', 'an owner moved to another address', 'fault: moved'];
  t.strictSame(
    faulty.map((cell) => cells[cell] ?? 0),
    [0, 0, 0],
  );
});

test('what faults bring about is counted', async (t) => {
  const cells = await cellsOf(
    ['moved', 2_000, 4_000, { nodes: [2] }],
    ['clone', 5_000, 9_000, { nodes: [3] }],
    ['pause', 10_000, 13_000, { nodes: [4] }],
  );
  const expected = [
    'fault: moved',
    'a member was found dead',
    'an owner came back from the dead',
    'an owner moved to another address',
    'an owner said two things at once',
    'a node began from its disk',
    'a node was woken late',
  ];
  t.strictSame(
    expected.filter((cell) => (cells[cell] ?? 0) === 0),
    [],
  );
});

test('how frozen nodes are suspected, convicted, and come back is counted', async (t) => {
  const missing = async (nodes: number, pauses: number[], cells: string[]): Promise<string[]> => {
    const faults = pauses.map((ms, index) => {
      const atMs = 2_000 + 5_000 * index;
      return fault('pause', atMs, atMs + ms, { nodes: [2 + index] });
    });
    const options = { ...calmOptions, nodes, durationMs: 30_000, timeScale: 720, faults };
    const { sometimes } = await simulate(options);
    t.equal(sometimes['a node was isolated'], 0);
    return cells.filter((cell) => (sometimes[cell] ?? 0) === 0);
  };
  // Two observers have to wait for longer than it is frozen; then for less; and seven do not wait.
  const back = ['a peer was silent', 'a silent peer spoke again', 'a node was suspect'];
  const muted = ['an accuser was refuted and went mute'];
  t.strictSame(await missing(3, [3_000], [...back, ...muted]), []);
  t.strictSame(await missing(3, [13_000], ['a member was convicted by a confirmation']), []);
  t.strictSame(await missing(8, [6_000], ['a member was convicted by three']), []);
  // Who is no neighbor hears of the first accusers and of the answer.
  const pauses = [1_600, 1_700, 1_800, 1_900];
  t.strictSame(await missing(32, pauses, ['a suspect refuted in time']), []);
});

test('a node that is cut off is isolated, and what it lost of a service is held', async (t) => {
  const options = { ...calmOptions, nodes: 12, durationMs: 80_000, timeScale: 720 };
  const faults = [fault('partition', 2_000, 30_000, { nodes: [1, 2, 3], detail: 'halves' })];
  const { sometimes } = await simulate({ ...options, faults });
  const expected = ['a service was held', 'a hold ended'];
  t.strictSame(
    expected.filter((cell) => (sometimes[cell] ?? 0) === 0),
    [],
  );
  const alone = [fault('partition', 2_000, 12_000, { nodes: [1], detail: 'halves' })];
  const other = await simulate({ ...options, durationMs: 30_000, faults: alone });
  t.ok((other.sometimes['a node was isolated'] ?? 0) > 0);
});

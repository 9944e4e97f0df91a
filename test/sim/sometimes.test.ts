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

import t from 'tap';
import { Pump } from '../../src/api/pump.ts';

/** Takes so many at a time. */
function pumpOf(waiting: number[], room = Infinity) {
  const written: number[] = [];
  const sink = { write: (event: number) => written.push(event) % room !== 0 };
  const pump = new Pump(sink, () => waiting.shift());
  return { pump, written };
}

t.test('all there is is written, and what comes later once it is woken', async (t) => {
  const waiting = [1, 2];
  const { pump, written } = pumpOf(waiting);
  pump.run();
  t.strictSame(written, [1, 2]);
  waiting.push(3);
  pump.wake();
  pump.wake();
  waiting.push(4);
  t.strictSame(written, [1, 2], 'not amid the change');
  await Promise.resolve();
  t.strictSame(written, [1, 2, 3, 4]);
});

t.test('a full sink is given nothing until it takes more', async (t) => {
  const { pump, written } = pumpOf([1, 2, 3, 4, 5], 2);
  pump.run();
  t.strictSame(written, [1, 2]);
  t.equal(pump.isFull, true);
  pump.wake();
  pump.run();
  await Promise.resolve();
  t.strictSame(written, [1, 2]);
  pump.resume();
  t.strictSame(written, [1, 2, 3, 4]);
  pump.resume();
  t.strictSame([written.length, pump.isFull], [5, false]);
});

t.test('after its end nothing is written, whatever wakes it', async (t) => {
  const { pump, written } = pumpOf([1]);
  pump.wake();
  pump.close();
  await Promise.resolve();
  pump.resume();
  pump.wake();
  await Promise.resolve();
  t.strictSame([written, pump.isClosed], [[], true]);
});

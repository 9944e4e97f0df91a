import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { flagsForHeap, heapToRerunWith } from '../../src/cli/more-heap.ts';

const gib = 1024 ** 3;

t.test('a heap that is large enough stays as it is', (t) => {
  const facts = { limitBytes: 4 * gib, memoryBytes: 24 * gib };
  t.equal(heapToRerunWith({ ...facts, neededBytes: gib }), undefined);
  t.equal(heapToRerunWith({ ...facts, neededBytes: 4 * gib }), undefined);
  t.end();
});

t.test('a larger one is what is needed, or three quarters of what there is', (t) => {
  const facts = { limitBytes: 4 * gib, neededBytes: 10 * gib };
  t.equal(heapToRerunWith({ ...facts, memoryBytes: 24 * gib }), 10 * 1024);
  t.equal(heapToRerunWith({ ...facts, memoryBytes: 8 * gib }), 6 * 1024);
  t.equal(heapToRerunWith({ ...facts, memoryBytes: 5 * gib }), undefined, 'no more to be had');
  t.end();
});

t.test('a part of it, up to a bound, is for what was made just now', (t) => {
  t.strictSame(flagsForHeap(1_000), ['--max-old-space-size=1000', '--max-semi-space-size=32']);
  t.strictSame(flagsForHeap(10_000), ['--max-old-space-size=10000', '--max-semi-space-size=256']);
  t.end();
});

t.test('the run with more heap has the same arguments, and its end is the end', (t) => {
  const file = fileURLToPath(new URL('../../src/cli/more-heap.ts', import.meta.url));
  const script = `
    const { ranWithMoreHeap } = await import(${JSON.stringify(file)});
    const { heap_size_limit: limit } = process.getBuiltinModule('node:v8').getHeapStatistics();
    const isAgain = process.execArgv.some((flag) => flag.startsWith('--max-old-space-size=1000'));
    if (!isAgain && (await ranWithMoreHeap(1000 * 1024 ** 2))) {
      console.log('was run again');
    } else {
      console.log(isAgain, limit > 1000 * 1024 ** 2, process.argv.slice(1).join());
      process.exitCode = 7;
    }`;
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--max-old-space-size=20', '--input-type=module', '-e', script, 'one', 'two'],
    { encoding: 'utf8' },
  );
  t.equal(stdout, 'true true one,two\nwas run again\n');
  t.equal(status, 7);
  t.end();
});

/** kill -9 in the midst of a loop of commits: what was acknowledged is there, and no half of any. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { databaseFile, sqliteDisk } from './fixtures.ts';

const commitLoop = fileURLToPath(new URL('commit-loop.ts', import.meta.url));

/** Kills a committing child once it acknowledged `count` commits; answers the last revision heard. */
async function killAfter(file: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [commitLoop, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let heard = 0;
  let last = 0;
  for await (const line of createInterface(child.stdout)) {
    last = Number(line);
    heard += 1;
    if (heard === count) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  return signal === 'SIGKILL' ? last : NaN;
}

t.test('a process killed while it commits keeps every acknowledged commit whole', async (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  for (const count of [1, 3, 10, 30, 80]) {
    const acknowledged = await killAfter(file, count);
    t.ok(acknowledged >= count);
    const { revision, owners } = disk.open().load();
    t.ok(revision >= acknowledged, `revision ${revision}, acknowledged ${acknowledged}`);
    t.equal(owners[0]?.records.length, revision * 2, 'two records for each commit');
    disk.open().close();
  }
});

import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { burstMsMax, FolderWatch, lookMs, quietMs } from '../../src/daemon/folder-watch.ts';
import { systemFolders } from '../../src/daemon/folder-watch.ts';
import type { FolderSystem } from '../../src/daemon/folder-watch.ts';

/** A folder of which a test says what happens to it. */
class FakeFolder implements FolderSystem {
  inode: string | undefined = '1';
  canWatch = true;
  readonly watches = new Set<{ onEvent: () => void; onEnd: () => void }>();

  identity(): string | undefined {
    return this.inode;
  }

  watch(_: string, onEvent: () => void, onEnd: () => void): () => void {
    if (!this.canWatch) throw new Error('ENOSPC');
    const watch = { onEvent, onEnd };
    this.watches.add(watch);
    return () => void this.watches.delete(watch);
  }

  change(): void {
    for (const { onEvent } of this.watches) onEvent();
  }
}

function begin(change: Partial<FakeFolder> = {}) {
  const clock = new VirtualClock();
  const folder = Object.assign(new FakeFolder(), change);
  const told: number[] = [];
  const note = (): void => void told.push(clock.now().monoMs);
  const watch = new FolderWatch('/d', clock, note, folder);
  watch.start();
  return { clock, folder, told, watch };
}

t.test('a burst of changes is told once, when it is quiet', (t) => {
  const { clock, folder, told } = begin();
  for (let change = 0; change < 5; change++) {
    folder.change();
    clock.advance(quietMs - 1);
  }
  t.strictSame(told, []);
  clock.advance(1);
  t.strictSame(told, [5 * quietMs - 4]);
  clock.advance(lookMs / 2);
  t.equal(told.length, 1);
  t.end();
});

t.test('changes without a pause are told all the same', (t) => {
  const { clock, folder, told } = begin();
  for (let ms = 0; ms < 2 * burstMsMax + 10; ms += 10) {
    folder.change();
    clock.advance(10);
  }
  t.strictSame(told, [burstMsMax, 2 * burstMsMax]);
  t.end();
});

t.test('while nothing changes, looking at the folder tells nothing', (t) => {
  const { clock, told } = begin();
  clock.advance(10 * lookMs);
  t.strictSame(told, []);
  t.end();
});

t.test('a folder that was replaced is told, and watched anew', (t) => {
  const { clock, folder, told } = begin();
  folder.inode = '2';
  clock.advance(lookMs);
  t.strictSame(told, [lookMs]);
  t.equal(folder.watches.size, 1);
  folder.change();
  clock.advance(quietMs);
  t.equal(told.length, 2);
  t.end();
});

t.test('a watch that ends is made again with the next look', (t) => {
  const { clock, folder, told } = begin();
  for (const { onEnd } of folder.watches) onEnd();
  t.equal(folder.watches.size, 0);
  clock.advance(lookMs);
  t.strictSame([told.length, folder.watches.size], [1, 1]);
  t.end();
});

t.test('a folder that cannot be watched, or is away, is told with every look', (t) => {
  const { clock, folder, told } = begin({ canWatch: false });
  clock.advance(2 * lookMs);
  t.equal(told.length, 2);
  folder.inode = undefined;
  clock.advance(lookMs);
  t.equal(told.length, 3);
  Object.assign(folder, { canWatch: true, inode: '3' });
  clock.advance(lookMs);
  t.strictSame([told.length, folder.watches.size], [4, 1]);
  clock.advance(3 * lookMs);
  t.equal(told.length, 4);
  t.end();
});

t.test('once stopped it tells nothing more', (t) => {
  const { clock, folder, told, watch } = begin();
  folder.change();
  watch.stop();
  folder.inode = '2';
  clock.advance(3 * lookMs);
  t.strictSame([told, folder.watches.size], [[], 0]);
  t.end();
});

t.test('the system tells of a file that comes, and which folder is which', async (t) => {
  const path = t.testdir();
  const [seen, there] = [Promise.withResolvers<void>(), join(path, 'sub')];
  const stop = systemFolders.watch(
    path,
    () => seen.resolve(),
    () => undefined,
  );
  const alive = setInterval(() => undefined, 1_000);
  fs.mkdirSync(there);
  await seen.promise;
  clearInterval(alive);
  stop();
  t.equal(systemFolders.identity(path), systemFolders.identity(path));
  t.not(systemFolders.identity(path), systemFolders.identity(there));
  t.equal(systemFolders.identity(join(path, 'gone')), undefined);
});

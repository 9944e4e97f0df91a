import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fileBytesMax, filesMax, readServiceFolder } from '../../src/daemon/service-folder.ts';
import { readServiceFile } from '../../src/daemon/service-folder.ts';

const add = '{"group": "math", "name": "add", "port": 5001}';

t.test('files that end with .json count, by name; those of editors and others do not', (t) => {
  const folder = t.testdir({
    'b.json': add,
    'a.json': add,
    '.a.json.swp': '',
    '.x.json': '',
    c: '',
  });
  const files = readServiceFolder(folder);
  t.strictSame(
    files.map(({ name, problems }) => [name, problems]),
    [
      ['a.json', []],
      ['b.json', []],
    ],
  );
  t.match(files[0]?.wishes, [{ wish: { name: 'add' }, where: /^.*\/a\.json, line 1/ }]);
  t.end();
});

t.test('a file that cannot be read is a problem of its own, and nobody waits for a pipe', (t) => {
  const folder = t.testdir({
    'dir.json': {},
    'good.json': add,
    'gone.json': t.fixture('symlink', 'no'),
  });
  // A device, as good as a pipe: reading it never waits, so that this test would not either.
  fs.symlinkSync('/dev/null', join(folder, 'pipe.json'));
  fs.writeFileSync(join(folder, 'big.json'), ' '.repeat(fileBytesMax + 1));
  const problems = readServiceFolder(folder).map((file) => [file.name, ...file.problems]);
  t.match(problems, [
    ['big.json', /big\.json: its 1048577 bytes are more than the 1048576 allowed$/],
    ['dir.json', /dir\.json: it is no regular file$/],
    ['gone.json', /gone\.json: it cannot be read: ENOENT/],
    ['good.json'],
    ['pipe.json', /pipe\.json: it is no regular file$/],
  ]);
  t.end();
});

t.test(`of more than ${filesMax} files the last by name are refused`, (t) => {
  const names = Array.from({ length: filesMax + 2 }, (_, index) => `${10_000 + index}.json`);
  const empty = '{"services": []}';
  const folder = t.testdir(Object.fromEntries(names.map((name) => [name, empty])));
  const bad = readServiceFolder(folder).filter(({ problems }) => problems.length > 0);
  t.strictSame(
    bad.map(({ name }) => name),
    names.slice(filesMax),
  );
  t.match(bad[0]?.problems, [/there are 1002 files, and 1000 is the most/]);
  t.end();
});

t.test('a folder that is not there throws, a single file never does', (t) => {
  const gone = join(t.testdir(), 'gone');
  t.throws(() => readServiceFolder(gone), { code: 'ENOENT' });
  t.match(readServiceFile(gone), { wishes: [], problems: [/cannot be read: ENOENT/] });
  t.end();
});

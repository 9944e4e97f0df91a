/** validate: what people and programs are told about registration files, without any daemon. */
import { join } from 'node:path';
import t from 'tap';
import { disco } from './fixture.ts';

const add = '{"group": "math", "name": "add", "port": 5001}';
const two = `{"services": [${add.replace('5001', '5002')}, ${add.replace('5001', '5003')}]}`;

t.test('good files: a line each, and 0', async (t) => {
  const folder = t.testdir({ 'a.json': add, 'b.json': two });
  t.match(await disco(t, ['validate', folder]), {
    code: 0,
    stdout: `${folder}/a.json: ok, 1 instance\n${folder}/b.json: ok, 2 instances\n`,
    stderr: '',
  });
});

t.test('bad files: each mistake with its place, and 1', async (t) => {
  const bad = '{"group": "math",\n "port": 70000,\n "tagz": []}';
  const folder = t.testdir({ 'a.json': add, 'b.json': bad, 'c.json': add, 'd.txt': '{' });
  const { code, stdout } = await disco(t, ['validate', folder, join(folder, 'gone')]);
  t.equal(code, 1);
  t.strictSame(stdout.replaceAll(`${folder}/`, '').trimEnd().split('\n'), [
    'a.json: ok, 1 instance',
    'b.json, line 2, column 10, key port: got 70000, expected a whole number from 1 to 65535',
    'b.json, line 3, column 10, key tagz: is not known; did you mean tags?',
    'b.json, line 1, column 1: there is no key name',
    'c.json, line 1, column 1: math/add/port 5001 of this host is in a.json already',
    "gone: it cannot be read: ENOENT: no such file or directory, stat 'gone'",
  ]);
});

t.test('programs get the same as one document, or a line for each file', async (t) => {
  const folder = t.testdir({ 'a.json': add, 'b.json': '[]' });
  const [json, ndjson] = await Promise.all([
    disco(t, ['validate', folder, '-o', 'json']),
    disco(t, ['validate', folder, '-o', 'ndjson']),
  ]);
  const files = [
    { file: `${folder}/a.json`, instances: 1, problems: [] },
    { file: `${folder}/b.json`, instances: 0, problems: [/line 1, column 1: got a list/] },
  ];
  t.match(JSON.parse(json.stdout), { files });
  t.match(
    ndjson.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    files,
  );
  t.strictSame([json.code, ndjson.code], [1, 1]);
});

t.test('an empty folder is nothing wrong, no path at all is wrong usage', async (t) => {
  const empty = await disco(t, ['validate', t.testdir()]);
  t.match(empty, { code: 0, stdout: '', stderr: 'disco: no registration files there\n' });
  t.match(await disco(t, ['validate']), { code: 2, stderr: /missing required argument 'path'/ });
});

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { completionScript, shells } from '../../src/cli/completion-scripts.ts';

t.test('the path of the program is quoted, whatever is in it', (t) => {
  for (const shell of shells) {
    const script = completionScript(shell, "/a b/it's $HOME/disco.js");
    t.match(script, "'/a b/it'\\''s $HOME/disco.js'", shell);
    t.notMatch(script, 'PROGRAM', shell);
  }
  t.end();
});

for (const shell of shells)
  t.test(`${shell} finds nothing wrong with its script`, (t) => {
    const file = join(t.testdir(), 'script');
    fs.writeFileSync(file, completionScript(shell, '/bin/disco'));
    const { status, stderr, error } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    if (error !== undefined) t.comment(`not tried: there is no ${shell} here`);
    else t.strictSame({ status, stderr }, { status: 0, stderr: '' });
    t.end();
  });

import { spawnSync } from 'node:child_process';
import { test } from 'tap';
import { silentLog, type Log } from '../../src/base/log.ts';

const levels: readonly (keyof Log)[] = ['debug', 'info', 'warn', 'error'];

test('the silent log has every level', (t) => {
  t.strictSame(Object.keys(silentLog), levels);
  t.end();
});

test('the silent log writes nothing', (t) => {
  const log = import.meta.resolve('../../src/base/log.ts');
  const calls = levels.map((level) => `silentLog.${level}({ peer: 'p' }, 'said');`).join('');
  const script = `import { silentLog } from '${log}'; ${calls}`;
  const args = ['--input-type=module', '--eval', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  t.end();
});

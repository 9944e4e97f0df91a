/**
 * Rebuilds tap's Test class once after an install: npm brings it with the TypeScript plugin, which
 * .taprc leaves out because Node strips the types itself. tap would rebuild it too, but only after
 * its runner has already chosen the loaders for this run.
 */
import { spawnSync } from 'node:child_process';
import { t } from 'tap';

if (t.pluginSignature.split('\n').includes('@tapjs/typescript')) {
  const built = spawnSync('tap', ['build'], { encoding: 'utf8' });
  if (built.status !== 0) {
    process.stderr.write(`tap build failed:\n${built.stdout}${built.stderr}${built.error ?? ''}\n`);
    process.exitCode = 1;
  }
}

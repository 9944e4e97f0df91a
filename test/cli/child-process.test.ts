import { test } from 'tap';
import { Child } from '../../src/cli/child-process.ts';

test('a child tells its first line, and why when there is none', async (t) => {
  const version = new Child('the version', 'disco.js', ['version']);
  t.match(await version.firstLine(), /^disco \d+\.\d+\.\d+$/);
  const mistaken = new Child('a typo', 'disco.js', ['stat']);
  await t.rejects(mistaken.firstLine(), {
    exitCode: 1,
    message: /a typo did not start: .*unknown command 'stat'/,
  });
  t.throws(() => mistaken.assertRunning(), /a typo ended/);
});

test('stopping what has ended already is no error', async (t) => {
  const child = new Child('the version', 'disco.js', ['version']);
  await child.firstLine();
  await child.kill();
  await child.stop();
  t.equal(child.isRunning, false);
});

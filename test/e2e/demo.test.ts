import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { Cluster, eventually, patienceMs } from './cluster.ts';
import type { DiscoProcess } from './daemon-process.ts';

const demoMsMax = 30_000;
const answer = '(2 + 3) * 4 / 5 - 1 = 3';

/** Command lines of all processes that name the folder; every child of the demo does. */
function processesIn(folder: string): string[] {
  return commandLines().filter((line) => line.includes(folder));
}

function commandLines(): string[] {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' }).split('\n');
  return globSync('/proc/[0-9]*/cmdline').map((file) => {
    try {
      return readFileSync(file, 'utf8').replaceAll('\0', ' ');
    } catch {
      // It ended meanwhile.
      return '';
    }
  });
}

/** With a folder for temporary files of its own, but not for what Node.js keeps compiled there. */
function startDemo(cluster: Cluster, ...flags: readonly string[]): DiscoProcess {
  const cache = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'node-compile-cache');
  const env = { TMPDIR: cluster.directory, NODE_COMPILE_CACHE: cache };
  return cluster.run(['demo', ...flags], { env });
}

test(`the demo evaluates twice within ${demoMsMax} ms and leaves nothing behind`, async (t) => {
  const cluster = new Cluster(t);
  const demo = startDemo(cluster);
  await demo.printed('node-5  gossips on', patienceMs);
  t.not(processesIn(cluster.directory).length, 0, 'its processes are seen while it runs');
  const { code, stdout, stderr, afterMs } = await demo.ended;
  t.equal(code, 0, stderr);
  t.ok(afterMs <= demoMsMax, `after ${Math.round(afterMs)} ms`);
  t.equal(stdout.split('\n').filter((line) => line === answer).length, 2);
  t.match(stdout, /mul\(5, 4\) = 20 {2}on node-4/);
  t.match(stdout, /mul\(5, 4\) = 20 {2}on node-3/, 'after the kill the replica answers');
  const [first, second] = stdout.split('\n$ disco list --group math').slice(1);
  t.equal(first?.match(/^math\//gm)?.length, 6);
  t.equal(second?.match(/^math\//gm)?.length, 6);
  t.strictSame(processesIn(cluster.directory), []);
  t.strictSame(readdirSync(cluster.directory), []);
});

for (const [moment, text] of [
  ['while its first daemon starts', '5 daemons find each other'],
  ['while its other daemons start', '(the seed node)'],
  ['while its services start', 'Four services and an entrypoint register'],
  ['after a kill -9', '── kill -9'],
] as const) {
  test(`Ctrl-C ${moment} ends the demo and all that it started`, async (t) => {
    const cluster = new Cluster(t);
    const demo = startDemo(cluster);
    await demo.printed(text, patienceMs);
    await eventually('a child', () => processesIn(cluster.directory).length > 0);
    demo.signal('SIGINT');
    const { code, stderr } = await demo.ended;
    t.equal(code, 1);
    t.match(stderr, /^disco: interrupted$/m);
    t.notMatch(stderr, /^\s+at /m);
    t.strictSame(processesIn(cluster.directory), []);
    t.strictSame(readdirSync(cluster.directory), []);
  });
}

test('disco demo --stay stays up, and Ctrl-C ends it', async (t) => {
  const cluster = new Cluster(t);
  const demo = startDemo(cluster, '--stay');
  await demo.printed('npx disco list --addr', patienceMs);
  const address = /--addr (\S+)/.exec(demo.stdout)?.[1] ?? '';
  const list = await cluster.run(['list', '--addr', address, '--output', 'json']).ended;
  t.equal((JSON.parse(list.stdout) as { instances: unknown[] }).instances.length, 5);
  demo.signal('SIGINT');
  t.equal((await demo.ended).code, 1);
  t.strictSame(processesIn(cluster.directory), []);
  t.strictSame(readdirSync(cluster.directory), []);
});

test('a demo that is killed with -9 takes its daemons with it', async (t) => {
  const cluster = new Cluster(t);
  const demo = startDemo(cluster);
  await demo.printed('Evaluating through discovery', patienceMs);
  await demo.kill();
  await eventually('they have ended', () => processesIn(cluster.directory).length === 0);
});

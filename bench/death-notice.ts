/**
 * How long from the kill -9 of a daemon until the Watch of every other node tells that what it
 * registered is down.
 *
 *   node bench/death-notice.ts [--nodes 10] [--kills 20]
 *
 * Each victim is started again before the next one dies. Exits 1 when any notice takes 2 s.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/base/random.ts';
import * as bench from './propagation-cluster.ts';
import type { Bench } from './propagation-cluster.ts';

const boundMs = 2_000;
const patienceMs = 30_000;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '10' },
    kills: { type: 'string', default: '20' },
  },
});
const nodeCount = Number(values.nodes);
const kills = Number(values.kills);
const random = seededRandom(1);
const times: number[] = [];
const lasts: number[] = [];

await bench.withBench(nodeCount, async (scene) => {
  const { observers } = scene;
  for (const [index, observer] of observers.entries()) observer.register(`of-${index}`);
  const isKnown = (): boolean => observers.every(({ ups }) => ups.size === nodeCount);
  await bench.until('all is known', isKnown, patienceMs);
  console.log(`${nodeCount} daemons, ${kills} kills`);
  console.log(bench.machineFacts());
  console.log(`load average ${bench.loadAverage()} before`);
  for (let kill = 0; kill < kills; kill++) await killOne(scene);
  console.log(`load average ${bench.loadAverage()} after`);
});

console.log(`each other node:  ${bench.distribution(times)}`);
console.log(`the last of them: ${bench.distribution(lasts)}`);
const isGood = Math.max(...times) < boundMs && times.length === kills * (nodeCount - 1);
console.log(`${isGood ? 'PASS' : 'FAIL'}: every notice < ${boundMs} ms`);
if (!isGood) process.exitCode = 1;

/** Kills a random node but the seed node, and has it back. */
async function killOne(scene: Bench): Promise<void> {
  const { nodes, observers } = scene;
  const index = 1 + random.int(nodes.length - 1);
  const victim = nodes[index];
  const seed = nodes[0];
  if (victim === undefined || seed === undefined) throw new Error('there is no such node');
  const id = `of-${index}`;
  const others = observers.filter((_, place) => place !== index);
  for (const observer of others) {
    observer.downs.delete(id);
    observer.ups.delete(id);
  }
  const killedAt = process.hrtime.bigint();
  await victim.daemon.kill();
  await bench.until('noticed', () => others.every(({ downs }) => downs.has(id)), patienceMs);
  const notices = others.map(({ downs }) => bench.milliseconds((downs.get(id) ?? 0n) - killedAt));
  times.push(...notices);
  lasts.push(Math.max(...notices));
  nodes[index] = await bench.revive(scene, victim, seed.gossip);
  await victim.disco.close();
  await bench.until('it is back', () => others.every(({ ups }) => ups.has(id)), patienceMs);
  await bench.until('it is linked', () => bench.areLinked(nodes), patienceMs);
  const isWatching = (): boolean => observers.every(({ isFresh }) => isFresh);
  await bench.until('its observer watches again', isWatching, patienceMs);
}

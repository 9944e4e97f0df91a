/**
 * `disco demo`: the main job on one machine, each step shown as it happens.
 *
 *   node-1 entrypoint   node-2 add   node-3 sub   node-4 mul   node-5 div
 *
 * Then a replica of mul starts on node-3, and node-4 and its mul are killed -9: the others notice,
 * and mul is answered by the replica.
 */
import type { Instance } from '../client/instance.ts';
import { instanceAddress } from '../client/instance.ts';
import { DemoCluster } from './demo-cluster.ts';
import type { DemoNode } from './demo-cluster.ts';
import { CliError } from './exit.ts';
import { paint, print } from './output.ts';
import { instanceTable } from './read.ts';
import { follow } from './watch.ts';

const expression = '(2 + 3) * 4 / 5 - 1';
const nodeCount = 5;
/** Operation and number of the node beside which it runs. */
const placement = [
  ['add', 2],
  ['sub', 3],
  ['mul', 4],
  ['div', 5],
] as const;
const victim = 4;
const replica = ['mul', 3] as const;
const visibleTimeoutMs = 10_000;

interface Step {
  readonly operation: string;
  readonly left: number;
  readonly right: number;
  readonly value: number;
  readonly servedBy: string;
}

/** @throws CliError when a step does not succeed */
export async function runDemo({ isStaying }: { isStaying: boolean }): Promise<void> {
  const cluster = await DemoCluster.create();
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new CliError(1, 'interrupted')));
  });
  try {
    await Promise.race([play(cluster), interrupted]);
    if (isStaying) await stay(nodeNumber(cluster, 1), interrupted);
  } finally {
    await cluster.stop();
  }
  title('Everything is stopped and its data dirs are gone');
}

async function play(cluster: DemoCluster): Promise<void> {
  const startedMs = performance.now();
  await startDaemons(cluster);
  const services = await startServices(cluster);
  const { nodes } = cluster;
  await Promise.all(nodes.map((node) => seesAll(node, placement.length + 1)));
  await evaluate(nodeNumber(cluster, 1));
  await startReplica(cluster);
  title('The same list on every node');
  for (const number of [2, 5]) await showList(nodeNumber(cluster, number));
  await crash(cluster, services);
  await evaluate(nodeNumber(cluster, 1));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  title(`Done in ${seconds} s`);
}

async function startDaemons(cluster: DemoCluster): Promise<void> {
  title(`${nodeCount} daemons find each other through one seed node`);
  const seed = await cluster.startNode('node-1', 'none');
  print(`  node-1  gossips on ${seed.gossip}  (the seed node)`);
  const others = Array.from({ length: nodeCount - 1 }, (_, index) => `node-${index + 2}`);
  const started = await Promise.all(others.map((name) => cluster.startNode(name, seed.gossip)));
  for (const node of started) {
    const members = await waitFor(node, 'members', async () => {
      const alive = (await node.disco.members()).filter(({ state }) => state === 'alive');
      return alive.length === nodeCount ? alive : undefined;
    });
    print(`  ${node.name}  gossips on ${node.gossip}  joined: sees ${members.length} members`);
  }
}

async function startServices(
  cluster: DemoCluster,
): Promise<Map<string, { kill(): Promise<void> }>> {
  title('Four services and an entrypoint register, each at the daemon beside it');
  const children = new Map<string, { kill(): Promise<void> }>();
  const starting = placement.map(async ([operation, number]) => {
    const node = nodeNumber(cluster, number);
    const { child, line } = await cluster.startService(node, 'math-service.js', [operation]);
    children.set(`${operation}@${number}`, child);
    print(`  ${node.name}  ${line}`);
  });
  const front = nodeNumber(cluster, 1);
  const entrypoint = cluster.startService(front, 'entrypoint.js', []);
  const [{ line }] = await Promise.all([entrypoint, ...starting]);
  print(`  ${front.name}  ${line}`);
  return children;
}

async function startReplica(cluster: DemoCluster): Promise<void> {
  const [operation, number] = replica;
  const node = nodeNumber(cluster, number);
  title(`A second ${operation} starts`);
  const { line } = await cluster.startService(node, 'math-service.js', [operation]);
  print(`  ${node.name}  ${line}`);
  await Promise.all(cluster.nodes.map((each) => seesAll(each, placement.length + 2)));
}

/** Evaluates through whichever entrypoint discovery finds. */
async function evaluate(node: DemoNode): Promise<void> {
  title('Evaluating through discovery');
  const entrypoint = await node.disco.resolve('math/entrypoint');
  const { value, steps } = await askEntrypoint(entrypoint);
  const names = new Map((await node.disco.list({ group: 'math' })).instances.map(placeOf));
  for (const { operation, left, right, value: result, servedBy } of steps)
    print(`  ${operation}(${left}, ${right}) = ${result}  on ${names.get(servedBy) ?? servedBy}`);
  print(paint('bold', `${expression} = ${value}`));
}

async function askEntrypoint({ metadata }: Instance): Promise<{ value: number; steps: Step[] }> {
  const query = new URLSearchParams({ expression, trace: 'true' });
  const response = await fetch(`http://${metadata['http']}/evaluate?${query.toString()}`);
  const body = (await response.json()) as { value: number; steps: Step[]; message?: string };
  if (!response.ok)
    throw new CliError(1, `the entrypoint answered ${response.status}: ${body.message}`);
  return body;
}

async function crash(
  cluster: DemoCluster,
  services: ReadonlyMap<string, { kill(): Promise<void> }>,
): Promise<void> {
  const dying = nodeNumber(cluster, victim);
  title(`kill -9: ${dying.name} and the mul service beside it`);
  const others = cluster.nodes.filter((node) => node !== dying);
  const views = await Promise.all(
    others.map(async (node) => {
      const view = node.disco.watch({ group: 'math', name: 'mul' });
      await view.ready();
      return { node, view };
    }),
  );
  const killedMs = performance.now();
  const noticing = views.map(async ({ node, view }) => {
    const noticed = new Promise<void>((resolve) => {
      void follow(view, (change) => change.kind === 'down' && resolve());
    });
    await noticed;
    view.close();
    return { node, afterMs: performance.now() - killedMs };
  });
  await Promise.all([dying.daemon.kill(), services.get(`mul@${victim}`)?.kill()]);
  for (const { node, afterMs } of await Promise.all(noticing))
    print(`  ${node.name}  noticed after ${afterMs.toFixed(0)} ms`);
}

async function showList(node: DemoNode): Promise<void> {
  const { instances } = await node.disco.list({ group: 'math' });
  print(`$ disco list --group math            # as ${node.name} sees it`);
  print(instanceTable(instances));
}

/** Waits until a node's list holds as many instances of the group as were registered. */
async function seesAll(node: DemoNode, count: number): Promise<void> {
  const view = node.disco.watch({ group: 'math' });
  await view.ready();
  await waitFor(node, 'services', () =>
    Promise.resolve(view.instances().length === count ? true : undefined),
  );
  view.close();
}

async function waitFor<T>(
  node: DemoNode,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const endMs = performance.now() + visibleTimeoutMs;
  while (performance.now() < endMs) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  throw new CliError(1, `${node.name} did not see all ${what} within ${visibleTimeoutMs} ms`);
}

/** The daemons, whose handles are open, keep this process up. */
async function stay(node: DemoNode, interrupted: Promise<never>): Promise<void> {
  title('Staying up until interrupted; try');
  print(`  npx disco list --addr ${node.address}`);
  await interrupted;
}

function nodeNumber(cluster: DemoCluster, number: number): DemoNode {
  const node = cluster.nodes.find(({ name }) => name === `node-${number}`);
  if (node === undefined) throw new CliError(1, `node-${number} did not start`);
  return node;
}

function placeOf(instance: Instance): [string, string] {
  const address = instanceAddress(instance);
  return [address, `${instance.node} (${address})`];
}

function title(text: string): void {
  print(`\n${paint('bold', `── ${text}`)}`);
}

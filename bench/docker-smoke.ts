/**
 * npm run docker:smoke: the whole of docker-compose.yml for real, on the Docker engine of this
 * machine. Exits with 0 when every step held, prints what each took, and takes everything away
 * again (the image disco:smoke stays, for the next build).
 *
 *   npm run docker:smoke -- --nodes 5     fewer of the plain nodes; default: 20, which makes 26
 *   npm run docker:smoke -- --keep        leave the cluster up, and say how to take it away
 *   DISCO_BUILD_NETWORK=host npm run …    where a build has no other way to the npm registry
 */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { DockerCluster, type Container, type Member } from './docker-cluster.ts';

const expression = '(2 + 3) * 4 / 5 - 1';
const expected = 3;
const operations = ['add', 'sub', 'mul', 'div'];
/** Generous: 31 processes start at once, on whatever machine this is. */
const convergeMsMax = 240_000;
const noticeMsMax = 60_000;
const pollMs = 1_000;
/** `docker exec`s at once: each starts a process, and the daemons want the processors, too. */
const execsMax = 4;
const observersMax = 3;
/** A bridge network of Docker has no more addresses for them by default. */
const nodesMax = 200;

interface Flags {
  /** Of the service `node`; six daemons come on top. */
  readonly nodes: number;
  readonly isKept: boolean;
}

/** Runs one step and says what it took. `run` answers what there is to tell of it. */
async function step(title: string, run: () => Promise<string>): Promise<void> {
  const startMs = performance.now();
  process.stdout.write(`${title} …\n`);
  const told = await run();
  process.stdout.write(`  ok in ${seconds(performance.now() - startMs)}: ${told}\n`);
}

class Smoke {
  readonly #cluster: DockerCluster;
  readonly #nodes: number;
  #all: Container[] = [];
  /** Containers that run a daemon. */
  #daemons: Container[] = [];

  constructor(cluster: DockerCluster, nodes: number) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  async run(): Promise<void> {
    const total = this.#nodes + 2 + operations.length;
    await step('build the image', () => this.#build());
    await step(`start ${total} nodes, 4 math services and the entrypoint`, () => this.#up(total));
    await step('wait until every node sees every other alive', () => this.#converge());
    await step('list --group math on several nodes', () => this.#list());
    await step(`evaluate ${expression}`, () => this.#evaluate());
    await step('kill -9 the host of add', () => this.#kill());
    await step('bring it back', () => this.#revive());
    await step('stop the host of sub', () => this.#stop());
  }

  async #build(): Promise<string> {
    await this.#cluster.build();
    return 'disco:smoke';
  }

  async #up(total: number): Promise<string> {
    await this.#cluster.up(this.#nodes);
    this.#all = await this.#cluster.containers();
    this.#daemons = this.#all.filter(({ service }) => /^seed$|^node$|-node$/.test(service));
    check(this.#daemons.length === total, `${this.#daemons.length} of ${total} nodes are there`);
    const bytes = await this.#cluster.imageBytes(this.#one('seed'));
    return `${this.#all.length} containers of one image of ${Math.round(bytes / 1e6)} MB`;
  }

  /** Timed by what the daemons themselves noted, so the asking does not count. */
  async #converge(): Promise<string> {
    const total = this.#daemons.length;
    const isWhole = (members: readonly Member[]): boolean =>
      members.filter(({ state }) => state === 'alive').length === total;
    const seen = await this.#untilAll(this.#daemons, isWhole, convergeMsMax, (members) => {
      const states = Object.entries(Object.groupBy(members, ({ state }) => state));
      return states.map(([state, of]) => `${of?.length ?? 0} ${state}`).join(', ');
    });
    const wholeAtMs = Math.max(...seen.map((members) => lastChangeMs(members, 'alive')));
    const startsMs = await this.#each(this.#daemons, (each) => this.#cluster.startedAt(each));
    const sinceLastMs = wholeAtMs - Math.max(...startsMs);
    const sinceFirstMs = wholeAtMs - Math.min(...startsMs);
    const mistakes = await this.#each(this.#daemons, (each) => this.#cluster.foundDead(each));
    const mistaken = mistakes.reduce((sum, count) => sum + count, 0);
    return (
      `${total} nodes see ${total} alive, ${seconds(sinceLastMs)} after the last was started ` +
      `(${seconds(sinceFirstMs)} after the first); ${mistaken} times one was wrongly thought dead`
    );
  }

  async #list(): Promise<string> {
    const asked = ['seed', 'node', 'add-node', 'entrypoint-node'].map((name) => this.#one(name));
    const missing = (names: readonly string[]): string[] =>
      operations.filter((operation) => !names.includes(operation));
    for (const container of asked) {
      await until(`all four services on ${container.name}`, noticeMsMax, async () => {
        const listed = await this.#cluster.list(container, 'math');
        const lacking = missing(listed.map(({ name }) => name));
        return lacking.length === 0 ? undefined : `no ${lacking.join(', ')}`;
      });
    }
    const table = await this.#cluster.exec(this.#one('node'), ['disco', 'list', '--group', 'math']);
    process.stdout.write(`${table.replace(/^/gm, '    ')}\n`);
    return `add, sub, mul and div on ${asked.map(({ name }) => name).join(', ')}`;
  }

  async #evaluate(): Promise<string> {
    const host = await this.#cluster.published(this.#one('entrypoint-node'), 8080);
    await until('the entrypoint', noticeMsMax, () => answer(host));
    // From inside as well, where nobody but the node's own daemon is asked for the way.
    const command = ['entrypoint', '--trace', '--eval', expression];
    const printed = await this.#cluster.exec(this.#one('node'), command);
    process.stdout.write(`${printed.replace(/^/gm, '    ')}\n`);
    check(printed.endsWith(` = ${expected}`), `a node printed ${printed}`);
    return `${expected} over HTTP at ${host}, and on a node`;
  }

  /** The container of a daemon is the network of its host: killed, the host is gone from there. */
  async #kill(): Promise<string> {
    const victim = this.#one('add-node');
    const others = this.#daemons.filter(({ id }) => id !== victim.id);
    const observers = others.filter(({ service }) => service === 'node').slice(0, observersMax);
    const watches = observers.map((each) => this.#cluster.watch(each, 'math/add'));
    await bounded(Promise.all(watches.map(({ ready }) => ready)), 'the watches to be up to date');
    const atMs = performance.now();
    const wallMs = Date.now();
    await this.#cluster.docker(['kill', '--signal', 'KILL', victim.id]);
    const gone = bounded(Promise.all(watches.map((watch) => watch.gone)), 'a watch to tell');
    const tookMs = (await gone).map((goneMs) => goneMs - atMs);
    check(Math.min(...tookMs) > 0, 'math/add was gone before its host was killed');
    const seen = await this.#untilSeen(others, victim, 'dead');
    const listed = await this.#each(others, (each) => this.#cluster.list(each, 'math'));
    const stale = listed.filter((list) => list.some(({ name }) => name === 'add')).length;
    check(stale === 0, `${stale} nodes still list math/add`);
    return (
      `no longer listed after ${tookMs.map(seconds).join(', ')} as ${observers.length} watches ` +
      `saw it; dead on all ${others.length} others after ${seconds(seen - wallMs)}`
    );
  }

  async #revive(): Promise<string> {
    const startMs = performance.now();
    await this.#cluster.docker(['start', this.#one('add-node').id]);
    // A service joins the network of its host when it starts.
    await this.#cluster.docker(['restart', '--time', '2', this.#one('add').id]);
    const host = await this.#cluster.published(this.#one('entrypoint-node'), 8080);
    await until('the entrypoint', noticeMsMax, () => answer(host));
    return `${expression} = ${expected} again ${seconds(performance.now() - startMs)} after its start`;
  }

  async #stop(): Promise<string> {
    const leaver = this.#one('sub-node');
    const others = this.#daemons.filter(({ id }) => id !== leaver.id);
    const startMs = performance.now();
    const wallMs = Date.now();
    await this.#cluster.docker(['stop', leaver.id]);
    const stopMs = performance.now() - startMs;
    const code = await this.#cluster.docker(['inspect', '-f', '{{.State.ExitCode}}', leaver.id]);
    check(code === '0', `the daemon ended with exit code ${code}`);
    const seen = await this.#untilSeen(others, leaver, 'left');
    return (
      `docker stop took ${seconds(stopMs)}, exit code 0; ` +
      `left on all ${others.length} others after ${seconds(seen - wallMs)}`
    );
  }

  /** @returns when the last of the others learned of it, ms since the epoch */
  async #untilSeen(
    others: readonly Container[],
    { service }: Container,
    state: string,
  ): Promise<number> {
    const stateOf = (members: readonly Member[]): string =>
      members.find(({ name }) => name === service)?.state ?? 'not known';
    const isSeen = (members: readonly Member[]): boolean => stateOf(members) === state;
    const seen = await this.#untilAll(others, isSeen, noticeMsMax, stateOf);
    return Math.max(
      ...seen.map((members) =>
        lastChangeMs(
          members.filter(({ name }) => name === service),
          state,
        ),
      ),
    );
  }

  /** Asks until all hold at the same sweep. @returns what each said then */
  async #untilAll(
    containers: readonly Container[],
    holds: (members: readonly Member[]) => boolean,
    timeoutMs: number,
    describe: (members: readonly Member[]) => string,
  ): Promise<Member[][]> {
    let seen: Member[][] = [];
    await until('all nodes', timeoutMs, async () => {
      // One after the other until one does not hold: a sweep of all would slow all down.
      seen = [];
      for (let from = 0; from < containers.length; from += execsMax) {
        const some = containers.slice(from, from + execsMax);
        seen.push(...(await Promise.all(some.map((each) => this.#cluster.members(each)))));
        const bad = seen.findIndex((members) => !holds(members));
        if (bad >= 0) return `${containers[bad]?.name} sees ${describe(seen[bad] ?? [])}`;
      }
      return undefined;
    });
    return seen;
  }

  async #each<T>(
    containers: readonly Container[],
    ask: (container: Container) => Promise<T>,
  ): Promise<T[]> {
    const answers: T[] = [];
    for (let from = 0; from < containers.length; from += execsMax)
      answers.push(...(await Promise.all(containers.slice(from, from + execsMax).map(ask))));
    return answers;
  }

  #one(wanted: string): Container {
    const found = this.#all.find(({ service }) => service === wanted);
    check(found !== undefined, `there is no container of ${wanted}`);
    return found;
  }
}

/** @returns why the entrypoint does not give the right answer; undefined when it does */
async function answer(host: string): Promise<string | undefined> {
  const response = await fetch(`http://${host}/evaluate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ expression }),
  });
  const { value, message } = (await response.json()) as { value?: number; message?: string };
  return value === expected ? undefined : (message ?? `it answered ${value}`);
}

/** Tries until there is nothing wrong any more; a failing try is something wrong. */
async function until(
  what: string,
  timeoutMs: number,
  findFault: () => Promise<string | undefined>,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const fault = await findFault().catch((error: Error) => error.message);
    if (fault === undefined) return;
    if (performance.now() > endMs)
      throw new Error(`waited ${seconds(timeoutMs)} for ${what}: ${fault}`);
    await sleep(pollMs);
  }
}

async function bounded<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = sleep(noticeMsMax, undefined, { ref: false }).then(() => {
    throw new Error(`waited ${seconds(noticeMsMax)} for ${what}`);
  });
  return Promise.race([promise, late]);
}

/** When the node that told this learned of the last of these states, ms since the epoch. */
function lastChangeMs(members: readonly Member[], state: string): number {
  const others = members.filter((member) => !member.self && member.state === state);
  return Math.max(...others.map(({ stateSince }) => stateSince / 1_000));
}

function check(holds: boolean, fault: string): asserts holds {
  if (!holds) throw new Error(fault);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

async function clean(cluster: DockerCluster): Promise<void> {
  await step('take everything away', async () => {
    await cluster.down();
    const leftovers = await cluster.leftovers();
    check(leftovers.length === 0, `still there: ${leftovers.join(', ')}`);
    return 'no containers, networks or volumes are left; docker rmi disco:smoke for the image';
  });
}

function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '20' },
      keep: { type: 'boolean', default: false },
    },
  });
  const nodes = Number(values.nodes);
  const isInRange = Number.isInteger(nodes) && nodes >= 1 && nodes <= nodesMax;
  check(isInRange, `--nodes ${values.nodes}: expected 1 to ${nodesMax}`);
  return { nodes, isKept: values.keep };
}

async function main(): Promise<void> {
  const { nodes, isKept } = readFlags();
  const project = `disco-smoke-${process.pid}`;
  const cluster = await DockerCluster.open(project);
  process.stdout.write(`project ${project}, by ${cluster.composeCommand}\n`);
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
  });
  const startMs = performance.now();
  const failure = await Promise.race([new Smoke(cluster, nodes).run(), interrupted]).then(
    () => undefined,
    (error: Error) => error,
  );
  if (failure !== undefined) {
    process.stderr.write(`docker smoke: FAILED: ${failure.message}\n`);
    const file = join(tmpdir(), `${project}.log`);
    await writeFile(file, await cluster.logs().catch((error: Error) => error.message));
    process.stderr.write(`what the containers logged is in ${file}\n`);
    process.exitCode = 1;
  }
  if (isKept)
    process.stdout.write(`still up; to end it: ${cluster.composeCommand} -p ${project} down -v\n`);
  else await clean(cluster);
  if (failure === undefined)
    process.stdout.write(`docker smoke: passed in ${seconds(performance.now() - startMs)}\n`);
}

await main().catch((error: Error) => {
  process.stderr.write(`docker smoke: FAILED: ${error.message}\n`);
  process.exitCode = 1;
});
// A step that was interrupted may still be waiting.
process.exit();

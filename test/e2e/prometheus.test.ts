/** Debian's Prometheus against five daemons, with the alerts and the dashboard of the examples. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test, type Test } from 'tap';
import { Cluster, eventually, type Node } from './cluster.ts';
import { freePort } from './daemon-process.ts';
import { alertExpressions, dashboardExpressions } from './monitoring-files.ts';
import { isInstalled, prometheusFile, rulesFile } from './monitoring-files.ts';

const skip = isInstalled('prometheus') && isInstalled('promtool') ? false : 'no prometheus on PATH';

interface Target {
  readonly health: string;
  readonly scrapePool: string;
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/** A Prometheus of its own, gone with the test. */
class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  static async start(t: Test, cluster: Cluster, config: string): Promise<Prometheus> {
    const folder = cluster.folder('prometheus');
    const address = `127.0.0.1:${await freePort()}`;
    writeFileSync(`${folder}/prometheus.yml`, config);
    mkdirSync(`${folder}/data`);
    const child = spawn(
      'prometheus',
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.on(
      'data',
      (chunk: Buffer) => void (said = (said + chunk.toString()).slice(-4_000)),
    );
    const ended = once(child, 'exit');
    t.teardown(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const prometheus = new Prometheus(`http://${address}`);
    await eventually('Prometheus is ready', async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended:\n${said}`);
      const response = await fetch(`http://${address}/-/ready`).catch(() => undefined);
      return response?.ok === true;
    });
    return prometheus;
  }

  async targets(): Promise<readonly Target[]> {
    const { activeTargets } = await this.#get<{ activeTargets: Target[] }>('targets');
    return activeTargets;
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.#get<{ groups: { rules: Rule[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  /** How many series an expression has now. @throws Error with Prometheus' words */
  async count(expression: string): Promise<number> {
    const query = `query?query=${encodeURIComponent(expression)}`;
    return (await this.#get<{ result: unknown[] }>(query)).result.length;
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as Record<string, unknown>;
    if (status !== 'success') throw new Error(`${path}: ${String(error)}`);
    return data as T;
  }
}

/** Everything twice: named by hand, and found through what is registered. */
function configOf(http: readonly string[]): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [rulesFile],
    scrape_configs: [
      { job_name: 'disco', static_configs: [{ targets: http }] },
      {
        job_name: 'registered',
        http_sd_configs: [
          { url: `http://${http[0]}/v1/prometheus/targets?group=disco`, refresh_interval: '1s' },
        ],
        relabel_configs: [
          { source_labels: ['__meta_disco_node'], target_label: 'node' },
          { source_labels: ['__meta_disco_name'], target_label: 'service' },
        ],
      },
    ],
  });
}

/** A daemon registers its own HTTP port, as a registration file would. */
async function registerItself({ stub }: Node, http: string): Promise<void> {
  const port = Number(http.replace(/.*:/, ''));
  const endpoints = [{ name: 'metrics', port }];
  const checks = [{ kind: 1, intervalMs: 1_000 }];
  const itself = { group: 'disco', name: 'daemon', ip: '127.0.0.1', port, endpoints, checks };
  await stub.unary('Register', itself);
}

test('the files are what promtool takes', { skip }, (t) => {
  const check = (...args: string[]): string =>
    execFileSync('promtool', ['check', ...args], { encoding: 'utf8', timeout: 20_000 });
  t.match(check('rules', rulesFile), /SUCCESS: \d\d rules found/);
  t.match(check('config', prometheusFile), /SUCCESS: .*prometheus\.yml is valid/);
  t.end();
});

test(
  'Prometheus finds and scrapes five daemons, and every expression evaluates',
  { skip, timeout: 120_000 },
  async (t) => {
    const cluster = new Cluster(t);
    const names = ['one', 'two', 'three', 'four', 'five'];
    const nodes = await cluster.startMany(names, { args: ['--http', '127.0.0.1:0'] });
    const http = await Promise.all(nodes.map(async ({ disco }) => (await disco.status()).http));
    for (const [index, node] of nodes.entries()) await registerItself(node, http[index] ?? '');
    await nodes[0]?.sees((instances) => instances.length === nodes.length);
    const prometheus = await Prometheus.start(t, cluster, configOf(http));

    let targets: readonly Target[] = [];
    await eventually('every target is up', async () => {
      targets = await prometheus.targets();
      return targets.length === 10 && targets.every(({ health }) => health === 'up');
    });
    const found = targets.filter(({ scrapePool }) => scrapePool === 'registered');
    t.strictSame(new Set(found.map(({ labels }) => labels['node'])), new Set(names));
    t.ok(found.every(({ labels }) => labels['service'] === 'daemon'));

    await nodes[1]?.stub.unary('Get', { group: 'no', name: 'such' }).catch(() => undefined);
    const expressions = dashboardExpressions();
    // What it shows only while there is trouble may be empty.
    const expected = expressions.filter(({ text }) => !text.endsWith('> 0'));
    let empty: string[] = [];
    await eventually('every panel has something to show', async () => {
      empty = [];
      for (const { where, text } of expected)
        if ((await prometheus.count(text)) === 0) empty.push(where);
      return empty.length === 0;
    }).catch((error: unknown) => t.fail(`empty: ${empty.join(', ')}; ${String(error)}`));
    for (const { text } of [...expressions, ...alertExpressions()]) await prometheus.count(text);

    let rules: readonly Rule[] = [];
    await eventually('every rule was evaluated', async () => {
      rules = await prometheus.rules();
      return rules.length > 0 && rules.every(({ health }) => health !== 'unknown');
    });
    t.equal(rules.length, alertExpressions().length);
    t.strictSame(
      rules.filter(({ health }) => health !== 'ok'),
      [],
    );
  },
);

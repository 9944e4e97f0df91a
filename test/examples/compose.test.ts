/** examples/compose: the file as Docker reads it, and its service on three daemons of loopback. */
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { parse } from 'yaml';
import { instanceAddress } from '../../src/client/index.ts';
import { Cluster } from '../e2e/cluster.ts';
import { exampleFile, ExampleProcess, hasProgram, runExample } from './example-process.ts';

interface Service {
  readonly network_mode?: string;
  readonly hostname?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly entrypoint?: readonly string[];
}

const file = exampleFile('compose/docker-compose.yml');
const withoutCompose = (await hasProgram('docker-compose'))
  ? false
  : 'there is no docker-compose here: apt-get install docker-compose';

function readServices(): Map<string, Service> {
  const document = parse(readFileSync(file, 'utf8'), { merge: true }) as {
    services: Record<string, Service>;
  };
  return new Map(Object.entries(document.services));
}

test('each of three hosts is a daemon and a service in one network', (t) => {
  const services = readServices();
  const hosts = [...services].filter(([, { network_mode }]) => network_mode === undefined);
  const others = [...services].filter(([, { network_mode }]) => network_mode !== undefined);
  t.strictSame(
    others.map(([, { network_mode }]) => network_mode),
    hosts.map(([name]) => `service:${name}`),
  );
  t.equal(hosts.length, 3);
  for (const [name, { hostname, volumes }] of hosts) {
    t.equal(hostname, name);
    t.strictSame(volumes, [`${name}:/var/lib/disco`], 'it keeps its key');
  }
  for (const [, { volumes, entrypoint }] of others)
    t.equal(volumes[0], `./web.js:${entrypoint?.[1]}:ro`);
  t.end();
});

test('the daemons of the hosts take their settings', async (t) => {
  const cluster = new Cluster(t);
  const { environment } = readServices().get('host-a') as Service;
  const env = { ...environment, DISCO_DATA_DIR: cluster.path('data') };
  const printed = await cluster.run(['start', '--print-config'], { env }).ended;
  t.equal(printed.code, 0, printed.stderr);
  for (const [variable, value] of Object.entries(environment))
    for (const part of value.split(','))
      t.match(printed.stdout, part.split('/')[2] ?? part, `${variable} ${part}`);
});

test('docker-compose takes the file', { skip: withoutCompose }, async (t) => {
  const { code, output } = await new ExampleProcess(t, [
    'docker-compose',
    '--file',
    file,
    'config',
    '--services',
  ]).ended;
  t.equal(code, 0, output);
  t.strictSame(output.split('\n').toSorted(), [...readServices().keys()].toSorted());
});

test('a service reaches its likes through the daemon beside it', async (t) => {
  const cluster = new Cluster(t);
  const nodes = await cluster.startMany(['a', 'b', 'c']);
  const webs = nodes.map((node) => runExample(t, node, ['compose/web.js'], { PORT: '0' }));
  const ports = await Promise.all(
    webs.map(async (web) => (await web.printed(/^demo\/web is served at port (\d+)$/))[1] ?? ''),
  );
  await Promise.all(
    nodes.map((node) =>
      node.sees((all) => all.filter(({ health }) => health === 'passing').length === 3),
    ),
  );
  const { instance } = await (nodes[0] as (typeof nodes)[0]).disco.get('demo', 'web');
  const asked = new Set<string>();
  for (let call = 0; call < 30; call += 1) {
    const response = await fetch(`http://${instanceAddress(instance)}/ask`);
    const [, port = ''] = /asked, \S+:(\d+) answers/.exec(await response.text()) ?? [];
    asked.add(port);
  }
  t.strictSame([...asked].toSorted(), ports.toSorted());
  t.equal((await webs[2]?.stop())?.code, 0);
  await Promise.all(nodes.map((node) => node.sees((all) => all.length === 2)));
});

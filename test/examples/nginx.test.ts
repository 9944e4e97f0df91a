/**
 * examples/nginx: nginx itself, in front of instances that come and go; where there is one. The
 * variable NGINX_PROGRAM names another than that of the system.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { test, type Test } from 'tap';
import { Cluster, eventually, type Node } from '../e2e/cluster.ts';
import { freePort } from '../e2e/daemon-process.ts';
import { exampleFile, ExampleProcess, hasProgram } from './example-process.ts';

const nginx = process.env['NGINX_PROGRAM'] ?? 'nginx';
const withoutNginx = (await hasProgram(nginx))
  ? false
  : 'there is no nginx here: apt-get install nginx-light';
const withoutSrv =
  withoutNginx === false && !(await resolvesSrv())
    ? 'this nginx is older than 1.27.3, it does not ask for SRV records'
    : withoutNginx;

/** The first version with `resolver` and `resolve` in `upstream`. */
async function resolvesSrv(): Promise<boolean> {
  const { stderr } = await promisify(execFile)(nginx, ['-v']);
  const [major = 0, minor = 0, patch = 0] = (/nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1] ?? '0')
    .split('.')
    .map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_027_003;
}

interface TextServer {
  readonly port: number;
  readonly stop: () => void;
}

async function serveText(t: Test, host: string, port: number, text: string): Promise<TextServer> {
  const server = createServer((_, response) => response.end(text));
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  t.teardown(stop);
  return { port: bound, stop };
}

async function startDaemon(t: Test): Promise<{ cluster: Cluster; node: Node; dns: string }> {
  const cluster = new Cluster(t);
  const node = await cluster.start('host', { args: ['--dns', '127.0.0.1:0'] });
  const { dns } = JSON.parse(readFileSync(`${node.dataDir}/daemon.json`, 'utf8')) as {
    dns: string;
  };
  return { cluster, node, dns };
}

/** The example as it is, but for the addresses in it. @returns where nginx answers */
async function startNginx(
  t: Test,
  cluster: Cluster,
  file: string,
  addresses: Readonly<Record<string, string>>,
): Promise<string> {
  const listen = `127.0.0.1:${await freePort()}`;
  let text = readFileSync(exampleFile(`nginx/${file}`), 'utf8');
  for (const [from, to] of Object.entries({ ...addresses, '127.0.0.1:8080': listen })) {
    if (!text.includes(from)) throw new Error(`${file} does not say ${from}`);
    text = text.replaceAll(from, to);
  }
  const prefix = cluster.folder('nginx');
  for (const name of ['logs', 'tmp']) mkdirSync(`${prefix}/${name}`);
  writeFileSync(
    `${prefix}/nginx.conf`,
    `daemon off;
master_process off;
pid ${prefix}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${prefix}/tmp/${kind};`)
    .join('\n  ')}
  ${text}
}
`,
  );
  const server = new ExampleProcess(t, [nginx, '-p', prefix, '-c', `${prefix}/nginx.conf`]);
  const answers = async (): Promise<boolean> =>
    fetch(`http://${listen}/`).then(
      () => true,
      () => false,
    );
  const ended = server.ended.then(({ output }) => {
    throw new Error(`nginx ended: ${output}`);
  });
  ended.catch(() => undefined);
  await Promise.race([ended, eventually('nginx answers', answers)]);
  return `http://${listen}/`;
}

/** Until exactly these answer, in a row long enough for each to be asked; all others are failures. */
async function servedBy(t: Test, url: string, ...texts: readonly string[]): Promise<void> {
  const statuses = new Set<number>();
  await eventually(`${texts.join()} answer`, async () => {
    const answers = new Set<string>();
    for (let call = 0; call < 8 * texts.length; call += 1) {
      const response = await fetch(url);
      statuses.add(response.status);
      answers.add(await response.text());
    }
    return [...answers].toSorted().join() === texts.toSorted().join();
  });
  t.strictSame([...statuses], [200], `no call failed until ${texts.join()} answered`);
}

test(
  'the instances that nginx asks by A records come and go',
  { skip: withoutNginx },
  async (t) => {
    const { cluster, node, dns } = await startDaemon(t);
    const one = await serveText(t, '127.0.0.1', 0, 'one');
    const { port } = one;
    const two = await serveText(t, '127.0.0.2', port, 'two');
    await serveText(t, '127.0.0.3', port, 'three');
    const register = (ip: string) =>
      node.stub.unary('Register', { group: 'shop', name: 'web', ip, port });
    const deregister = (instanceId: string) =>
      node.disco.deregister({ group: 'shop', name: 'web', instanceId });

    await register('127.0.0.1');
    await register('127.0.0.2');
    const addresses = { '127.0.0.1:7953': dns, ':8000': `:${port}` };
    const url = await startNginx(t, cluster, 'disco.conf', addresses);
    await servedBy(t, url, 'one', 'two');
    await register('127.0.0.3');
    await servedBy(t, url, 'one', 'two', 'three');
    for (const server of [one, two]) server.stop();
    await deregister(`127.0.0.1:${port}`);
    await deregister(`127.0.0.2:${port}`);
    await servedBy(t, url, 'three');
  },
);

test(
  'nginx follows SRV records, each instance at its own port',
  { skip: withoutSrv },
  async (t) => {
    const { cluster, node, dns } = await startDaemon(t);
    const [one, two, three] = await Promise.all([
      serveText(t, '127.0.0.1', 0, 'one'),
      serveText(t, '127.0.0.1', 0, 'two'),
      serveText(t, '127.0.0.1', 0, 'three'),
    ]);
    const register = ({ port }: TextServer) => node.register({ group: 'shop', name: 'web', port });
    await register(one);
    await register(two);
    const url = await startNginx(t, cluster, 'disco-srv.conf', { '127.0.0.1:7953': dns });
    await servedBy(t, url, 'one', 'two');
    await register(three);
    await servedBy(t, url, 'one', 'two', 'three');
    for (const { port, stop } of [one, two]) {
      stop();
      await node.disco.deregister({ group: 'shop', name: 'web', ip: '127.0.0.1', port });
    }
    await servedBy(t, url, 'three');
  },
);

test('what the SRV example has nginx ask for is known to the daemon', async (t) => {
  const { node, dns } = await startDaemon(t);
  await node.register({ group: 'shop', name: 'web', port: 8_001 });
  const text = readFileSync(exampleFile('nginx/disco-srv.conf'), 'utf8');
  const [, name, service] = /server (\S+) service=(\S+) resolve;/.exec(text) ?? [];
  const resolver = new Resolver();
  resolver.setServers([dns]);
  const [record] = await resolver.resolveSrv(`_${service}._tcp.${name}`);
  t.match(record, { port: 8_001, weight: 100 });
  t.strictSame(await resolver.resolve4(record?.name ?? ''), ['127.0.0.1']);
});

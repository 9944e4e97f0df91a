/** doctor: each of the common mistakes is made, found, and its mend is told. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Finding } from '../../src/cli/finding.ts';
import { parseAddress } from '../../src/base/address.ts';
import { disco, newFolder, serveApi, startDaemon } from './fixture.ts';
import type { RunOptions } from './fixture.ts';

interface Report {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

interface Told extends Report {
  readonly code: number | null;
  readonly of: (check: string) => Finding | undefined;
}

/** Flags of a daemon that would find all its ports free. */
const anyPorts = ['--listen', '127.0.0.1:0', '--grpc', 'unix:disco.sock', '--http', 'off'];

async function doctor(t: Test, args: readonly string[], options: RunOptions = {}): Promise<Told> {
  const { code, stdout, stderr } = await disco(t, ['doctor', '-o', 'json', ...args], options);
  t.equal(stderr, '');
  const report = JSON.parse(stdout) as Report;
  const of = (name: string): Finding | undefined =>
    report.findings.find(({ check }) => check === name);
  return { ...report, code, of };
}

t.test('a daemon in good health: nothing is wrong, and the exit code is 0', async (t) => {
  const { config } = await startDaemon(t);
  const args = ['--data-dir', config.dataDir, '--seeds', 'none'];
  const told = await doctor(t, args);
  t.match(told, { code: 0, ok: true });
  t.strictSame(
    told.findings.filter(({ verdict }) => verdict === 'wrong'),
    [],
  );
  const { code, stdout } = await disco(t, ['doctor', ...args]);
  t.equal(code, 0);
  t.match(stdout, /^ok +node +Node\.js \d/);
  t.match(stdout, /^ok +daemon +node-1 runs with pid \d+/m);
  const lines = await disco(t, ['doctor', ...args, '-o', 'ndjson']);
  const first = JSON.parse(lines.stdout.split('\n')[0] ?? '') as Finding;
  t.match(first, { check: 'node', verdict: 'ok', mend: '' });
});

t.test('no daemon: it says so, how to start one, and looks at the rest', async (t) => {
  const dataDir = join(newFolder(t), 'data');
  const told = await doctor(t, ['--data-dir', dataDir, ...anyPorts, '--seeds', 'none']);
  t.match(told, { code: 1, ok: false });
  t.match(told.of('daemon'), { verdict: 'wrong', mend: 'start one: disco start' });
  t.match(told.of('data-dir'), {
    verdict: 'ok',
    what: `${dataDir} will be made at the first start`,
  });
  t.match(told.of('ports'), { verdict: 'ok' });
  t.equal(fs.existsSync(dataDir), false, 'it changes nothing');
  const { code, stdout } = await disco(t, ['doctor', '--data-dir', dataDir, ...anyPorts]);
  t.equal(code, 1);
  t.match(
    stdout,
    /^WRONG +daemon +no disco daemon answers.*\n {21}mend: start one: disco start\n/m,
  );
});

t.test('a port that another process has is named, with its flag', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['--data-dir', newFolder(t), '--listen', address, '--grpc', 'off', '--http', 'off'];
  const told = await doctor(t, args);
  t.match(told.of('ports'), {
    verdict: 'wrong',
    what: `gossip ${address} is taken by another process`,
    mend: /ss -ltnp.*--listen/,
  });
});

t.test('an address that others are told and nobody answers at is found', async (t) => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const { config } = await startDaemon(t, { change: { advertise: [`127.0.0.1:${port}`] } });
  const told = await doctor(t, ['--data-dir', config.dataDir, '--seeds', 'none']);
  t.match(told.of('ports'), {
    verdict: 'wrong',
    what: `nobody answers at gossip 127.0.0.1:${port}: nobody listens there`,
    mend: /--advertise/,
  });
});

t.test('seed nodes that do not answer, and names that are not known, are listed', async (t) => {
  const { config } = await startDaemon(t);
  const seeds = '127.0.0.1:1,no-such-host.invalid:7001';
  const told = await doctor(t, ['--data-dir', config.dataDir, '--seeds', seeds]);
  t.equal(told.code, 1);
  t.match(told.of('seeds'), {
    verdict: 'wrong',
    what: /^2 of 2 seed nodes did not answer: 127\.0\.0\.1:1 \(nobody listens there\), no-such-host/,
  });
  t.match(told.of('dns'), {
    verdict: 'wrong',
    what: /no-such-host\.invalid/,
    mend: /resolv\.conf/,
  });
});

t.test('a daemon that tells others to dial loopback, with a seed node elsewhere', async (t) => {
  const { config } = await startDaemon(t);
  const told = await doctor(t, ['--data-dir', config.dataDir, '--seeds', '203.0.113.9:7001']);
  t.match(told.of('advertise'), {
    verdict: 'wrong',
    what: /which only this host can, while the seed node 203\.0\.113\.9:7001 is on another$/,
    mend: /--advertise/,
  });
});

t.test('a seed node of another cluster is told by its refusals', async (t) => {
  const other = await startDaemon(t, { change: { cluster: 'other' } });
  const [listen = ''] = other.daemon.describe().listen;
  const seeds = [parseAddress(listen)];
  const { config, stub } = await startDaemon(t, { seeds });
  const wasRefused = async (): Promise<boolean> =>
    Number((await stub.unary('Status', {})).refused['WRONG_CLUSTER'] ?? 0) > 0;
  while (!(await wasRefused()));
  const told = await doctor(t, ['--data-dir', config.dataDir, '--seeds', 'none']);
  // Hardly linked to anybody: but the link that is refused may count at that very moment.
  t.match(told.of('cluster'), {
    verdict: /^(wrong|warning)$/,
    what: /of cluster "default", and nodes of another cluster were refused$/,
    mend: /--cluster/,
  });
});

t.test('a seeds file of another cluster is a mistake of the configuration', async (t) => {
  const folder = newFolder(t);
  const file = join(folder, 'seeds.json');
  fs.writeFileSync(file, '{"cluster": "prod", "seeds": ["10.0.0.7:7001"]}');
  const args = ['--data-dir', join(folder, 'd'), ...anyPorts, '--seeds', file, '--cluster', 'test'];
  const told = await doctor(t, args);
  t.match(told.of('config'), { verdict: 'wrong', what: /is for cluster prod/ });
});

t.test(
  'a data dir, or a key, that is open to others is told with the command to run',
  async (t) => {
    const [shared, leaky] = [newFolder(t), newFolder(t)];
    fs.chmodSync(shared, 0o777);
    fs.writeFileSync(join(leaky, 'key'), 'k', { mode: 0o644 });
    const [first, second] = await Promise.all([
      doctor(t, ['--data-dir', shared, ...anyPorts]),
      doctor(t, ['--data-dir', leaky, ...anyPorts]),
    ]);
    t.match(first.of('data-dir'), { verdict: 'wrong', mend: `chmod go-w ${shared}` });
    t.match(second.of('data-dir'), {
      verdict: 'wrong',
      mend: new RegExp(`^chmod 600 ${leaky}/key;`),
    });
  },
);

t.test(
  'the clock of this host, and a member of another release, as the daemon tells',
  async (t) => {
    const { node, run } = await serveApi(t);
    const why =
      "reconciled with a peer; the clock of this host is 3 days behind its peers': this node goes by theirs; set it";
    node.control.state = { isReady: true, why };
    node.control.description = { ...node.control.description, version: '9.9.9' };
    const { code, stdout } = await run('doctor', '-o', 'json');
    const { findings } = JSON.parse(stdout) as Report;
    const of = (name: string) => findings.find(({ check }) => check === name);
    t.equal(code, 1);
    t.match(of('clock'), { verdict: 'wrong', what: /^the clock of this host is 3 days behind/ });
    t.match(of('versions'), {
      verdict: 'warning',
      what: /not of release 9\.9\.9: node-1 0\.1\.0$/,
    });
  },
);

/** Runs a command in a shell of which something was taken away first. */
function inShell(before: string, dataDir: string): Report {
  const program = new URL('../../bin/disco.js', import.meta.url).pathname;
  const line = [process.execPath, program, 'doctor', '-o', 'json', '--data-dir', dataDir];
  const { stdout, status, stderr } = spawnSync(
    'sh',
    ['-c', `${before} && exec "$0" "$@"`, ...line, ...anyPorts, '--seeds', 'none'],
    { encoding: 'utf8', cwd: '/', env: { PATH: process.env['PATH'], HOME: '/nonexistent' } },
  );
  if (stdout === '') throw new Error(`it said nothing (${status}): ${stderr}`);
  return JSON.parse(stdout) as Report;
}

const onLinux = process.platform === 'linux' ? false : 'only Linux tells';

t.test('too few open files are found', { skip: onLinux }, (t) => {
  const report = inShell('ulimit -n 200', join(newFolder(t), 'd'));
  const found = report.findings.find(({ check }) => check === 'open-files');
  t.match(found, { verdict: 'wrong', what: /^only 200 files/, mend: /LimitNOFILE=/ });
  t.end();
});

/** A disk of a megabyte; undefined where nothing may be mounted. */
function smallDisk(t: Test): string | undefined {
  const folder = newFolder(t);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (status !== 0) return undefined;
  t.teardown(() => void spawnSync('umount', [folder]));
  return folder;
}

t.test('a full disk is found', (t) => {
  const folder = smallDisk(t);
  if (folder === undefined) t.comment('not tried: nothing may be mounted here');
  else {
    const found = inShell('true', folder).findings.find(({ check }) => check === 'disk');
    t.match(found, { verdict: 'wrong', what: /is full: [01] MiB left$/, mend: /free some space/ });
  }
  t.end();
});

t.test('an address that is none is wrong usage, and no finding', async (t) => {
  const { code, stderr } = await disco(t, ['doctor', '--addr', 'nonsense']);
  t.equal(code, 2);
  t.match(stderr, /^disco: the address option: "nonsense" is no daemon address/);
});

import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import * as look from '../../src/cli/doctor-look.ts';
import { defaults } from '../../src/daemon/config-options.ts';
import { status } from './doctor-fixture.ts';
import { newFolder } from './fixture.ts';

/** A port of loopback that somebody listens on, until the test is over. */
async function heldPort(t: Test): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** One that was free a moment ago. */
async function freedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const multiaddr = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`;

t.test(
  'ports of a daemon that runs are dialed, and its own way to say any is understood',
  async (t) => {
    const [held, freed] = [await heldPort(t), await freedPort()];
    const found = await look.dialPorts({
      ...status,
      advertise: [multiaddr(held), multiaddr(freed)],
      http: `0.0.0.0:${held}`,
    });
    t.match(found, [
      {
        what: 'gossip',
        flag: '--advertise',
        address: `127.0.0.1:${held}`,
        state: 'answers',
        problem: '',
      },
      { state: 'silent', problem: 'nobody listens there' },
      { what: 'HTTP', flag: '--http', address: `0.0.0.0:${held}`, state: 'answers' },
    ]);
    t.strictSame(await look.dialPorts({ ...status, advertise: [], http: 'off' }), []);
  },
);

t.test('ports of a daemon to come are tried, and given back', async (t) => {
  const [held, freed] = [await heldPort(t), await freedPort()];
  const config = {
    ...defaults,
    listen: [`127.0.0.1:${freed}`],
    grpc: [`127.0.0.1:${held}`, 'unix:/nonexistent/s'],
    http: '203.0.113.1:0',
  };
  const [first, second] = [await look.tryPorts(config), await look.tryPorts(config)];
  t.strictSame(first, second);
  t.match(first, [
    { what: 'gossip', flag: '--listen', state: 'free', problem: '' },
    { what: 'gRPC', flag: '--grpc', state: 'taken' },
    { what: 'HTTP', state: 'unusable', problem: 'no interface of this host has that address' },
  ]);
  t.equal(first.length, 3);
});

t.test('seed nodes are looked up and dialed', async (t) => {
  const [held, freed] = [await heldPort(t), await freedPort()];
  const found = await look.lookAtSeeds([
    { host: '127.0.0.1', port: held },
    { host: 'localhost', port: held },
    { host: '127.0.0.1', port: freed },
    { host: 'no-such-host.invalid', port: 1 },
  ]);
  t.match(found, [
    { ips: ['127.0.0.1'], isReached: true, problem: '' },
    { isReached: true },
    { isReached: false, problem: 'nobody listens there' },
    {
      ips: [],
      isReached: false,
      problem: /^(there is no such name|no name server answers|no answer)/,
    },
  ]);
  t.ok(found[1]?.ips.includes('127.0.0.1'));
});

t.test('a data dir that is there is described as it is', (t) => {
  const path = newFolder(t);
  fs.chmodSync(path, 0o750);
  fs.writeFileSync(join(path, 'key'), 'k', { mode: 0o600 });
  fs.writeFileSync(join(path, 'lock.pid'), `${process.pid}\n`);
  const found = look.lookAtDataDir(path);
  t.match(found, { path, state: 'there', isWritable: true, holder: process.pid });
  t.equal(found.mode & 0o777, 0o750);
  t.equal((found.keyMode ?? 0) & 0o777, 0o600);
  t.end();
});

t.test('a pid in the lock that is none, or of nobody, holds nothing', (t) => {
  const path = newFolder(t);
  for (const text of ['', 'x', '0', '-1', '4194305']) {
    fs.writeFileSync(join(path, 'lock.pid'), text);
    t.equal(look.lookAtDataDir(path).holder, undefined, text);
  }
  t.end();
});

t.test('a data dir that is not there is where it could be made, or could not', (t) => {
  const path = join(newFolder(t), 'a', 'b');
  t.match(look.lookAtDataDir(path), { state: 'absent', isWritable: true, keyMode: undefined });
  t.equal(look.lookAtDisk(path)?.path, join(path, '..', '..'));
  t.match(look.lookAtDataDir('/proc/none/x'), { state: 'absent' });
  const file = join(newFolder(t), 'file');
  fs.writeFileSync(file, '');
  t.match(look.lookAtDataDir(file), { state: 'no-folder', isWritable: false });
  t.end();
});

t.test('the disk tells what is free', (t) => {
  const path = newFolder(t);
  const found = look.lookAtDisk(path);
  t.equal(found?.path, path);
  t.ok((found?.freeBytes ?? 0) > 0);
  t.end();
});

const onLinux = process.platform === 'linux' ? false : 'only Linux tells';

t.test(
  'the limit of open files, and how many are, is that of the process',
  { skip: onLinux },
  (t) => {
    const before = look.lookAtOpenFiles(process.pid);
    const handles = Array.from({ length: 5 }, () => fs.openSync('/dev/null', 'r'));
    const after = look.lookAtOpenFiles(process.pid);
    for (const handle of handles) fs.closeSync(handle);
    t.equal((after?.open ?? 0) - (before?.open ?? 0), 5);
    t.ok((after?.limit ?? 0) > 5);
    t.equal(look.lookAtOpenFiles(4_194_305), undefined);
    t.end();
  },
);

t.test('the clock is kept, is not, or nobody knows; timedatectl is what is asked', async (t) => {
  const before = process.env['PATH'];
  t.teardown(() => void (process.env['PATH'] = before));
  const cases: readonly (readonly [string, boolean | undefined])[] = [
    ['echo yes', true],
    ['echo no', false],
    ['exit 1', undefined],
    ['true', undefined],
  ];
  for (const [script, expected] of cases) {
    const folder = newFolder(t);
    fs.writeFileSync(join(folder, 'timedatectl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env['PATH'] = folder;
    t.equal(await look.lookAtClock(), expected, script);
  }
  process.env['PATH'] = newFolder(t);
  t.equal(await look.lookAtClock(), undefined, 'without it');
});

/** The parts put together: start and stop in this process, on ports that the system picks. */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { assert } from '../../src/base/assert.ts';
import { parseAddress } from '../../src/base/address.ts';
import type { Address } from '../../src/base/address.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Config } from '../../src/daemon/config.ts';
import { Daemon } from '../../src/daemon/daemon.ts';
import { DataDir } from '../../src/daemon/data-dir.ts';
import { disco } from '../../src/gen/discovery.js';
import { configOf, newFolder, startDaemon } from '../cli/fixture.ts';
import type { RunningDaemon } from '../cli/fixture.ts';

const { Kind } = disco.v1.WatchEvent;
const { State } = disco.v1.Member;
type WatchEvent = disco.v1.WatchEvent;
const add = { group: 'math', name: 'add' };

/** Where the others find it. */
function seedOf({ daemon }: RunningDaemon): Address {
  const [listening] = daemon.describe().listen;
  assert(listening !== undefined, 'a daemon listens');
  return parseAddress(listening);
}

/** A Watch whose snapshot is over: what comes now are changes. */
async function watch(t: Test, { stub }: RunningDaemon): Promise<() => Promise<WatchEvent>> {
  const events = stub.serverStream('Watch', {})[Symbol.asyncIterator]();
  const next = async (): Promise<WatchEvent> => {
    const { done, value } = await events.next();
    assert(done !== true, 'the stream goes on');
    return value;
  };
  t.teardown(() => events.return?.());
  while ((await next()).kind !== Kind.SNAPSHOT_END);
  return next;
}

/** Rounds of gossip until there is a neighbor to have one with. */
async function firstExchange({ stub }: RunningDaemon) {
  for (;;) {
    const { exchanges } = await stub.unary('Gossip', {});
    if (exchanges[0] !== undefined) return exchanges[0];
  }
}

/** What a call is refused with, once it is. */
async function refused(call: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      await call();
    } catch (error) {
      return error;
    }
  }
}

const modeOf = (path: string): number => fs.statSync(path).mode & 0o777;

/** A listener of somebody else, and its address. */
async function taken(t: Test): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('a daemon starts on free ports, says where it is, and leaves nothing behind', async (t) => {
  const running = await startDaemon(t);
  const { config, daemon, stub } = running;
  const file = join(config.dataDir, 'daemon.json');
  const status = await stub.unary('Status', {});
  t.match(status, { name: 'node-1', cluster: 'default', ready: true, pid: process.pid });
  t.match(status.readiness, /^the first node/);
  const written = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
  t.strictSame(Object.keys(written), [
    'pid',
    'peerId',
    'name',
    'cluster',
    'listen',
    'grpc',
    'http',
    'dns',
    'startedAt',
  ]);
  t.match(written, {
    pid: process.pid,
    peerId: status.peerId,
    listen: [/^\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d*$/],
    grpc: [/^127\.0\.0\.1:[1-9]\d*$/, `unix:${config.dataDir}/disco.sock`],
    http: /^127\.0\.0\.1:[1-9]\d*$/,
    dns: 'off',
    startedAt: new Date(Number(status.startedAt) / 1000).toISOString(),
  });
  t.equal(modeOf(join(config.dataDir, 'key')), 0o600);
  t.equal(modeOf(join(config.dataDir, 'disco.sock')), 0o600);
  const ready = await fetch(`http://${String(written['http'])}/readyz`);
  t.equal(ready.status, 200);
  await daemon.stop();
  t.notOk(fs.existsSync(file), 'the run file is gone');
  t.notOk(fs.existsSync(join(config.dataDir, 'disco.sock')), 'and the socket');
  new DataDir(config.dataDir).close();
  await daemon.stop();
});

t.test(
  'two daemons find each other through a seed node, and one sees what the other has',
  async (t) => {
    const first = await startDaemon(t);
    const second = await startDaemon(t, { seeds: [seedOf(first)], change: { name: 'node-2' } });
    const next = await watch(t, second);
    await first.stub.unary('Register', { ...add, port: 5001, metadata: { zone: 'a' } });
    t.match(await next(), {
      kind: Kind.UP,
      instance: { ...add, ip: '127.0.0.1', port: 5001, node: 'node-1', metadata: { zone: 'a' } },
    });
    t.match(await second.stub.unary('Get', add), { port: 5001, candidates: 1 });
    const { members } = await second.stub.unary('Members', {});
    t.match(members, [
      { name: 'node-2', self: true, linked: false },
      { name: 'node-1', self: false, linked: true, instances: 1, state: State.ALIVE },
    ]);
    const exchange = await firstExchange(second);
    t.match(exchange, { name: 'node-1', outcome: 'in_sync', ownersChanged: [] });
    await first.daemon.stop();
    t.match(await next(), { kind: Kind.DOWN, reason: 'owner_left', instance: { port: 5001 } });
    const after = await second.stub.unary('Members', {});
    t.match(after.members[1], { name: 'node-1', state: State.LEFT });
  },
);

t.test(
  "a daemon's zone is that of what is registered there, also after it was moved",
  async (t) => {
    const dataDir = join(newFolder(t), 'data');
    const first = await startDaemon(t, { change: { dataDir, zone: 'eu-1' } });
    await first.stub.unary('Register', { ...add, port: 5001 });
    await first.stub.unary('Register', { ...add, port: 5002, zone: 'us-1' });
    const zones = async ({ stub }: RunningDaemon) => {
      const { instances } = await stub.unary('List', {});
      return instances.map(({ port, zone }) => [port, zone]);
    };
    t.strictSame(await zones(first), [
      [5001, 'eu-1'],
      [5002, 'us-1'],
    ]);
    const nearest = { ...add, policy: disco.v1.GetRequest.Policy.NEAREST };
    t.match(await first.stub.unary('Get', nearest), { port: 5001, zone: 'eu-1' });
    await first.daemon.stop();
    const moved = await startDaemon(t, { change: { dataDir, zone: 'us-1' } });
    t.strictSame(await zones(moved), [
      [5001, 'us-1'],
      [5002, 'us-1'],
    ]);
  },
);

t.test(
  'an answer is as fresh as the last exchange, and refused when its peer is gone',
  async (t) => {
    const first = await startDaemon(t);
    const seeds = [seedOf(first)];
    const second = await startDaemon(t, { seeds, change: { name: 'node-2' } });
    await firstExchange(second);
    await first.stub.unary('Register', { ...add, port: 5001 });
    const { stub } = second;
    const fresh = await stub.unary('List', { maxStaleMs: 5_000 });
    t.ok(Number(fresh.sinceReconcileMs) < 5_000, `${String(fresh.sinceReconcileMs)} ms`);
    await first.daemon.stop({ isGraceful: false });
    const maxStaleMs = 500;
    // Neighbors were asked every 100 ms; now nobody is there to be asked.
    const refusal = await refused(() => stub.unary('List', { maxStaleMs }));
    t.match(refusal, { code: 'FAILED_PRECONDITION', reason: 'STALE' });
    const old = await stub.unary('List', { maxStaleMs, staleOk: true });
    t.equal(old.stale, true);
    t.ok(Number(old.sinceReconcileMs) > maxStaleMs);
  },
);

t.test('a dead daemon is dismissed at one, the others see it, and it comes back', async (t) => {
  const first = await startDaemon(t);
  const seeds = [seedOf(first)];
  const second = await startDaemon(t, { seeds, change: { name: 'node-2' } });
  const third = await startDaemon(t, { seeds, change: { name: 'node-3' } });
  const states = (at: RunningDaemon): (() => Promise<string>) => {
    const events = at.stub.serverStream('WatchMembers', {})[Symbol.asyncIterator]();
    t.teardown(() => events.return?.());
    return async () => {
      for (;;) {
        const { value } = await events.next();
        const member = value === undefined ? undefined : value.member;
        if (member?.name === 'node-3') return State[member.state ?? 0] as string;
      }
    };
  };
  const until = async (next: () => Promise<string>, state: string): Promise<void> => {
    while ((await next()) !== state);
  };
  const [atFirst, atSecond] = [states(first), states(second)];
  await Promise.all([until(atFirst, 'ALIVE'), until(atSecond, 'ALIVE')]);
  await t.rejects(first.stub.unary('ForceLeave', { name: 'node-3' }), {
    code: 'FAILED_PRECONDITION',
  });
  await third.daemon.stop({ isGraceful: false });
  await Promise.all([until(atFirst, 'DEAD'), until(atSecond, 'DEAD')]);
  t.match(await second.stub.unary('ForceLeave', { name: 'node-3' }), { name: 'node-3' });
  await Promise.all([until(atFirst, 'LEFT'), until(atSecond, 'LEFT')]);
  await startDaemon(t, { seeds, change: third.config });
  await Promise.all([until(atFirst, 'ALIVE'), until(atSecond, 'ALIVE')]);
  t.pass();
});

t.test('a registration outlives the daemon and is announced again by the next one', async (t) => {
  const first = await startDaemon(t);
  const { owner } = await first.stub.unary('Register', { ...add, port: 5001 });
  await first.daemon.stop();
  const again = await startDaemon(t, { change: { dataDir: first.config.dataDir } });
  t.match(await again.stub.unary('Get', add), { port: 5001, owner });
});

t.test('a host with another address takes along what was registered without one', async (t) => {
  const first = await startDaemon(t, { change: { advertise: ['10.0.0.5:7001'] } });
  t.match(await first.stub.unary('Register', { ...add, port: 5001 }), { ip: '10.0.0.5' });
  await first.daemon.stop();
  const { dataDir } = first.config;
  const again = await startDaemon(t, { change: { dataDir, advertise: ['10.0.0.6:7001'] } });
  const { instances } = await again.stub.unary('List', {});
  t.match(instances, [{ ip: '10.0.0.6', port: 5001, instanceId: '10.0.0.6:5001' }]);
});

t.test('Leave asks the daemon to stop, once the answer is on its way', async (t) => {
  const { daemon, stub } = await startDaemon(t);
  await stub.unary('Leave', {});
  await daemon.leaveAsked;
  await daemon.stop();
  await t.rejects(stub.unary('Status', {}), { code: 'UNAVAILABLE', reason: 'NO_DAEMON' });
});

t.test('an open Watch is told that the daemon stops', async (t) => {
  const running = await startDaemon(t);
  const next = await watch(t, running);
  await Promise.all([
    t.rejects(next(), { code: 'UNAVAILABLE', reason: 'STOPPING' }),
    running.daemon.stop(),
  ]);
});

t.test('a port in use is one sentence that names the flag, and nothing stays held', async (t) => {
  const address = await taken(t);
  const multiaddr = `/ip4/127.0.0.1/tcp/${parseAddress(address).port}`;
  const rows: readonly (readonly [Partial<Config>, string])[] = [
    [
      { listen: [address] },
      `the gossip address ${multiaddr} is in use by another process: stop that one, or give another --listen (port 0 picks a free one)`,
    ],
    [
      { grpc: [address] },
      `the gRPC address ${address} is in use by another process: stop that one, or give another --grpc (port 0 picks a free one)`,
    ],
    [
      { http: address },
      `the HTTP address ${address} is in use by another process: stop that one, or give another --http (port 0 picks a free one, off for none)`,
    ],
  ];
  for (const [change, message] of rows) {
    const config = configOf(t, change);
    const daemon = new Daemon(config, [], silentLog);
    await t.rejects(daemon.start(), {
      code: 'FAILED_PRECONDITION',
      reason: 'PORT_IN_USE',
      message,
    });
    new DataDir(config.dataDir).close();
  }
});

t.test('a data dir in use is refused, and its daemon goes on', async (t) => {
  const { config, stub } = await startDaemon(t);
  t.throws(() => new Daemon(config, [], silentLog), {
    code: 'FAILED_PRECONDITION',
    reason: 'DATA_DIR_IN_USE',
    message: `the data dir ${config.dataDir} is in use by the daemon with pid ${process.pid}: stop that one, or give another --data-dir`,
  });
  t.match(await stub.unary('Status', {}), { ready: true });
});

t.test('the data dir of another cluster is refused, and is free for its own', async (t) => {
  const { config, daemon } = await startDaemon(t);
  await daemon.stop();
  const database = join(config.dataDir, 'disco.sqlite');
  t.throws(() => new Daemon({ ...config, cluster: 'prod' }, [], silentLog), {
    code: 'FAILED_PRECONDITION',
    reason: 'DATA_DIR_OF_ANOTHER_CLUSTER',
    message: `${database} belongs to cluster "default", not to "prod": give another --data-dir, or --cluster default`,
  });
  const { dataDir } = config;
  const again = await startDaemon(t, { change: { dataDir } });
  t.match(await again.stub.unary('Status', {}), { cluster: 'default' });
});

t.test('a key or a database that cannot be used is refused, and the lock given back', (t) => {
  const config = configOf(t);
  const { dataDir } = config;
  fs.mkdirSync(dataDir, { mode: 0o700 });
  fs.writeFileSync(join(dataDir, 'key'), 'garbage', { mode: 0o600 });
  t.throws(() => new Daemon(config, [], silentLog), {
    code: 'FAILED_PRECONDITION',
    reason: 'KEY_UNREADABLE',
  });
  fs.unlinkSync(join(dataDir, 'key'));
  fs.writeFileSync(join(dataDir, 'disco.sqlite'), 'garbage '.repeat(1_000));
  t.throws(() => new Daemon(config, [], silentLog), {
    code: 'FAILED_PRECONDITION',
    reason: 'DATABASE_DAMAGED',
  });
  new DataDir(dataDir).close();
  t.end();
});

t.test('a daemon whose run file cannot be written is ready, says so, and stops well', async (t) => {
  const config = configOf(t);
  const said = Promise.withResolvers<object>();
  const error = (fields: object): void => said.resolve(fields);
  const daemon = new Daemon(config, [], { ...silentLog, error });
  t.teardown(() => daemon.stop({ isGraceful: false }));
  fs.mkdirSync(join(config.dataDir, 'daemon.json'));
  await daemon.start();
  t.match(await said.promise, { what: 'writing daemon.json', times: 1, error: /EISDIR/ });
  const ready = await fetch(`http://${daemon.describe().http}/readyz`);
  t.equal(ready.status, 200);
  await daemon.stop();
  fs.rmdirSync(join(config.dataDir, 'daemon.json'));
  new DataDir(config.dataDir).close();
});

t.test('HTTP and gRPC can be off', async (t) => {
  const config = configOf(t, { grpc: [], http: 'off' });
  const daemon = new Daemon(config, [], silentLog);
  t.teardown(() => daemon.stop({ isGraceful: false }));
  await daemon.start();
  t.match(daemon.describe(), { grpc: [], http: 'off' });
  await daemon.stop();
});

t.test('one start and one stop are a line each in the log', async (t) => {
  const lines: string[] = [];
  const info = (_: object, message: string): void => void lines.push(message);
  const { daemon } = await startDaemon(t, { log: { ...silentLog, info } });
  await daemon.stop();
  t.equal(lines.filter((line) => line === 'started').length, 1);
  t.equal(lines.at(-1), 'stopped');
});

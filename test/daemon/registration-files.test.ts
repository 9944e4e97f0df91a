/** Whole daemons over real files, which are followed by the system's own watch; and maintenance. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { assert } from '../../src/base/assert.ts';
import { parseAddress } from '../../src/base/address.ts';
import { disco } from '../../src/gen/discovery.js';
import { newFolder, startDaemon } from '../cli/fixture.ts';
import type { RunningDaemon } from '../cli/fixture.ts';

const { Kind } = disco.v1.WatchEvent;
const { Health } = disco.v1;

/** `UP 5001 {"rack":"7"}`, `DOWN 5001 deregistered`: what a Watch tells, after its snapshot. */
async function watch(t: Test, { stub }: RunningDaemon) {
  const events = stub.serverStream('Watch', {})[Symbol.asyncIterator]();
  t.teardown(() => events.return?.());
  const next = async () => {
    const { done, value } = await events.next();
    assert(done !== true, 'the stream goes on');
    return value;
  };
  const there: number[] = [];
  for (let event = await next(); event.kind !== Kind.SNAPSHOT_END; event = await next())
    if (event.kind === Kind.UP) there.push(event.instance?.port ?? 0);
  const line = async (): Promise<string> => {
    const { kind, instance, reason } = await next();
    const { port, metadata, health } = instance ?? {};
    if (kind !== Kind.UP) return `DOWN ${port} ${reason}`;
    return `UP ${port} ${Health[health ?? 0]} ${JSON.stringify(metadata)}`;
  };
  return { there, line };
}

const instance = (port: number, metadata = {}): string =>
  JSON.stringify({ group: 'math', name: 'add', port, metadata });

const up = (port: number, metadata = {}): string =>
  `UP ${port} HEALTH_PASSING ${JSON.stringify(metadata)}`;

/** A data dir with registration files, and how to change them as editors and tools do. */
function makeFiles(t: Test, files: Record<string, string> = {}) {
  const dataDir = join(newFolder(t), 'data');
  const folder = join(dataDir, 'services.d');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.chmodSync(dataDir, 0o700);
  const write = (name: string, text: string): void => fs.writeFileSync(join(folder, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const replace = (name: string, text: string): void => {
    write(`.${name}.new`, text);
    fs.renameSync(join(folder, `.${name}.new`), join(folder, name));
  };
  return { dataDir, write, replace, remove: (name: string) => fs.rmSync(join(folder, name)) };
}

t.test('files that come, change and go are registered, updated and deregistered', async (t) => {
  const files = makeFiles(t, { 'a.json': instance(5001) });
  const running = await startDaemon(t, { change: { dataDir: files.dataDir } });
  const { there, line } = await watch(t, running);
  t.strictSame(there, [5001]);
  files.write('b.json', instance(5002));
  t.equal(await line(), up(5002));
  files.replace('a.json', instance(5001, { rack: '7' }));
  t.equal(await line(), up(5001, { rack: '7' }));
  files.remove('b.json');
  t.equal(await line(), 'DOWN 5002 deregistered');
  files.replace('a.json', instance(5003));
  t.strictSame([await line(), await line()].sort(), ['DOWN 5001 deregistered', up(5003)]);
});

t.test('a bad file is refused alone, and says so in the status until it is good', async (t) => {
  const files = makeFiles(t, { 'a.json': instance(5001) });
  const running = await startDaemon(t, { change: { dataDir: files.dataDir } });
  const { line } = await watch(t, running);
  files.replace('a.json', '{"group": "math",\n "prt": 1}');
  files.replace('b.json', instance(5002));
  t.equal(await line(), up(5002), 'nothing of a.json is told');
  const { serviceFiles, instances } = await running.stub.unary('Status', {});
  t.equal(instances, 2, 'what it said when it was good stays');
  const problem = /a\.json, line 2, column 9, key prt: is not known; did you mean port\?/;
  t.match(serviceFiles, { files: 2, filesBad: 1, bad: [{ file: 'a.json', problem }] });
  files.replace('a.json', instance(5001, { rack: '7' }));
  t.equal(await line(), up(5001, { rack: '7' }));
  t.match(await running.stub.unary('Status', {}), { serviceFiles: { filesBad: 0, bad: [] } });
});

t.test('what files registered goes with them, also while the daemon is away', async (t) => {
  const files = makeFiles(t, {
    'a.json': instance(5001),
    'b.json': instance(5002),
    'c.json': instance(5003),
  });
  const change = { dataDir: files.dataDir };
  const first = await startDaemon(t, { change });
  await first.stub.unary('Register', { group: 'math', name: 'add', port: 5009 });
  await first.daemon.stop();
  files.remove('a.json');
  files.replace('b.json', '{');
  const second = await startDaemon(t, { change });
  const { there } = await watch(t, second);
  t.strictSame(there, [5002, 5003, 5009]);
});

t.test('reloading by hand reads the files at once', async (t) => {
  const files = makeFiles(t);
  const { daemon, stub } = await startDaemon(t, { change: { dataDir: files.dataDir } });
  files.write('a.json', instance(5001));
  daemon.reloadServices();
  t.match(await stub.unary('Get', { group: 'math', name: 'add' }), { port: 5001 });
});

t.test('maintenance is seen by other nodes, and holds over a restart of its daemon', async (t) => {
  const files = makeFiles(t, { 'a.json': instance(5001) });
  const change = { dataDir: files.dataDir, name: 'node-2' };
  const other = await startDaemon(t);
  const [listening = ''] = other.daemon.describe().listen;
  const seeds = [parseAddress(listening)];
  const { line } = await watch(t, other);
  const first = await startDaemon(t, { seeds, change });
  t.equal(await line(), up(5001));
  const add = { group: 'math', name: 'add' };
  await t.rejects(other.stub.unary('SetMaintenance', { ...add, on: true }), {
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_OWNED_HERE',
  });
  await first.stub.unary('SetMaintenance', { on: true, reason: 'kernel' });
  t.equal(await line(), 'UP 5001 HEALTH_MAINTENANCE {}');
  await t.rejects(other.stub.unary('Get', add), {
    code: 'NOT_FOUND',
    reason: 'NO_HEALTHY_INSTANCE',
  });
  const { members } = await other.stub.unary('Members', {});
  t.match(members[1], { name: 'node-2', maintenance: 'kernel' });
  await first.daemon.stop();
  t.equal(await line(), 'DOWN 5001 owner_left');
  const second = await startDaemon(t, { seeds, change });
  t.equal(await line(), 'UP 5001 HEALTH_MAINTENANCE {}', 'never passing in between');
  await second.stub.unary('SetMaintenance', { on: false });
  t.equal(await line(), up(5001));
});

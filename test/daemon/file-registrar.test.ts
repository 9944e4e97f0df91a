/** Real files in a folder, a registry in memory, and a clock that a test moves. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Log } from '../../src/base/log.ts';
import { silentLog } from '../../src/base/log.ts';
import { FileRegistrar } from '../../src/daemon/file-registrar.ts';
import { Node, SpyStore } from '../api/fixture.ts';

const text = (...ports: number[]): string =>
  JSON.stringify({ services: ports.map((port) => ({ group: 'math', name: 'add', port })) });

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

function begin(t: Test, files: Record<string, string> = {}, store = new SpyStore()) {
  const dataDir = t.testdir({ 'services.d': files });
  const services = join(dataDir, 'services.d');
  const lines: Line[] = [];
  const note = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields });
  const log: Log = { ...silentLog, info: note('info'), warn: note('warn'), error: note('error') };
  const node = new Node({ recordsPerOwnerMax: 4, tombstonesMax: 2 }, store);
  const { registry, clock } = node;
  const registrar = new FileRegistrar(
    { services, dataDir },
    { registry, clock, log, hostAddress: () => '10.0.0.7' },
  );
  t.teardown(() => registrar.stop());
  registrar.start();
  const write = (name: string, content: string): void => {
    fs.writeFileSync(join(services, name), content);
    registrar.reload();
  };
  const remove = (name: string): void => {
    fs.rmSync(join(services, name));
    registrar.reload();
  };
  const ports = (): number[] => registry.index.list().map(({ record }) => record.port);
  return { services, dataDir, node, registrar, lines, write, remove, ports };
}

t.test('files are registered at the start, at the address of this host, in one commit', (t) => {
  const { node, registrar, ports, lines, services } = begin(t, {
    'a.json': text(1, 2),
    'b.json': text(3),
  });
  t.strictSame(ports(), [1, 2, 3]);
  t.match(node.registry.index.list()[0]?.record, { ip: '10.0.0.7', instanceId: '10.0.0.7:1' });
  t.equal(node.store.commits.length, 1);
  const all = { directory: services, files: 2, instances: 3, problem: '', bad: [] };
  t.strictSame(registrar.report(), all);
  const fields = { directory: services, registered: 3, deregistered: 0 };
  t.strictSame(lines, [{ level: 'info', message: 'registration files changed', fields }]);
  t.end();
});

t.test('new, changed and removed files are followed, and nothing new costs nothing', (t) => {
  const { node, registrar, write, remove, ports } = begin(t);
  write('a.json', text(1, 2));
  t.strictSame(ports(), [1, 2]);
  write('a.json', text(2, 3));
  t.strictSame(ports(), [2, 3]);
  const { revision } = node.registry.feed;
  registrar.reload();
  write('a.json', `${text(2, 3)}\n`);
  t.equal(node.registry.feed.revision, revision, 'no record, no head');
  remove('a.json');
  t.strictSame(ports(), []);
  t.end();
});

t.test('a bad file is refused alone and told once; what it said when good stays', (t) => {
  const { registrar, write, remove, ports, lines } = begin(t, { 'a.json': text(1) });
  lines.length = 0;
  write('a.json', '{"group": "math", "prt": 7}');
  write('b.json', text(2));
  t.strictSame(ports(), [1, 2]);
  const problem = /a\.json, line 1, column 26, key prt: is not known; did you mean port\?/;
  t.match(registrar.report(), { files: 2, instances: 2, bad: [{ file: 'a.json', problem }] });
  const isRefused = ({ message }: Line): boolean =>
    message.startsWith('a registration file is ref');
  t.match(lines.filter(isRefused), [{ level: 'warn', fields: { file: 'a.json', problem } }]);
  t.equal(lines.filter(isRefused).length, 1, 'though it was read twice');
  write('a.json', text(3));
  t.strictSame(ports(), [2, 3]);
  t.strictSame(registrar.report().bad, []);
  t.match(lines.at(-1), { level: 'info', message: 'a registration file is no longer refused' });
  remove('a.json');
  t.strictSame(ports(), [2]);
  t.end();
});

t.test(
  "what the API registered is never touched, and what files did is not the API's",
  async (t) => {
    const { node, registrar, write, remove, ports } = begin(t, { 'a.json': text(1) });
    node.control.files = registrar.report();
    const add = { group: 'math', name: 'add', ip: '10.0.0.7' };
    await node.service.register({ ...add, port: 2 });
    write('b.json', text(2));
    t.match(registrar.report().bad, [{ file: 'b.json', problem: /registered through the API/ }]);
    remove('b.json');
    t.strictSame(ports(), [1, 2]);
    const refusal = {
      code: 'FAILED_PRECONDITION',
      reason: 'OWNED_BY_FILE',
      message:
        /^math\/add\/10\.0\.0\.7:1 is registered by the file "a\.json" in .*services\.d: change/,
    };
    await t.rejects(node.service.register({ ...add, port: 1, version: '2' }), refusal);
    await t.rejects(node.service.deregister({ ...add, port: 1 }), refusal);
    await node.service.deregister({ ...add, port: 2 });
    t.strictSame(ports(), [1]);
  },
);

t.test('what a file registered is known as its own over restarts', async (t) => {
  const store = new SpyStore();
  const first = begin(t, { 'a.json': text(1), 'b.json': text(2), 'bad.json': text(3) }, store);
  await first.node.service.register({ group: 'math', name: 'add', ip: '10.0.0.7', port: 9 });
  first.registrar.stop();
  const { ports } = begin(t, { 'b.json': text(2), 'bad.json': '{' }, store);
  t.strictSame(ports(), [2, 3, 9], 'a.json went while nobody looked');
  t.end();
});

t.test('a folder that cannot be read is no order to deregister', (t) => {
  const { services, registrar, ports, lines, node } = begin(t, { 'a.json': text(1) });
  fs.renameSync(services, `${services}.away`);
  registrar.reload();
  registrar.reload();
  t.strictSame(ports(), [1]);
  t.match(registrar.report(), { problem: /services\.d cannot be read: ENOENT/, instances: 1 });
  t.equal(lines.filter(({ level }) => level === 'error').length, 1, 'told once');
  lines.length = 0;
  fs.mkdirSync(services);
  node.clock.advance(10_000);
  t.strictSame(ports(), [], 'there again, and empty');
  t.equal(registrar.report().problem, '');
  t.strictSame(
    lines.map(({ message }) => message),
    ['registration files changed', 'registration files are followed again'],
  );
  t.end();
});

t.test('what a full disk refuses is tried again', (t) => {
  const { node, registrar, write, ports } = begin(t);
  node.store.isFull = true;
  write('a.json', text(1));
  t.strictSame(ports(), []);
  t.match(registrar.report(), { problem: /free some space/ });
  node.store.isFull = false;
  node.clock.advance(5_000);
  t.strictSame(ports(), [1]);
  t.equal(registrar.report().problem, '');
  t.end();
});

t.test('what does not fit is told of its file, and the rest is registered', (t) => {
  const files = { 'a.json': text(1, 2, 3), 'b.json': text(4, 5) };
  const { registrar, ports, lines } = begin(t, files);
  t.strictSame(ports(), [1, 2, 3, 4]);
  t.match(registrar.report().bad, [{ file: 'b.json', problem: /the bounds are 4 and/ }]);
  const told = lines.length;
  registrar.reload();
  t.equal(lines.length, told, 'and told once');
  t.end();
});

t.test('a good file that was refused is registered once nothing is in its way', async (t) => {
  const { node, registrar, lines, write, ports } = begin(t);
  const add = { group: 'math', name: 'add', ip: '10.0.0.7' };
  for (const port of [1, 2, 3]) await node.service.register({ ...add, port });
  write('full.json', text(4, 5));
  write('taken.json', text(3));
  t.strictSame(ports(), [1, 2, 3, 4]);
  const refused = [
    { file: 'full.json', problem: /the bounds are 4 and/ },
    { file: 'taken.json', problem: /is registered through the API already/ },
  ];
  t.match(
    registrar.report().bad.toSorted((x, y) => (x.file < y.file ? -1 : 1)),
    refused,
  );
  const [told, commits, { revision }] = [
    lines.length,
    node.store.commits.length,
    node.registry.feed,
  ];
  node.clock.advance(60_000);
  t.equal(lines.length, told, 'told once, however often it is tried');
  t.equal(node.store.commits.length, commits, 'and what fails costs neither disk nor gossip');
  t.equal(node.registry.feed.revision, revision);
  await node.service.deregister({ ...add, port: 1 });
  node.clock.advance(5_000);
  t.strictSame(ports(), [2, 3, 4, 5]);
  t.match(registrar.report().bad, [{ file: 'taken.json' }]);
  await node.service.deregister({ ...add, port: 3 });
  registrar.stop();
  node.clock.advance(60_000);
  t.strictSame(ports(), [2, 4, 5], 'nobody tries after the end');
  registrar.start();
  t.strictSame(ports(), [2, 3, 4, 5]);
  t.strictSame(registrar.report().bad, []);
});

t.test('what has room only once the old is gone is registered all the same', (t) => {
  const { registrar, write, ports } = begin(t, { 'a.json': text(1, 2, 3, 4) });
  write('a.json', text(5, 6, 7, 8));
  t.strictSame(ports(), [5, 6, 7, 8]);
  t.strictSame(registrar.report().bad, []);
  t.end();
});

t.test('the default folder is made, any other has to be there', (t) => {
  const dataDir = t.testdir();
  const { registry, clock } = new Node();
  const tools = { registry, clock, log: silentLog, hostAddress: () => '10.0.0.7' };
  const services = join(dataDir, 'services.d');
  t.ok(new FileRegistrar({ services, dataDir }, tools));
  t.ok(fs.statSync(services).isDirectory());
  const other = join(dataDir, 'other');
  t.throws(() => new FileRegistrar({ services: other, dataDir }, tools), {
    reason: 'CONFIG',
    message: /^services .*other cannot be read \(ENOENT.*: name a folder of registration files/,
  });
  t.end();
});

/** How a verb finds its daemon. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { globalOptions, withDisco, withStub } from '../../src/cli/session.ts';
import { disco, newFolder, serveApi } from './fixture.ts';

function parsed(...args: string[]) {
  const program = new Command('disco').enablePositionalOptions();
  const verb = program.command('list');
  for (const command of [program, verb])
    command.option('--addr <a>').option('--data-dir <d>').option('-o, --output <form>');
  verb.action(() => undefined);
  program.parse(args, { from: 'user' });
  return globalOptions(verb);
}

t.test('the options of all verbs count before the verb and behind it', (t) => {
  const given = { addr: 'x:1', dataDir: '/d', output: 'json' } as const;
  t.strictSame(parsed('--addr', 'x:1', '--data-dir', '/d', '-o', 'json', 'list'), given);
  t.strictSame(parsed('list', '--addr', 'x:1', '--data-dir', '/d', '-o', 'json'), given);
  t.strictSame(parsed('--addr', 'x:1', 'list', '--data-dir', '/d', '-o', 'json'), given);
  t.strictSame(parsed('list'), { output: 'table' });
  t.end();
});

t.test('the connection is closed however its use ends', async (t) => {
  const { address } = await serveApi(t);
  const options = { addr: address, output: 'table' } as const;
  const inner = await withDisco(options, (client) => Promise.resolve(client));
  await t.rejects(inner.status(), { code: 'FAILED_PRECONDITION', reason: 'STOPPING' });
  const oops = new Error('oops');
  await t.rejects(
    withDisco(options, () => Promise.reject(oops)),
    oops,
  );
  const stub = await withStub(options, (opened) => Promise.resolve(opened));
  await t.rejects(stub.unary('Status', {}), { code: 'FAILED_PRECONDITION', reason: 'STOPPING' });
});

t.test('--addr goes before DISCO_ADDR, and that before the run file of a data dir', async (t) => {
  const [first, second, third] = await Promise.all([serveApi(t), serveApi(t), serveApi(t)]);
  for (const [name, { node }] of [
    ['first', first],
    ['second', second],
    ['third', third],
  ] as const)
    node.control.description = { ...node.control.description, name };
  const dataDir = newFolder(t);
  fs.writeFileSync(join(dataDir, 'daemon.json'), JSON.stringify({ grpc: [third.address] }));
  const state = newFolder(t);
  fs.cpSync(dataDir, join(state, 'disco'), { recursive: true });
  const env = { DISCO_ADDR: second.address, DISCO_DATA_DIR: dataDir };
  const ends = await Promise.all([
    disco(t, ['status', '-o', 'json', '--addr', first.address], { env }),
    disco(t, ['--addr', first.address, 'status', '-o', 'json'], { env }),
    disco(t, ['status', '-o', 'json'], { env }),
    disco(t, ['status', '-o', 'json'], { env: { DISCO_DATA_DIR: dataDir } }),
    disco(t, ['status', '-o', 'json', '--data-dir', dataDir]),
    disco(t, ['--data-dir', dataDir, 'status', '-o', 'json']),
    disco(t, ['status', '-o', 'json'], { env: { XDG_STATE_HOME: state } }),
  ]);
  const names = ends.map(({ stdout }) => (JSON.parse(stdout) as { name: string }).name);
  t.strictSame(names, ['first', 'first', 'second', 'third', 'third', 'third', 'third']);
});

t.test('an address that is none is wrong usage, and says where it stood', async (t) => {
  const [option, variable] = await Promise.all([
    disco(t, ['list', '--addr', 'http://x']),
    disco(t, ['list'], { env: { DISCO_ADDR: '127.0.0.1:0' } }),
  ]);
  const expected = 'expected unix:/path, host:port or [v6]:port, with a port of 1 to 65535';
  t.match(option, {
    code: 2,
    stderr: `disco: the address option: "http://x" is no daemon address; ${expected}\n`,
  });
  t.match(variable, {
    code: 2,
    stderr: `disco: DISCO_ADDR: "127.0.0.1:0" is no daemon address; ${expected}\n`,
  });
});

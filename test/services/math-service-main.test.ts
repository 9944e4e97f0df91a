import { test } from 'tap';
import { FakeDaemon } from '../client/fake-daemon.ts';
import { BinProcess } from './bin-process.ts';

const script = 'math-service.js';

test('a service says where it serves when it is registered, and SIGTERM ends it', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const service = new BinProcess(t, script, ['add', '--addr', daemon.address]);
  const line = await service.firstLine;
  const [instance] = daemon.instances.values();
  t.equal(line, `add serves on 127.0.0.1:${instance?.port}, registered as math/add`);
  service.kill('SIGTERM');
  t.strictSame(await service.ended(), { code: 0, stdout: `${line}\n`, stderr: '' });
  t.equal(daemon.instances.size, 0);
});

test('a service that finds no daemon says so, waits, and still ends at SIGINT', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/disco.sock' };
  const service = new BinProcess(t, script, ['sub'], env);
  t.match(await service.firstComplaint, /^waiting: no disco daemon answers at .*from DISCO_ADDR/);
  service.kill('SIGINT');
  t.match(await service.ended(), { code: 0, stdout: '' });
});

test('what is not understood is exit code 2, and says what is', async (t) => {
  const mistakes: [string[], RegExp][] = [
    [[], /missing required argument 'operation'/],
    [['pow'], /Allowed choices are add, sub, mul, div/],
    [['add', '--port', 'x'], /expected a port, 0 to 65535/],
    [['add', '--host', 'a b'], /is not a host name/],
    [['add', 'sub'], /too many arguments/],
  ];
  for (const [args, stderr] of mistakes) {
    const ended = await new BinProcess(t, script, args).ended();
    t.match(ended, { code: 2, stdout: '', stderr }, args.join(' '));
  }
});

test('what cannot work is exit code 1, and says why', async (t) => {
  const ended = await new BinProcess(t, script, ['add', '--addr', 'nonsense']).ended();
  t.match(ended, { code: 1, stdout: '', stderr: /expected unix:\/path, host:port/ });
});

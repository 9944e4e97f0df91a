import { test, type Test } from 'tap';
import { MathService } from '../../src/services/math-service.ts';
import { operations } from '../../src/services/operation.ts';
import { FakeDaemon } from '../client/fake-daemon.ts';
import { BinProcess } from './bin-process.ts';

const script = 'entrypoint.js';
const expression = '(2 + 3) * 4 / 5 - 1';

async function setUp(t: Test): Promise<FakeDaemon> {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const { signal } = new AbortController();
  for (const operation of operations) {
    const service = await MathService.start({
      operation,
      listen: { host: '127.0.0.1', port: 0 },
      connect: { address: daemon.address },
      report: () => undefined,
      signal,
    });
    t.teardown(() => service.stop());
  }
  return daemon;
}

test('once: the result is printed, with the steps when asked for', async (t) => {
  const daemon = await setUp(t);
  const args = ['--addr', daemon.address, '--eval', expression];
  const result = '(2 + 3) * 4 / 5 - 1 = 3\n';
  const plain = await new BinProcess(t, script, args).ended();
  t.strictSame(plain, { code: 0, stdout: result, stderr: '' });
  const traced = await new BinProcess(t, script, [...args, '--trace']).ended();
  t.match(traced, { code: 0, stderr: '' });
  t.match(traced.stdout, /^2 \+ 3 = 5 {2}\(math\/add at 127\.0\.0\.1:\d+\)\n5 \* 4 = 20 /);
  t.equal(traced.stdout.split('\n').length, 6);
  t.ok(traced.stdout.endsWith(`\n${result}`));
});

test('once: a syntax error is exit code 2, with the caret', async (t) => {
  const ended = await new BinProcess(t, script, ['--eval', '(2 + ']).ended();
  t.strictSame(ended, {
    code: 2,
    stdout: '',
    stderr: 'expected a number, "(" or "-" at the end\n(2 + \n     ^\n',
  });
});

test('once: what has no value is exit code 1', async (t) => {
  const daemon = await setUp(t);
  const run = (address: string) =>
    new BinProcess(t, script, ['--addr', address, '--eval', '1 / 0']).ended();
  t.match(await run(daemon.address), { code: 1, stderr: /cannot be divided by zero/ });
  t.match(await run('unix:/nonexistent/s'), { code: 1, stderr: /run `disco start`/ });
});

test('a server says where it serves when it is registered, and SIGTERM ends it', async (t) => {
  const daemon = await setUp(t);
  const entrypoint = new BinProcess(t, script, ['--addr', daemon.address]);
  const line = await entrypoint.firstLine;
  const found =
    /^entrypoint serves gRPC on \S+ and HTTP on (\S+), registered as math\/entrypoint$/.exec(line);
  const answer = await fetch(`http://${found?.[1]}/evaluate?expression=6*7`);
  t.strictSame(await answer.json(), { expression: '6*7', value: 42 });
  entrypoint.kill('SIGTERM');
  t.strictSame(await entrypoint.ended(), { code: 0, stdout: `${line}\n`, stderr: '' });
  t.equal(daemon.instances.size, operations.length);
});

test('what is not understood is exit code 2', async (t) => {
  for (const args of [['--grpc', 'x'], ['--http', '127.0.0.1:99999'], ['more'], ['--evil']]) {
    const ended = await new BinProcess(t, script, args).ended();
    t.match(ended, { code: 2, stdout: '', stderr: /^error: / }, args.join(' '));
  }
});

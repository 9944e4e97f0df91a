import { Command, InvalidArgumentError } from 'commander';
import { test } from 'tap';
import {
  addressFlag,
  parseFlags,
  portFlag,
  runUntilSignal,
} from '../../src/services/service-process.ts';

function command(): Command {
  return new Command('x')
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .option('--port <port>', 'a port', portFlag)
    .option('--at <address>', 'an address', addressFlag);
}

test('flags that are understood leave the work to do', async (t) => {
  const parsed = command();
  t.equal(parseFlags(parsed, ['--port', '0', '--at', '[::1]:80']), undefined);
  t.strictSame(parsed.opts(), { port: 0, at: { host: '::1', port: 80 } });
});

test('help is done with exit code 0, a mistake with 2', async (t) => {
  t.equal(parseFlags(command(), ['--help']), 0);
  for (const argv of [['--nonsense'], ['--port'], ['--port', '65536'], ['--at', 'x']]) {
    t.equal(parseFlags(command(), argv), 2, argv.join(' '));
  }
});

test('a port is a number from 0 to 65535', async (t) => {
  t.equal(portFlag('65535'), 65_535);
  for (const bad of ['', '-1', '65536', '1.5', '1e3', '0x10', 'http']) {
    t.throws(() => portFlag(bad), new InvalidArgumentError('expected a port, 0 to 65535'), bad);
  }
});

test('an address is a host and a port', async (t) => {
  t.strictSame(addressFlag('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
  t.throws(() => addressFlag('127.0.0.1'), { code: 'commander.invalidArgument', message: /port/ });
});

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  test(`${name} stops what runs, and that is no failure`, async (t) => {
    const done: string[] = [];
    const code = await runUntilSignal(async () => {
      done.push('started');
      setImmediate(() => process.emit(name));
      return {
        stop: async () => {
          done.push('stopped');
        },
      };
    });
    t.equal(code, 0);
    t.strictSame(done, ['started', 'stopped']);
    t.equal(
      process.listenerCount(name, () => undefined),
      0,
    );
  });
}

test('a signal while it starts ends the start, and that is no failure', async (t) => {
  const code = await runUntilSignal(async (signal) => {
    setImmediate(() => process.emit('SIGTERM'));
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    throw new Error('not reached');
  });
  t.equal(code, 0);
});

test('a start that fails is exit code 1, with a line for people', async (t) => {
  const written = t.capture(process.stderr, 'write');
  const code = await runUntilSignal(async () => {
    throw new Error('the port is taken');
  });
  t.equal(code, 1);
  t.strictSame(
    written().map(({ args }) => args[0]),
    ['the port is taken\n'],
  );
});

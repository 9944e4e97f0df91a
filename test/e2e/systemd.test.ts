/** A daemon under something that listens as systemd does, on a socket that Node.js cannot open. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'tap';
import { Cluster, patienceMs } from './cluster.ts';
import { DiscoProcess } from './daemon-process.ts';

const listener = `
import array, os, socket, sys
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
print('listening', flush=True)
while True:
    data, ancillary, _, _ = ear.recvmsg(4096, 4096)
    # systemd-notify waits until the descriptor that it sends along is closed.
    for _, kind, value in ancillary:
        if kind == socket.SCM_RIGHTS:
            for descriptor in array.array('i', value): os.close(descriptor)
    if b'=' in data and b'BARRIER' not in data: print(data.decode(), flush=True)
`;

const hasTool = (name: string, ...args: string[]): boolean =>
  spawnSync(name, args).error === undefined;
const skip =
  hasTool('systemd-notify', '--version') && hasTool('python3', '--version')
    ? false
    : 'there is no systemd-notify, or no python3 to listen with';

test(
  'systemd hears that it is ready, again and again that it lives, and that it stops',
  { skip },
  async (t) => {
    const { directory } = new Cluster(t);
    const socket = join(directory, 'notify');
    const ear = spawn('python3', ['-c', listener, socket]);
    t.teardown(() => ear.kill('SIGKILL'));
    const lines = createInterface({ input: ear.stdout })[Symbol.asyncIterator]();
    // Which process it is of, systemd-notify says with each word.
    const next = async (): Promise<string> => {
      for (;;) {
        const line = String((await lines.next()).value);
        if (!line.startsWith('MAINPID=')) return line;
      }
    };
    t.equal(await next(), 'listening');
    const places = ['--listen', '127.0.0.1:0', '--grpc', 'unix:disco.sock', '--http', 'off'];
    const args = ['start', '--data-dir', join(directory, 'd'), '--seeds', 'none', ...places];
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' };
    const daemon = new DiscoProcess([...args, '--join-timeout-ms', '1000'], {
      cwd: directory,
      env,
    });
    t.teardown(() => daemon.kill());
    const said = [await next(), await next(), await next(), await next()];
    t.strictSame(said.toSorted(), ['READY=1', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
    const stopped = daemon.stop();
    let last = await next();
    while (last === 'WATCHDOG=1') last = await next();
    t.equal(last, 'STOPPING=1');
    t.match(await stopped, { code: 0 });
    t.ok((await stopped).afterMs < patienceMs);
  },
);

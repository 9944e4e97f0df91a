/** A client and the daemon, played by hand, that it is connected to. */
import type { Test } from 'tap';
import type { ConnectOptions } from '../../src/client/disco-options.ts';
import { Disco } from '../../src/client/disco.ts';
import { FakeDaemon } from './fake-daemon.ts';

export async function connected(t: Test, options: ConnectOptions = {}) {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const disco = await Disco.connect({ address: daemon.address, ...options });
  t.teardown(() => disco.close());
  return { daemon, disco };
}

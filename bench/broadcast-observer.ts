/**
 * Watches many daemons from one process, registers at those that it is told to, and notes when
 * each Watch tells of an instance, on the monotonic clock that all processes of a host share.
 *
 *   node bench/broadcast-observer.ts ADDRESS…, with an IPC channel
 */
import { DiscoveryStub } from '../src/client/discovery-stub.ts';
import { Disco } from '../src/client/index.ts';
import type { Observation, RegisterCommand } from './broadcast-cluster.ts';

const flushMs = 200;
const deadlineMs = 10_000;
const group = 'bench';

const addresses = process.argv.slice(2);
const source = 'a benchmark';
const stubs = addresses.map((address) => new DiscoveryStub({ address, source }, deadlineMs));
let waiting: Observation[] = [];

for (const [node, address] of addresses.entries()) {
  const disco = await Disco.connect({ address });
  const view = disco.watch({ group });
  await view.ready();
  view.onChange((change) => {
    const at = String(process.hrtime.bigint());
    if (change.kind === 'up')
      waiting.push({ kind: 'seen', node, id: change.instance.instanceId, at });
  });
}

// In batches: telling must not disturb what is measured.
setInterval(() => {
  if (waiting.length === 0) return;
  process.send?.(waiting);
  waiting = [];
}, flushMs);

process.on('message', (command: RegisterCommand) => void register(command));
process.on('disconnect', () => process.exit(0));
process.send?.([]);

async function register({ node, id }: RegisterCommand): Promise<void> {
  const place = { ip: '127.0.0.1', port: 7_000, instanceId: id };
  const calledAt = String(process.hrtime.bigint());
  await stubs[node]?.unary('Register', { group, name: 'service', ...place });
  const acknowledgedAt = String(process.hrtime.bigint());
  waiting.push({ kind: 'registered', node, id, calledAt, acknowledgedAt });
}

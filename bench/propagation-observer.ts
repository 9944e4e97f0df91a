/**
 * An observer: a process of its own beside one daemon. It registers when it is told to, and notes
 * when its Watch tells of an instance, on the monotonic clock that all processes of a host share.
 *
 *   node bench/propagation-observer.ts ADDRESS, with an IPC channel
 */
import { DiscoveryStub } from '../src/client/discovery-stub.ts';
import { Disco } from '../src/client/index.ts';
import type { Command, Sighting, Word } from './propagation-cluster.ts';

const flushMs = 100;
const deadlineMs = 10_000;
const group = 'bench';

const address = process.argv[2] ?? '';
const disco = await Disco.connect({ address });
const stub = new DiscoveryStub({ address, source: 'a benchmark' }, deadlineMs);
const view = disco.watch({ group });
await view.ready();

let sightings: Sighting[] = [];
view.onChange((change) => {
  const at = String(process.hrtime.bigint());
  if (change.kind === 'stale' || change.kind === 'fresh') return tell({ kind: change.kind });
  sightings.push({ kind: change.kind, id: change.instance.instanceId, at });
});

// In batches: telling must not disturb what is measured.
setInterval(() => {
  if (sightings.length === 0) return;
  tell({ kind: 'sightings', sightings });
  sightings = [];
}, flushMs);

process.on('message', (command: Command) => void register(command.id));
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready' });

async function register(id: string): Promise<void> {
  const place = { ip: '127.0.0.1', port: 7_000, instanceId: id };
  const calledAt = String(process.hrtime.bigint());
  await stub.unary('Register', { group, name: 'service', ...place });
  tell({ kind: 'registered', id, calledAt, acknowledgedAt: String(process.hrtime.bigint()) });
}

function tell(word: Word): void {
  process.send?.(word);
}

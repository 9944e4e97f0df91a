/**
 * One Moleculer broker, which notes when it takes a node's services out and when it has them back.
 *
 *   node bench/liveness-moleculer-node.ts PLAN, with an IPC channel
 */
import { createRequire } from 'node:module';
import { indexOfName } from './liveness-cluster.ts';
import { monotonicMs } from './liveness-ledger.ts';

export interface MoleculerPlan {
  /** The package.json beside whose node_modules Moleculer lies. */
  readonly modules: string;
  readonly nodeID: string;
  readonly port: number;
  readonly urls: readonly string[];
}

export type MoleculerWord =
  | { readonly kind: 'ready' }
  | { readonly kind: 'shown' | 'hidden'; readonly subject: number; readonly atMs: number };

/** What is used of Moleculer, which is not among this project's dependencies. */
interface Broker {
  readonly localBus: {
    on(event: string, listener: (told: { readonly node: { readonly id: string } }) => void): void;
  };
  createService(schema: object): void;
  start(): Promise<void>;
}

const plan = JSON.parse(process.argv[2] ?? '') as MoleculerPlan;
const { ServiceBroker } = createRequire(plan.modules)('moleculer') as {
  readonly ServiceBroker: new (options: object) => Broker;
};

const broker = new ServiceBroker({
  nodeID: plan.nodeID,
  logger: false,
  transporter: {
    type: 'TCP',
    // Host names are all the same here, whatever the node.
    options: { udpDiscovery: false, useHostname: false, port: plan.port, urls: plan.urls },
  },
});
broker.createService({ name: plan.nodeID, actions: { where: () => plan.nodeID } });
// It takes the services out right before it says so.
broker.localBus.on('$node.disconnected', ({ node }) => note('hidden', node.id));
broker.localBus.on('$node.connected', ({ node }) => note('shown', node.id));
await broker.start();
tell({ kind: 'ready' });

process.on('disconnect', () => process.exit(0));

function note(kind: 'shown' | 'hidden', nodeID: string): void {
  const atMs = monotonicMs();
  tell({ kind, subject: indexOfName(nodeID), atMs });
}

function tell(word: MoleculerWord): void {
  process.send?.(word);
}

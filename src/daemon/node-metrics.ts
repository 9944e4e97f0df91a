/** Metrics that are read of a node when it is scraped: nothing is kept or counted for them. */
import { Counter, Gauge } from 'prom-client';
import type { Registry as PromRegistry } from 'prom-client';
import type { NodeControl } from '../api/node-control.ts';
import type { Clock } from '../base/clock.ts';
import type { Engine } from '../gossip/engine.ts';
import type { MeteredTransport } from '../gossip/metered-transport.ts';
import type { Checker } from '../health/checker.ts';
import { memberStates } from '../membership/member.ts';
import { healths } from '../record/record.ts';
import { refusalReasons } from '../record/verdict.ts';
import type { Registry } from '../registry/registry.ts';
import { families, restName, restOf } from './counted-metrics.ts';

/** What is read; the daemon hands in its parts. */
export interface MeteredNode {
  readonly registry: Registry;
  readonly control: NodeControl;
  readonly engine: Pick<Engine, 'accusationsHeld' | 'clockTrouble'>;
  readonly checker: Pick<Checker, 'counts'>;
  readonly clock: Clock;
  /** Undefined: there is no network. */
  readonly traffic: Pick<MeteredTransport, 'sent' | 'received'> | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Values = Iterable<readonly [labels: Labels, value: number]>;

/** Makes metrics whose values are read anew for each scrape. */
class Reader {
  readonly #registers: PromRegistry[];

  constructor(registry: PromRegistry) {
    this.#registers = [registry];
  }

  gauge(name: string, help: string, read: () => number | undefined): void {
    this.gauges(name, help, [], () => {
      const value = read();
      return value === undefined ? [] : [[{}, value]];
    });
  }

  gauges(name: string, help: string, labelNames: string[], read: () => Values): void {
    const registers = this.#registers;
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        // Without labels a reset sets it to 0, and what is not known is not 0.
        if (labelNames.length === 0) this.remove({});
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  }

  counters(name: string, help: string, labelNames: string[], read: () => Values): void {
    const registers = this.#registers;
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  }
}

/** Adds all that is read of a node. */
export function addNodeMetrics(prom: PromRegistry, node: MeteredNode): void {
  const reader = new Reader(prom);
  addIdentity(reader, node);
  addState(reader, node);
  addHoldings(reader, node);
  addServices(reader, node);
  addTraffic(reader, node);
  addCounted(reader, node);
}

function addIdentity(reader: Reader, { registry, control }: MeteredNode): void {
  reader.gauges(
    'disco_build_info',
    'Always 1; the labels say what runs.',
    ['version', 'node_version'],
    () => [[{ version: control.describe().version, node_version: process.version }, 1]],
  );
  reader.gauges(
    'disco_node_info',
    'Always 1; the labels say which node it is.',
    ['name', 'cluster', 'zone', 'peer_id'],
    () => {
      const { name, cluster, zone } = control.describe();
      return [[{ name, cluster, zone, peer_id: registry.self }, 1]];
    },
  );
}

function addState(reader: Reader, node: MeteredNode): void {
  const { registry, control } = node;
  reader.gauge('disco_ready', '1 when the node is ready, else 0.', () =>
    Number(control.readiness().isReady),
  );
  reader.gauge('disco_partial', '1 while others are known and none was heard yet.', () =>
    Number(control.isPartial()),
  );
  reader.gauge('disco_isolated', '1 while every link is lost.', () => Number(control.isIsolated()));
  reader.gauge('disco_clock_trouble', "1 while this host's clock is wrong.", () =>
    Number(node.engine.clockTrouble !== undefined),
  );
  reader.gauge(
    'disco_last_reconcile_timestamp_seconds',
    'When this node last compared itself with a peer; absent before the first time.',
    () => {
      const sinceMs = control.sinceReconcileMs();
      return sinceMs === undefined
        ? undefined
        : node.clock.now().wallMicros / 1_000_000 - sinceMs / 1_000;
    },
  );
  reader.gauges('disco_members', 'Members known, this node too, by state.', ['state'], () => {
    const counts = new Map(memberStates.map((state) => [state, 0]));
    for (const { state } of registry.members()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return [...counts].map(([state, count]) => [{ state }, count] as const);
  });
  reader.gauge('disco_links', 'Nodes that this one has a link with.', () => control.linkCount());
  reader.gauge(
    'disco_accusations',
    'Accusations that are held, of whomever.',
    () => node.engine.accusationsHeld,
  );
}

function addHoldings(reader: Reader, { registry }: MeteredNode): void {
  reader.gauges(
    'disco_records',
    'Records held of all owners, by whether they say that an instance is gone.',
    ['kind'],
    () => {
      const held = { live: 0, tombstone: 0 };
      for (const [, { set }] of registry.owners()) {
        held.tombstone += set.tombstones;
        held.live += set.count - set.tombstones;
      }
      return Object.entries(held).map(([kind, count]) => [{ kind }, count] as const);
    },
  );
  reader.gauge('disco_records_bytes', 'Encoded size of the records held of all owners.', () => {
    let bytes = 0;
    for (const [, { set }] of registry.owners()) bytes += set.bytes;
    return bytes;
  });
  reader.gauge('disco_owners', 'Owners of whom something is held, dead ones too.', () => {
    return registry.ownersHeld;
  });
}

function addServices(reader: Reader, node: MeteredNode): void {
  const { registry, control } = node;
  reader.gauges('disco_instances', 'Instances shown, of all nodes, by health.', ['health'], () =>
    healths.map((health) => [{ health }, registry.index.healths[health]] as const),
  );
  reader.gauge('disco_instances_own', 'Instances registered at this daemon.', () => {
    const own = registry.state(registry.self)?.set;
    return own === undefined ? 0 : own.count - own.tombstones;
  });
  reader.gauge(
    'disco_services_holding',
    'Services whose last good answer is held, since most of their instances fell silent at once.',
    () => registry.brake.holdCount,
  );
  reader.gauge('disco_instances_holding', 'Instances shown only because they are held.', () => {
    return registry.brake.holdCount === 0 ? 0 : [...registry.brake.held()].length;
  });
  reader.gauge('disco_maintenance_rules', 'What was taken out of use at this daemon.', () => {
    return registry.maintenance.list().length;
  });
  reader.gauges(
    'disco_service_files',
    'Registration files, by whether they can be read.',
    ['state'],
    () => {
      const { files, bad } = control.serviceFiles();
      return [
        [{ state: 'ok' }, files - bad.length],
        [{ state: 'bad' }, bad.length],
      ];
    },
  );
  reader.gauges('disco_checks', 'Checks of own instances.', ['kind', 'health'], () =>
    node.checker.counts().checks.map(([kind, health, count]) => [{ kind, health }, count] as const),
  );
  reader.counters('disco_check_runs_total', 'Checks that were run.', ['kind', 'result'], () =>
    node.checker.counts().runs.map(([kind, result, count]) => [{ kind, result }, count] as const),
  );
}

function addTraffic(reader: Reader, { traffic }: MeteredNode): void {
  for (const way of ['sent', 'received'] as const) {
    const note = 'own frames and rumors, without what noise, yamux and gossipsub add';
    const seen = () =>
      (traffic?.[way].kinds() ?? []).filter(({ kind, frames }) => frames > 0 || isMain(kind));
    reader.counters(`disco_gossip_frames_${way}_total`, `Frames ${way}, by kind.`, ['kind'], () =>
      seen().map(({ kind, frames }) => [{ kind }, frames] as const),
    );
    reader.counters(
      `disco_gossip_${way}_bytes_total`,
      `Bytes ${way} to and from other nodes, by kind of frame: ${note}.`,
      ['kind'],
      () => seen().map(({ kind, bytes }) => [{ kind }, bytes] as const),
    );
  }
}

/** Told from the start, so that a rate of them is never missing. */
function isMain(kind: string): boolean {
  return kind === 'digest' || kind === 'broadcast';
}

function addCounted(reader: Reader, { registry, control }: MeteredNode): void {
  reader.counters(
    'disco_refusals_total',
    'What of peers was refused, by reason.',
    ['reason'],
    () => {
      const counts = new Map<string, number>(refusalReasons.map((reason) => [reason, 0]));
      for (const [reason, count] of registry.refusals.entries()) counts.set(reason, count);
      return [...counts].map(([reason, count]) => [{ reason }, count] as const);
    },
  );
  for (const { name, help, label, counters } of families) {
    reader.counters(name, help, label === undefined ? [] : [label], () => {
      const counted = control.counted();
      return Object.entries(counters).map(([counter, value]) => {
        return [label === undefined ? {} : { [label]: value }, counted[counter] ?? 0] as const;
      });
    });
  }
  reader.counters(restName, 'Whatever else this node counts, by name.', ['event'], () =>
    restOf(control.counted()).map(([event, count]) => [{ event }, count] as const),
  );
}

/**
 * Metrics: what Prometheus reads at /metrics. METRICS.md explains each; a test holds the two
 * together.
 *
 * What the node knows already is read when it is scraped. Recorded as it happens is only what has no
 * other trace: how long something took, and how API calls ended. Labels have closed lists of values,
 * and never a name that users give.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricsSource } from '../api/api-observer.ts';
import type { Clock, Now } from '../base/clock.ts';
import type { Agent } from '../gossip/agent.ts';
import { MeteredTransport } from '../gossip/metered-transport.ts';
import type { Transport } from '../gossip/transport.ts';
import type { Store } from '../store/store.ts';
import { addNodeMetrics } from './node-metrics.ts';
import type { MeteredNode } from './node-metrics.ts';
import { followLag } from './propagation-lag.ts';
import { TimedStore } from './timed-store.ts';

/** A read from memory takes 0.1 ms, a write to disk 1 to 50, a client's patience 10 s. */
const callBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const commitBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const exchangeBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** From one hop on loopback to a partition of minutes. */
const lagBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];
/** A pause of the garbage collector takes a few ms; what waits for seconds is taken for dead. */
const delayBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** The parts of a daemon that are read and listened to. */
export interface ObservedNode extends Omit<MeteredNode, 'traffic'> {
  readonly agent: Pick<Agent, 'onExchanged'>;
  readonly clock: Clock;
}

/** The metrics of one daemon; times are in seconds, what is told must be finite. */
export class Metrics implements MetricsSource {
  readonly #registry = new Registry();
  readonly #calls: Histogram<'method' | 'code'>;
  readonly #requests: Histogram<'method' | 'route' | 'code'>;
  readonly #watchers: Gauge<'method'>;
  readonly #streams: Counter<'method' | 'code'>;
  readonly #exchanges: Histogram<'outcome'>;
  readonly #lag: Histogram;
  readonly #commits: Histogram;
  readonly #delays: Histogram;
  readonly #commitFailures: Counter;
  #traffic: MeteredTransport | undefined;
  /** Monotonic ms. */
  #tickedMs: number | undefined;

  constructor() {
    const registers = [this.#registry];
    const histogram = <Label extends string>(
      name: string,
      labelNames: readonly Label[],
      buckets: number[],
      help: string,
    ): Histogram<Label> => new Histogram({ name, help, labelNames, buckets, registers });
    this.#calls = histogram(
      'disco_grpc_request_duration_seconds',
      ['method', 'code'],
      callBuckets,
      'Time from a gRPC call with one answer to that answer, by method and code.',
    );
    this.#requests = histogram(
      'disco_http_request_duration_seconds',
      ['method', 'route', 'code'],
      callBuckets,
      'Time from an HTTP request to the end of its answer, by method, route and status.',
    );
    this.#exchanges = histogram(
      'disco_exchange_duration_seconds',
      ['outcome'],
      exchangeBuckets,
      'Time that an exchange of digests took which this node began, by how it ended.',
    );
    this.#lag = histogram(
      'disco_propagation_lag_seconds',
      [],
      lagBuckets,
      'Time from the stamp of a change at its owner until it was true here.',
    );
    this.#commits = histogram(
      'disco_store_commit_duration_seconds',
      [],
      commitBuckets,
      'Time that a transaction took, its fsync included.',
    );
    this.#delays = histogram(
      'disco_event_loop_delay_seconds',
      [],
      delayBuckets,
      'How late a timer of 100 ms was, each time: what every call and peer has to wait for.',
    );
    this.#commitFailures = new Counter({
      name: 'disco_store_commit_failures_total',
      help: 'Transactions that the disk refused.',
      registers,
    });
    this.#watchers = new Gauge({
      name: 'disco_watchers',
      help: 'Streams that are open, by method.',
      labelNames: ['method'],
      registers,
    });
    this.#streams = new Counter({
      name: 'disco_streams_total',
      help: 'Streams that have ended, by method and code.',
      labelNames: ['method', 'code'],
      registers,
    });
    for (const method of ['Watch', 'WatchMembers']) this.#watchers.set({ method }, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The same store, with the time of each commit. */
  timed(store: Store): Store {
    return new TimedStore(store, (seconds, isDone) => {
      if (isDone) this.#commits.observe(seconds);
      else this.#commitFailures.inc();
    });
  }

  /** The same transport, with what goes through it. */
  metered(transport: Transport): Transport {
    this.#traffic = new MeteredTransport(transport);
    return this.#traffic;
  }

  /** Adds what is read of a node and of this process when it is scraped, and what it tells. */
  observe(node: ObservedNode): void {
    const { registry, agent, clock } = node;
    addNodeMetrics(this.#registry, { ...node, traffic: this.#traffic });
    collectDefaultMetrics({ register: this.#registry });
    followLag(registry, clock, (seconds) => this.#lag.observe(seconds));
    agent.onExchanged((outcome, seconds) => this.#exchanges.observe({ outcome }, seconds));
  }

  /** A timer that is set anew each time it fires has fired. @param afterMs that it was set for */
  ticked({ monoMs }: Now, afterMs: number): void {
    const lateMs = monoMs - (this.#tickedMs ?? monoMs - afterMs) - afterMs;
    this.#delays.observe(Math.max(0, lateMs) / 1_000);
    this.#tickedMs = monoMs;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  called(method: string, code: string, seconds: number): void {
    this.#calls.observe({ method, code }, seconds);
  }

  streamOpened(method: string): void {
    this.#watchers.inc({ method });
  }

  streamEnded(method: string, code: string): void {
    this.#watchers.dec({ method });
    this.#streams.inc({ method, code });
  }

  requested(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, code: status }, seconds);
  }
}

import t from 'tap';
import type { ExchangeOutcome } from '../../src/gossip/context.ts';
import { MemoryNetwork } from '../../src/gossip/memory-transport.ts';
import { Metrics } from '../../src/daemon/metrics.ts';
import { Node, SpyStore } from '../api/fixture.ts';
import { thrownBy } from '../store/fixtures.ts';
import { familiesOf, samplesOf } from './metric-lines.ts';

type Exchanged = (outcome: ExchangeOutcome, seconds: number) => void;

function observed() {
  const metrics = new Metrics();
  const node = new Node();
  let exchanged: Exchanged = () => undefined;
  metrics.observe({
    registry: node.registry,
    control: node.control,
    clock: node.clock,
    engine: { accusationsHeld: 0, clockTrouble: undefined },
    checker: { counts: () => ({ checks: [], runs: [] }) },
    agent: { onExchanged: (run) => void (exchanged = run) },
  });
  const samples = async () => samplesOf(await metrics.text());
  return {
    metrics,
    node,
    samples,
    exchanged: (...end: Parameters<Exchanged>) => exchanged(...end),
  };
}

t.test('calls are counted by method and code, in buckets of their time', async (t) => {
  const { metrics, samples } = observed();
  metrics.called('Get', 'OK', 0.0004);
  metrics.called('Get', 'OK', 0.02);
  metrics.called('Get', 'NOT_FOUND', 20);
  const read = await samples();
  const name = 'disco_grpc_request_duration_seconds';
  t.equal(read.get(`${name}_bucket{le="0.0005",method="Get",code="OK"}`), 1);
  t.equal(read.get(`${name}_bucket{le="0.025",method="Get",code="OK"}`), 2);
  t.equal(read.get(`${name}_bucket{le="10",method="Get",code="NOT_FOUND"}`), 0);
  t.equal(read.get(`${name}_count{method="Get",code="NOT_FOUND"}`), 1);
  t.equal(read.get(`${name}_sum{method="Get",code="NOT_FOUND"}`), 20);
});

t.test('requests are counted by method, route and status', async (t) => {
  const { metrics, samples } = observed();
  metrics.requested('GET', '/registry/list', 200, 0.001);
  const labels = 'method="GET",route="/registry/list",code="200"';
  t.equal((await samples()).get(`disco_http_request_duration_seconds_count{${labels}}`), 1);
});

t.test('watchers are those that are open, streams those that ended', async (t) => {
  const { metrics, samples } = observed();
  t.equal((await samples()).get('disco_watchers{method="Watch"}'), 0, 'from the start');
  metrics.streamOpened('Watch');
  metrics.streamOpened('Watch');
  metrics.streamEnded('Watch', 'CANCELLED');
  const read = await samples();
  t.equal(read.get('disco_watchers{method="Watch"}'), 1);
  t.equal(read.get('disco_streams_total{method="Watch",code="CANCELLED"}'), 1);
});

t.test('commits are timed, and those that the disk refuses are counted', async (t) => {
  const { metrics, samples } = observed();
  const store = new SpyStore();
  const timed = metrics.timed(store);
  timed.commit({ revision: 1 });
  store.isFull = true;
  t.equal(thrownBy(() => timed.commit({ revision: 2 })).reason, 'DISK');
  const read = await samples();
  t.equal(read.get('disco_store_commit_duration_seconds_count'), 1);
  t.equal(read.get('disco_store_commit_failures_total'), 1);
});

t.test('a timer is as late as it fires after the time that it was set for', async (t) => {
  const { metrics, samples } = observed();
  for (const monoMs of [1_000, 1_100, 1_450]) metrics.ticked({ monoMs, wallMicros: 0 }, 100);
  const read = await samples();
  t.equal(read.get('disco_event_loop_delay_seconds_count'), 3);
  t.equal(read.get('disco_event_loop_delay_seconds_bucket{le="0.1"}'), 2);
  t.equal(read.get('disco_event_loop_delay_seconds_sum'), 0.25);
});

t.test('exchanges and the lag of changes are heard from the parts of the node', async (t) => {
  const { node, samples, exchanged } = observed();
  exchanged('changed', 0.03);
  node.clock.advance(5_000);
  t.equal(node.hear(2, []).kind, 'applied');
  const read = await samples();
  t.equal(read.get('disco_exchange_duration_seconds_count{outcome="changed"}'), 1);
  t.equal(read.get('disco_propagation_lag_seconds_count'), 1);
  t.ok((read.get('disco_propagation_lag_seconds_sum') ?? 0) > 4);
});

t.test('what goes through the transport is counted', async (t) => {
  const metrics = new Metrics();
  const node = new Node();
  const transport = metrics.metered(new MemoryNetwork(node.clock).join('a', 'mem/a'));
  metrics.observe({
    registry: node.registry,
    control: node.control,
    clock: node.clock,
    engine: { accusationsHeld: 0, clockTrouble: undefined },
    checker: { counts: () => ({ checks: [], runs: [] }) },
    agent: { onExchanged: () => undefined },
  });
  transport.publish(Buffer.alloc(10));
  const read = samplesOf(await metrics.text());
  t.equal(read.get('disco_gossip_sent_bytes_total{kind="broadcast"}'), 10);
});

t.test('the usual metrics of a process are there under their usual names', async (t) => {
  const { metrics } = observed();
  const families = familiesOf(await metrics.text());
  for (const name of ['process_cpu_seconds_total', 'nodejs_heap_size_used_bytes'])
    t.ok(families.has(name), name);
  t.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

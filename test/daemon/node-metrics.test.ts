import { Registry } from 'prom-client';
import t from 'tap';
import { addNodeMetrics } from '../../src/daemon/node-metrics.ts';
import { MeteredTransport } from '../../src/gossip/metered-transport.ts';
import { MemoryNetwork } from '../../src/gossip/memory-transport.ts';
import { Node } from '../api/fixture.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { makeSealed, makeTombstone, signerOf, startMicros } from '../record/fixtures.ts';
import { familiesOf, samplesOf } from './metric-lines.ts';

function setUp() {
  const node = new Node();
  const engine = { accusationsHeld: 0, clockTrouble: undefined as string | undefined };
  const counts = {
    checks: [] as [string, string, number][],
    runs: [] as [string, string, number][],
  };
  const traffic = new MeteredTransport(new MemoryNetwork(node.clock).join('a', 'mem/a'));
  const { registry, control, clock } = node;
  const prom = new Registry();
  const checker = { counts: () => counts };
  addNodeMetrics(prom, { registry, control, clock, engine, checker, traffic });
  const read = async () => samplesOf(await prom.metrics());
  return { node, engine, counts, traffic, prom, read };
}

t.test('a fresh node says who it is, and that there is nothing', async (t) => {
  const { node, read } = setUp();
  const version = `version="0.1.0",node_version="${process.version}"`;
  const name = `name="node-1",cluster="test",zone="",peer_id="${node.self}"`;
  const expected = {
    [`disco_build_info{${version}}`]: 1,
    [`disco_node_info{${name}}`]: 1,
    disco_ready: 1,
    disco_partial: 0,
    disco_isolated: 0,
    disco_clock_trouble: 0,
    'disco_members{state="alive"}': 1,
    'disco_members{state="dead"}': 0,
    disco_links: 0,
    disco_owners: 1,
    'disco_records{kind="live"}': 0,
    'disco_instances{health="passing"}': 0,
    disco_instances_own: 0,
    disco_services_holding: 0,
    'disco_refusals_total{reason="BAD_SIGNATURE"}': 0,
    'disco_exchanges_total{outcome="failed"}': 0,
    'disco_gossip_sent_bytes_total{kind="digest"}': 0,
  };
  const samples = await read();
  const shown = Object.keys(expected).map((key) => [key, samples.get(key)]);
  t.strictSame(Object.fromEntries(shown), expected);
});

t.test('the last reconcile is a time, and absent while there was none', async (t) => {
  const { node, read } = setUp();
  node.control.reconciledMs = undefined;
  t.equal((await read()).has('disco_last_reconcile_timestamp_seconds'), false);
  node.control.reconciledMs = 2_500;
  const expected = startMicros / 1_000_000 - 2.5;
  t.equal((await read()).get('disco_last_reconcile_timestamp_seconds'), expected);
});

t.test('trouble shows as 1', async (t) => {
  const { node, engine, read } = setUp();
  node.control.state = { isReady: false, why: 'joining' };
  node.control.partial = true;
  node.control.isolated = true;
  engine.clockTrouble = 'ten minutes ahead';
  engine.accusationsHeld = 3;
  const samples = await read();
  const names = ['ready', 'partial', 'isolated', 'clock_trouble', 'accusations'];
  t.strictSame(
    names.map((name) => samples.get(`disco_${name}`)),
    [0, 1, 1, 1, 3],
  );
});

t.test('members, records and instances are counted as they are', async (t) => {
  const { node, read } = setUp();
  const { owner } = signerOf(2);
  const records = [
    makeSealed({ owner, instanceId: 'a' }),
    makeSealed({ owner, instanceId: 'b', health: 'critical' }),
    makeTombstone({ owner, instanceId: 'c' }),
  ];
  node.hear(2, records);
  node.hear(3, []);
  node.die(3, 'refused');
  const own = makeRegistration({ instanceId: 'own' });
  node.registry.commit([{ kind: 'register', registration: own }], node.clock.now());
  node.control.linked = [owner];
  const samples = await read();
  t.equal(samples.get('disco_members{state="alive"}'), 2);
  t.equal(samples.get('disco_members{state="dead"}'), 1);
  t.equal(samples.get('disco_owners'), 3);
  t.equal(samples.get('disco_records{kind="live"}'), 3);
  t.equal(samples.get('disco_records{kind="tombstone"}'), 1);
  const bytes = records.reduce((sum, each) => sum + each.bytes.length, 0);
  t.ok((samples.get('disco_records_bytes') ?? 0) > bytes);
  t.equal(samples.get('disco_instances{health="passing"}'), 2);
  t.equal(samples.get('disco_instances{health="critical"}'), 1);
  t.equal(samples.get('disco_instances_own'), 1);
  t.equal(samples.get('disco_links'), 1);
});

t.test('what is held is counted while it is', async (t) => {
  const { node, read } = setUp();
  node.holdService('math', 'add');
  const samples = await read();
  t.equal(samples.get('disco_services_holding'), 1);
  t.equal(samples.get('disco_instances_holding'), 3);
});

t.test('files, checks and rules are counted', async (t) => {
  const { node, counts, read } = setUp();
  const bad = [{ file: 'b.json', problem: 'no JSON' }];
  node.control.files = { ...node.control.files, files: 3, bad };
  counts.checks.push(['tcp', 'passing', 2]);
  counts.runs.push(['tcp', 'failed', 5]);
  const samples = await read();
  t.equal(samples.get('disco_service_files{state="ok"}'), 2);
  t.equal(samples.get('disco_service_files{state="bad"}'), 1);
  t.equal(samples.get('disco_checks{kind="tcp",health="passing"}'), 2);
  t.equal(samples.get('disco_check_runs_total{kind="tcp",result="failed"}'), 5);
  t.equal(samples.get('disco_maintenance_rules'), 0);
});

t.test('refusals and counters are read, and one that nobody expected is told too', async (t) => {
  const { node, traffic, read } = setUp();
  node.registry.refusals.add('BAD_SIGNATURE', 2);
  node.registry.refusals.add('STORED_EXPIRED');
  node.control.counters = { rumors_applied: 7, exchanges_in_sync: 3, holds: 1, brand_new: 4 };
  traffic.message('a', Buffer.from([0x1a, 0]));
  const samples = await read();
  t.equal(samples.get('disco_refusals_total{reason="BAD_SIGNATURE"}'), 2);
  t.equal(samples.get('disco_refusals_total{reason="STORED_EXPIRED"}'), 1);
  t.equal(samples.get('disco_rumors_received_total{outcome="applied"}'), 7);
  t.equal(samples.get('disco_exchanges_total{outcome="in_sync"}'), 3);
  t.equal(samples.get('disco_holds_total'), 1);
  t.equal(samples.get('disco_events_total{event="brand_new"}'), 4);
  t.equal(samples.get('disco_gossip_frames_received_total{kind="digest"}'), 1);
  t.equal(samples.get('disco_gossip_received_bytes_total{kind="digest"}'), 2);
  t.equal((await read()).get('disco_holds_total'), 1, 'a second scrape counts nothing twice');
});

t.test('names end with their unit, and a counter with _total', async (t) => {
  const { prom } = setUp();
  const families = familiesOf(await prom.metrics());
  t.ok(families.size > 40);
  for (const [name, { type }] of families) {
    t.match(name, /^disco_[a-z_]+$/);
    t.equal(type === 'counter', name.endsWith('_total'), name);
    t.notMatch(name, /_(ms|millis|micros|kb|mb)(_|$)/);
  }
});

t.test('how many samples there are does not grow with what is registered', async (t) => {
  const { node, read } = setUp();
  const before = (await read()).size;
  const { owner } = signerOf(2);
  const names = Array.from({ length: 50 }, (_, index) => `service-${index}`);
  node.hear(
    2,
    names.map((name) => makeSealed({ owner, name, group: name })),
  );
  t.equal((await read()).size, before);
});

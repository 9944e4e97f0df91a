/** METRICS.md against what a daemon serves, in both directions. */
import { test } from 'tap';
import { documentedMetrics, familiesOf } from '../daemon/metric-lines.ts';
import { Cluster } from './cluster.ts';

const rows = documentedMetrics();

test('each metric of a daemon is in the document, and each of the document is served', async (t) => {
  const cluster = new Cluster(t);
  const node = await cluster.start('one', { args: ['--http', '127.0.0.1:0'] });
  await node.register({ group: 'math', name: 'add', port: 5001 });
  const { http } = await node.disco.status();
  const watched = node.disco.watch();
  await watched.ready();
  t.teardown(() => watched.close());
  await fetch(`http://${http}/healthz`);
  const served = familiesOf(await (await fetch(`http://${http}/metrics`)).text());
  t.ok(served.size > 80);
  t.strictSame(rows.map(({ name }) => name).toSorted(), [...served.keys()].toSorted());
  for (const { name, type, labels } of rows) {
    const family = served.get(name);
    t.equal(family?.type, type, `the type of ${name}`);
    const strange = family?.labels.filter((label) => !labels.includes(label));
    t.strictSame(strange, [], `labels of ${name} that the document does not have`);
  }
  const label = (name: string) => served.get(name)?.labels;
  t.strictSame(label('disco_grpc_request_duration_seconds'), ['method', 'code']);
  t.strictSame(label('disco_http_request_duration_seconds'), ['method', 'route', 'code']);
  t.strictSame(label('disco_instances'), ['health']);
});

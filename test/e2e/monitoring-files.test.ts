/** The files of examples/monitoring against METRICS.md, which is held against a daemon elsewhere. */
import { test } from 'tap';
import { documentedMetrics } from '../daemon/metric-lines.ts';
import { alertExpressions, dashboard, dashboardExpressions, namedIn } from './monitoring-files.ts';

const documented = new Map(documentedMetrics().map((metric) => [metric.name, metric]));
/** Of every target that Prometheus scrapes. */
const usual = ['job', 'instance'];

/** What an expression names that there is not. */
function missingIn(text: string): string[] {
  const { metrics, labels } = namedIn(text);
  if (metrics.length === 0) return [`no metric in ${text}`];
  const found = metrics.map((name) => {
    const whole = documented.get(name.replace(/_(?:bucket|sum|count)$/, ''));
    const isPart = whole?.type === 'histogram' && whole.name !== name;
    return { name, metric: isPart ? whole : documented.get(name), isPart };
  });
  const known = new Set([...usual, 'le', ...found.flatMap(({ metric }) => metric?.labels ?? [])]);
  return [
    ...found
      .filter(({ name, metric, isPart }) => {
        if (name === 'up') return false;
        // A histogram is only there in its parts.
        return metric === undefined || (metric.type === 'histogram' && !isPart);
      })
      .map(({ name }) => name),
    ...labels.filter((label) => !known.has(label)).map((label) => `label ${label}`),
  ];
}

test('every alert asks for metrics and labels that there are', (t) => {
  const alerts = alertExpressions();
  t.ok(alerts.length > 10);
  for (const { where, text } of alerts) t.strictSame(missingIn(text), [], where);
  t.end();
});

test('every panel of the dashboard asks for metrics and labels that there are', (t) => {
  const panels = dashboardExpressions();
  t.ok(panels.length > 30);
  for (const { where, text } of panels) t.strictSame(missingIn(text), [], where);
  for (const { text } of panels) t.notMatch(text, /\$/, 'no variable is left');
  t.end();
});

test('it is noticed when an expression asks for what there is not', (t) => {
  t.strictSame(missingIn('rate(disco_nope_total[5m]) > 0'), ['disco_nope_total']);
  t.strictSame(missingIn('disco_members{stat="dead"}'), ['label stat']);
  t.strictSame(missingIn('sum by (service) (disco_links)'), ['label service']);
  t.strictSame(missingIn('disco_grpc_request_duration_seconds > 1'), [
    'disco_grpc_request_duration_seconds',
  ]);
  t.strictSame(missingIn('vector(1)'), ['no metric in vector(1)']);
  t.end();
});

test('the variables of the dashboard are those that its panels use', (t) => {
  const names = dashboard().templating.list.map(({ name }) => name);
  t.strictSame(names, ['datasource', 'job', 'instance']);
  t.match(JSON.stringify(dashboard().templating), /label_values\(disco_build_info, job\)/);
  t.end();
});

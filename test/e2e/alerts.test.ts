/** Each alert of the examples fires on what it is for, and on nothing else. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'tap';
import { alertExpressions, isInstalled, rulesFile } from './monitoring-files.ts';

const skip = isInstalled('promtool') ? false : 'no promtool on PATH';

/** Values of a series each 15 s, in promtool's form: a start, plus so much a step, so many times. */
type Series = Readonly<Record<string, string>>;

const always = (value: number): string => `${value}+0x80`;
const rising = (step: number): string => `0+${step}x80`;
const a = 'job="disco",instance="a"';

/** A histogram whose every observation is small. */
const quick = (name: string): Series => ({
  [`${name}_bucket{${a},le="0.1"}`]: rising(10),
  [`${name}_bucket{${a},le="30"}`]: rising(10),
  [`${name}_bucket{${a},le="+Inf"}`]: rising(10),
});
/** And the change that makes every one of them large. */
const slow = (name: string): Series => ({ [`${name}_bucket{${a},le="0.1"}`]: always(0) });

const healthy: Series = {
  [`up{${a}}`]: always(1),
  [`disco_ready{${a}}`]: always(1),
  [`disco_isolated{${a}}`]: always(0),
  // promtool's time begins at 0.
  [`disco_last_reconcile_timestamp_seconds{${a}}`]: rising(15),
  [`disco_members{${a},state="alive"}`]: always(2),
  [`disco_members{job="disco",instance="b",state="alive"}`]: always(2),
  [`disco_members{${a},state="dead"}`]: always(0),
  [`disco_services_holding{${a}}`]: always(0),
  [`disco_exchanges_total{${a},outcome="in_sync"}`]: rising(15),
  [`disco_exchanges_total{${a},outcome="failed"}`]: rising(1),
  [`disco_clock_trouble{${a}}`]: always(0),
  [`disco_refusals_total{${a},reason="BAD_SIGNATURE"}`]: always(7),
  [`disco_refusals_total{${a},reason="PEER_THROTTLED"}`]: rising(3),
  [`disco_store_commit_failures_total{${a}}`]: always(1),
  [`disco_grpc_request_duration_seconds_count{${a},method="Get",code="OK"}`]: rising(100),
  [`disco_grpc_request_duration_seconds_count{${a},method="Get",code="NOT_FOUND"}`]: rising(9),
  [`disco_streams_total{${a},method="Watch",code="CANCELLED"}`]: rising(1),
  [`disco_service_files{${a},state="bad"}`]: always(0),
  ...quick('disco_propagation_lag_seconds'),
  ...quick('disco_store_commit_duration_seconds'),
  ...quick('disco_event_loop_delay_seconds'),
};

/** What is otherwise when an alert is to fire. */
const trouble: Readonly<Record<string, Series>> = {
  DiscoDaemonDown: { [`up{${a}}`]: always(0) },
  DiscoNotReady: { [`disco_ready{${a}}`]: always(0) },
  DiscoIsolated: { [`disco_isolated{${a}}`]: always(1) },
  DiscoStale: { [`disco_last_reconcile_timestamp_seconds{${a}}`]: always(0) },
  DiscoHolding: { [`disco_services_holding{${a}}`]: always(1) },
  DiscoMembersDead: { [`disco_members{${a},state="dead"}`]: always(1) },
  DiscoSplit: { [`disco_members{${a},state="alive"}`]: always(5) },
  DiscoSlowPropagation: slow('disco_propagation_lag_seconds'),
  DiscoExchangesFail: { [`disco_exchanges_total{${a},outcome="failed"}`]: rising(15) },
  DiscoClock: { [`disco_clock_trouble{${a}}`]: always(1) },
  DiscoForgery: { [`disco_refusals_total{${a},reason="BAD_SIGNATURE"}`]: rising(1) },
  DiscoDisk: { [`disco_store_commit_failures_total{${a}}`]: rising(1) },
  DiscoSlowDisk: slow('disco_store_commit_duration_seconds'),
  DiscoBusy: slow('disco_event_loop_delay_seconds'),
  DiscoApiErrors: {
    [`disco_grpc_request_duration_seconds_count{${a},method="Get",code="INTERNAL"}`]: rising(1),
  },
  DiscoSlowWatchers: {
    [`disco_streams_total{${a},method="Watch",code="RESOURCE_EXHAUSTED"}`]: rising(1),
  },
  DiscoServiceFileBad: { [`disco_service_files{${a},state="bad"}`]: always(1) },
};

/** A case for promtool: with these series exactly this alert fires, or none. */
function caseOf(series: Series, alert?: string): object {
  const labels = alert === undefined ? undefined : `{alertname="${alert}"}`;
  return {
    name: alert ?? 'healthy',
    interval: '15s',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '20m',
        exp_samples: labels === undefined ? [] : [{ labels, value: 1 }],
      },
    ],
  };
}

test('every alert is tried', (t) => {
  t.strictSame(
    Object.keys(trouble),
    alertExpressions().map(({ where }) => where),
  );
  t.end();
});

test('a healthy cluster fires none, and each trouble its own alert', { skip }, (t) => {
  const folder = t.testdir({});
  const run = (cases: readonly object[]): string => {
    const tests = { rule_files: [rulesFile], evaluation_interval: '15s', tests: cases };
    writeFileSync(`${folder}/cases.json`, JSON.stringify(tests));
    const args = ['test', 'rules', `${folder}/cases.json`];
    try {
      return execFileSync('promtool', args, { encoding: 'utf8', timeout: 60_000, stdio: 'pipe' });
    } catch (error) {
      return (error as { stderr: string; stdout: string }).stdout + String(error);
    }
  };
  const cases = Object.entries(trouble).map(([alert, change]) =>
    caseOf({ ...healthy, ...change }, alert),
  );
  t.match(run([caseOf(healthy), ...cases]), /SUCCESS/);
  t.match(run([caseOf(healthy, 'DiscoHolding')]), /FAILED/, 'it is noticed when one does not fire');
  t.end();
});

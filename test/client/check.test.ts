import { test } from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { checkToProto, reportFromProto } from '../../src/client/check.ts';
import type { CheckOptions } from '../../src/client/check.ts';
import { disco } from '../../src/gen/discovery.js';

const { Check, CheckReport, Health } = disco.v1;

const full = {
  kind: 'http',
  path: '/healthz',
  expectedStatus: 204,
  method: 'HEAD',
  tls: true,
  intervalMs: 60_000,
  timeoutMs: 2_000,
  initialDelayMs: 500,
  successesBeforePassing: 2,
  failuresBeforeWarning: 3,
  failuresBeforeCritical: 4,
} as const;

test('every field of a check survives the way to the wire and back', async (t) => {
  for (const kind of ['tcp', 'http', 'grpc', 'identity'] as const) {
    const sent = Check.encode(checkToProto({ ...full, kind })).finish();
    const { check } = reportFromProto({ check: Check.decode(sent) });
    t.strictSame(check, { ...full, kind });
  }
});

test('what is left out is left to the daemon', async (t) => {
  const sent = Check.encode(checkToProto({ kind: 'tcp' })).finish();
  t.strictSame(sent, Check.encode({ kind: Check.Kind.TCP }).finish());
});

test('what protobuf would bend is refused before it is sent', async (t) => {
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 32, '5']) {
    const intervalMs = value as number;
    const sentence = `intervalMs of a check is ${value}; expected a whole number, or none`;
    t.throws(
      () => checkToProto({ kind: 'tcp', intervalMs }),
      new DiscoError('INVALID_ARGUMENT', 'INVALID_CHECK', sentence),
    );
  }
  const kind = 'udp' as CheckOptions['kind'];
  const sentence = `a check's kind is "udp"; expected tcp, http, grpc or identity`;
  t.throws(
    () => checkToProto({ kind }),
    new DiscoError('INVALID_ARGUMENT', 'INVALID_CHECK', sentence),
  );
});

test('a report is plain and frozen, with its results in the order of the daemon', async (t) => {
  const reason = 'identity_mismatch';
  const results = [
    { time: 1_763_000_000_000_001, durationMicros: 1_500, output: 'no', reason },
    { time: 1_763_000_000_000_000, durationMicros: 20, status: Health.HEALTH_PASSING },
  ];
  const sent = { check: checkToProto(full), health: Health.HEALTH_WARNING, results };
  const report = reportFromProto(CheckReport.decode(CheckReport.encode(sent).finish()));
  t.strictSame(report, {
    check: full,
    health: 'warning',
    results: [
      { time: 1_763_000_000_000_001, durationMs: 1.5, passed: false, output: 'no', reason },
      { time: 1_763_000_000_000_000, durationMs: 0.02, passed: true, output: '', reason: '' },
    ],
  });
  t.ok([report, report.check, report.results, report.results[0]].every(Object.isFrozen));
});

test('what a later daemon says and this client does not know is shown as such', async (t) => {
  const report = reportFromProto({ check: { kind: 99 as 1 }, health: 99 as 1 });
  t.equal(report.check.kind, 'unknown');
  t.equal(report.health, 'critical');
  t.equal(reportFromProto({ health: Health.HEALTH_PASSING }).health, 'passing');
  t.strictSame(reportFromProto({}).results, []);
});

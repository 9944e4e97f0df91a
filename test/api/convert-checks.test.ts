import t from 'tap';
import { reportMessage } from '../../src/api/convert-checks.ts';
import { checkChecks } from '../../src/api/validate-checks.ts';
import { disco } from '../../src/gen/discovery.js';
import { makeCheck } from '../contract/store-contract.ts';

const { CheckReport, Health } = disco.v1;

t.test('a report says field by field what runs and what it found', (t) => {
  const check = makeCheck({ kind: 'http', path: '/healthz', method: 'GET', expectedStatus: 204 });
  const time = 1_763_000_000_000_001;
  const reason = 'identity_mismatch' as const;
  const results = [
    { time: time + 1, durationMs: 1.2345, hasPassed: false, output: '503 Busy' },
    { time: time + 2, durationMs: 1, hasPassed: false, output: 'no', reason },
    { time, durationMs: 0.5, hasPassed: true, output: '204 No Content' },
  ];
  const message = reportMessage({ check, health: 'warning', results });
  const back = CheckReport.decode(CheckReport.encode(message).finish());
  t.equal(back.health, Health.HEALTH_WARNING);
  t.strictSame(
    back.results.map((one) => [
      Number(one.time),
      Number(one.durationMicros),
      one.status,
      one.output,
      one.reason,
    ]),
    [
      [time + 1, 1_235, Health.HEALTH_CRITICAL, '503 Busy', ''],
      [time + 2, 1_000, Health.HEALTH_CRITICAL, 'no', reason],
      [time, 500, Health.HEALTH_PASSING, '204 No Content', ''],
    ],
  );
  t.end();
});

t.test('a check that is read back can be registered again as it is', (t) => {
  for (const kind of ['tcp', 'http', 'grpc', 'identity'] as const) {
    const http = kind === 'http' ? { path: '/x', method: 'HEAD', tls: true } : {};
    const check = makeCheck({ kind, intervalMs: 500, timeoutMs: 400, initialDelayMs: 7, ...http });
    const message = reportMessage({ check, health: 'passing', results: [] });
    const back = CheckReport.decode(CheckReport.encode(message).finish());
    t.strictSame(checkChecks([back.check ?? {}]), [check]);
  }
  t.end();
});

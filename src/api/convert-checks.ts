/** From checks and what they found to the messages of the API. */
import { disco } from '../gen/discovery.js';
import type { CheckReport, CheckResult } from '../registry/check-state.ts';
import type { Check } from '../store/store.ts';
import { wireHealth } from './convert.ts';

const { Kind } = disco.v1.Check;

const wireKind: Readonly<Record<Check['kind'], disco.v1.Check.Kind>> = {
  tcp: Kind.TCP,
  http: Kind.HTTP,
  grpc: Kind.GRPC,
  identity: Kind.IDENTITY,
};

/** A check as it runs, and its results, newest first. */
export function reportMessage(report: CheckReport): disco.v1.CheckReport.$Properties {
  const { check, health, results } = report;
  return {
    check: { ...check, kind: wireKind[check.kind] },
    health: wireHealth[health],
    results: results.map(resultMessage),
  };
}

function resultMessage(result: CheckResult): disco.v1.CheckResult.$Properties {
  const { time, durationMs, hasPassed, output, reason = '' } = result;
  const status = wireHealth[hasPassed ? 'passing' : 'critical'];
  return { time, durationMicros: Math.round(durationMs * 1_000), status, output, reason };
}

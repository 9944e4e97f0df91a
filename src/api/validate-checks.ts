/**
 * Validation of checks at the border: whole, with every default filled in, or one clear error.
 */
import { disco } from '../gen/discovery.js';
import { safeInteger } from '../record/encoding.ts';
import type { WireInteger } from '../record/encoding.ts';
import type { Check } from '../store/store.ts';
import { invalid, quote } from './validate.ts';

export const checksMax = 8;
export const checkIntervalMsMin = 100;
export const checkIntervalMsMax = 24 * 3_600_000;
export const checkTimeoutMsMin = 10;
export const checkPathCharsMax = 512;
export const checkRunsMax = 100;
export const checkMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'POST'];

const intervalMsDefault = 10_000;
const timeoutMsDefault = 5_000;
const failuresBeforeCriticalDefault = 3;

type WireCheck = disco.v1.Check.$Properties;
const { Kind } = disco.v1.Check;

/** By what people call them, as they travel. */
export const checkKinds = {
  tcp: Kind.TCP,
  http: Kind.HTTP,
  grpc: Kind.GRPC,
  identity: Kind.IDENTITY,
} as const;

const kinds: ReadonlyMap<number, Check['kind']> = new Map([
  [checkKinds.tcp, 'tcp'],
  [checkKinds.http, 'http'],
  [checkKinds.grpc, 'grpc'],
  [checkKinds.identity, 'identity'],
]);

/**
 * From one `/`, of what a request line takes: visible ASCII, and no fragment. Two are what is left of
 * a URL, whose host somebody may believe is asked.
 */
const pathPattern = /^\/(?!\/)[\x21-\x22\x24-\x7e]*$/;
/** A full name of protobuf, with room for what people make of it. */
const servicePattern = /^[\x21-\x7e]*$/;

/** @throws DiscoError INVALID_ARGUMENT/INVALID_CHECK, naming the check and its field */
export function checkChecks(checks: readonly WireCheck[]): readonly Check[] {
  if (checks.length > checksMax) {
    const sentence = `there are ${checks.length} checks: at most ${checksMax} are allowed`;
    throw invalid('INVALID_CHECK', sentence);
  }
  return checks.map((check, index) => checkOne(check, `checks[${index}]`));
}

function checkOne(check: WireCheck, where: string): Check {
  const kind = kinds.get(check.kind ?? 0);
  if (kind === undefined) throw refusal(`${where}.kind`, String(check.kind ?? 0), kindRule);
  const { intervalMs, timeoutMs } = checkTimes(check, where);
  const delay = { least: 0, most: checkIntervalMsMax, unit: ' ms', ifZero: 0 };
  return {
    kind,
    path: checkPath(kind, check.path ?? '', `${where}.path`),
    expectedStatus: checkStatus(kind, check.expectedStatus ?? 0, `${where}.expected_status`),
    method: checkMethod(kind, check.method ?? '', `${where}.method`),
    tls: checkTls(kind, check.tls ?? false, `${where}.tls`),
    intervalMs,
    timeoutMs,
    initialDelayMs: checkNumber(`${where}.initial_delay_ms`, check.initialDelayMs, delay),
    ...checkLimits(check, where),
  };
}

const kindRule = 'give TCP (1), HTTP (2), GRPC (3) or IDENTITY (4)';

function checkTimes(check: WireCheck, where: string): Pick<Check, 'intervalMs' | 'timeoutMs'> {
  const intervalMs = checkNumber(`${where}.interval_ms`, check.intervalMs, {
    least: checkIntervalMsMin,
    most: checkIntervalMsMax,
    unit: ' ms',
    ifZero: intervalMsDefault,
  });
  const timeoutMs = checkNumber(`${where}.timeout_ms`, check.timeoutMs, {
    least: checkTimeoutMsMin,
    most: checkIntervalMsMax,
    unit: ' ms',
    ifZero: Math.min(timeoutMsDefault, intervalMs),
  });
  if (timeoutMs <= intervalMs) return { intervalMs, timeoutMs };
  const sentence = `${where}.timeout_ms is ${timeoutMs} and interval_ms is ${intervalMs}: a run has to end before the next is due, so give a timeout of at most the interval`;
  throw invalid('INVALID_CHECK', sentence);
}

type Limits = Pick<
  Check,
  'successesBeforePassing' | 'failuresBeforeWarning' | 'failuresBeforeCritical'
>;

function checkLimits(check: WireCheck, where: string): Limits {
  const limit = (field: string, value: number | null | undefined, ifZero: number): number =>
    checkNumber(`${where}.${field}`, value, { least: 1, most: checkRunsMax, unit: '', ifZero });
  const successesBeforePassing = limit('successes_before_passing', check.successesBeforePassing, 1);
  const failuresBeforeWarning = limit('failures_before_warning', check.failuresBeforeWarning, 1);
  const failuresBeforeCritical = limit(
    'failures_before_critical',
    check.failuresBeforeCritical,
    Math.max(failuresBeforeCriticalDefault, failuresBeforeWarning),
  );
  if (failuresBeforeWarning <= failuresBeforeCritical)
    return { successesBeforePassing, failuresBeforeWarning, failuresBeforeCritical };
  const sentence = `${where}.failures_before_warning is ${failuresBeforeWarning} and failures_before_critical is ${failuresBeforeCritical}: it would be critical before it is a warning; to leave warning out, give both the same number`;
  throw invalid('INVALID_CHECK', sentence);
}

function checkPath(kind: Check['kind'], path: string, field: string): string {
  // An identity is asked for over gRPC when there is no path.
  if (kind === 'http' || (kind === 'identity' && path !== '')) {
    const given = path === '' ? '/' : path;
    if (given.length <= checkPathCharsMax && pathPattern.test(given)) return given;
    const rule = `give a path from one "/" on, with a query if need be: at most ${checkPathCharsMax} visible ASCII characters, others percent-encoded, and no "#"; host and port are those of the instance`;
    throw refusal(field, quote(path), rule);
  }
  if (kind === 'grpc' && path.length <= checkPathCharsMax && servicePattern.test(path)) return path;
  if (path === '') return path;
  const rule =
    kind === 'tcp'
      ? 'a TCP check only connects; leave it out, or make it an HTTP check'
      : `give the name of a service, at most ${checkPathCharsMax} visible ASCII characters, or nothing for the whole server`;
  throw refusal(field, quote(path), rule);
}

function checkStatus(kind: Check['kind'], status: number, field: string): number {
  if (status === 0) return 0;
  if (kind !== 'http') throw refusal(field, String(status), onlyHttp);
  if (status >= 200 && status <= 599) return status;
  throw refusal(field, String(status), 'give 200 to 599, or 0 for any of 200 to 299');
}

function checkMethod(kind: Check['kind'], method: string, field: string): string {
  if (kind !== 'http' && method === '') return '';
  if (kind !== 'http') throw refusal(field, quote(method), onlyHttp);
  if (method === '') return 'GET';
  if (checkMethods.includes(method)) return method;
  throw refusal(field, quote(method), `give one of ${checkMethods.join(', ')}`);
}

function checkTls(kind: Check['kind'], tls: boolean, field: string): boolean {
  if (!tls || kind !== 'tcp') return tls;
  throw refusal(field, 'true', 'a TCP check only connects; make it an HTTP or a GRPC check');
}

const onlyHttp = 'only an HTTP check has it; leave it out, or make it one';

interface NumberRule {
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  /** What is taken when it was left out. */
  readonly ifZero: number;
}

function checkNumber(
  field: string,
  value: WireInteger | null | undefined,
  rule: NumberRule,
): number {
  const { least, most, unit, ifZero } = rule;
  const given = safeInteger(value ?? 0);
  if (given === 0) return ifZero;
  if (given >= least && given <= most) return given;
  const sent = String(value);
  throw refusal(field, sent, `give ${least} to ${most}${unit}, or leave it out for ${ifZero}`);
}

function refusal(field: string, sent: string, rule: string) {
  return invalid('INVALID_CHECK', `${field} is ${sent}: ${rule}`);
}

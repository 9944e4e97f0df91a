/**
 * Checks as applications see them: what the daemon is asked to run, and what it found.
 */
import { DiscoError } from '../base/error.ts';
import { disco } from '../gen/discovery.js';

/**
 * `tcp`: the port takes a connection; `http`, `grpc`: a request is answered as expected; `identity`:
 * who answers proves to be the registered process, see RegisterOptions.identity.
 */
export type CheckKind = 'tcp' | 'http' | 'grpc' | 'identity';

/** A check that the daemon runs against the address of the instance, and nowhere else. */
export interface CheckOptions {
  readonly kind: CheckKind;
  /**
   * http: path and query, default `/`. grpc: the service asked about, default the whole server.
   * identity: path over HTTP, default none: gRPC.
   */
  readonly path?: string | undefined;
  /** http: 200 to 599; default any of 200 to 299. */
  readonly expectedStatus?: number | undefined;
  /** http: GET (default), HEAD, OPTIONS or POST. */
  readonly method?: string | undefined;
  /** All but tcp: over TLS, whoever the certificate names; default false. */
  readonly tls?: boolean | undefined;
  /** Between the begins of two runs: 100 to 86,400,000; default 10,000. */
  readonly intervalMs?: number | undefined;
  /** 10 to `intervalMs`; default 5,000, or `intervalMs` when that is less. */
  readonly timeoutMs?: number | undefined;
  /** Before the first run; default 0. */
  readonly initialDelayMs?: number | undefined;
  /** In a row, 1 to 100; default 1. */
  readonly successesBeforePassing?: number | undefined;
  /** In a row, at most `failuresBeforeCritical`; default 1. */
  readonly failuresBeforeWarning?: number | undefined;
  /** In a row, 1 to 100; default 3. */
  readonly failuresBeforeCritical?: number | undefined;
}

type NumberField = {
  [F in keyof CheckOptions]-?: CheckOptions[F] extends number | undefined ? F : never;
}[keyof CheckOptions];

type Filled = {
  readonly [F in keyof Omit<CheckOptions, 'kind'>]-?: NonNullable<CheckOptions[F]>;
};

/** A check as the daemon runs it, with every default filled in. */
export interface Check extends Filled {
  /** `unknown`: of a kind that came after this client. */
  readonly kind: CheckKind | 'unknown';
}

/** One run of a check. */
export interface CheckResult {
  /** When it ended; microseconds since the epoch. */
  readonly time: number;
  readonly durationMs: number;
  readonly passed: boolean;
  /** What was answered, or what went wrong: one line of 512 characters at most. */
  readonly output: string;
  /** What a program can go by: `identity_mismatch`, or nothing. */
  readonly reason: string;
}

/** A check and what it found. */
export interface CheckReport {
  readonly check: Check;
  /** What its runs come to; the worst of its checks and its ttl is the health of an instance. */
  readonly health: 'passing' | 'warning' | 'critical';
  /** Newest first, five at most; empty before the first run ended. */
  readonly results: readonly CheckResult[];
}

const { Health } = disco.v1;
const { Kind } = disco.v1.Check;

const kindToProto: Readonly<Record<CheckKind, disco.v1.Check.Kind>> = {
  tcp: Kind.TCP,
  http: Kind.HTTP,
  grpc: Kind.GRPC,
  identity: Kind.IDENTITY,
};

const kindFromProto: ReadonlyMap<number, CheckKind> = new Map(
  (['tcp', 'http', 'grpc', 'identity'] as const).map((kind) => [kindToProto[kind], kind]),
);

/**
 * What protobuf would silently bend into something else is refused here; the daemon knows the rest.
 *
 * @throws DiscoError INVALID_ARGUMENT/INVALID_CHECK
 */
export function checkToProto(check: CheckOptions): disco.v1.Check.$Properties {
  const kind: disco.v1.Check.Kind | undefined = kindToProto[check.kind];
  if (kind === undefined) {
    const given = JSON.stringify(check.kind);
    throw refused(`a check's kind is ${given}; expected tcp, http, grpc or identity`);
  }
  const number = (field: NumberField): number => wholeNumber(field, check[field]);
  return {
    kind,
    path: check.path ?? '',
    expectedStatus: number('expectedStatus'),
    method: check.method ?? '',
    tls: check.tls ?? false,
    intervalMs: number('intervalMs'),
    timeoutMs: number('timeoutMs'),
    initialDelayMs: number('initialDelayMs'),
    successesBeforePassing: number('successesBeforePassing'),
    failuresBeforeWarning: number('failuresBeforeWarning'),
    failuresBeforeCritical: number('failuresBeforeCritical'),
  };
}

/** Frozen, and a copy: nothing of the message is kept. */
export function reportFromProto(message: disco.v1.CheckReport.$Properties): CheckReport {
  return Object.freeze({
    check: Object.freeze(checkFromProto(message.check ?? {})),
    health: healthFromProto(message.health),
    results: Object.freeze((message.results ?? []).map(resultFromProto)),
  });
}

function checkFromProto(message: disco.v1.Check.$Properties): Check {
  return {
    kind: kindFromProto.get(message.kind ?? 0) ?? 'unknown',
    path: message.path ?? '',
    expectedStatus: message.expectedStatus ?? 0,
    method: message.method ?? '',
    tls: message.tls ?? false,
    intervalMs: Number(message.intervalMs ?? 0),
    timeoutMs: Number(message.timeoutMs ?? 0),
    initialDelayMs: Number(message.initialDelayMs ?? 0),
    successesBeforePassing: message.successesBeforePassing ?? 0,
    failuresBeforeWarning: message.failuresBeforeWarning ?? 0,
    failuresBeforeCritical: message.failuresBeforeCritical ?? 0,
  };
}

function resultFromProto(message: disco.v1.CheckResult.$Properties): CheckResult {
  return Object.freeze({
    time: Number(message.time ?? 0),
    durationMs: Number(message.durationMicros ?? 0) / 1_000,
    passed: message.status === Health.HEALTH_PASSING,
    output: message.output ?? '',
    reason: message.reason ?? '',
  });
}

/** What this client does not know is critical: nobody is sent there by mistake. */
function healthFromProto(value: number | null | undefined): CheckReport['health'] {
  if (value === Health.HEALTH_PASSING) return 'passing';
  return value === Health.HEALTH_WARNING ? 'warning' : 'critical';
}

/** 0 stands for: left to the daemon. Most of the fields are 32 bits wide on the wire. */
function wholeNumber(field: string, value: number | undefined): number {
  if (value === undefined) return 0;
  if (value === value >>> 0) return value;
  throw refused(`${field} of a check is ${value}; expected a whole number, or none`);
}

function refused(sentence: string): DiscoError {
  return new DiscoError('INVALID_ARGUMENT', 'INVALID_CHECK', sentence);
}

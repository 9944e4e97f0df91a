/** The flags of `register` that say how an instance is checked. */
import type { Command } from 'commander';
import type { CheckOptions } from '../client/check.ts';
import { CliError } from './exit.ts';
import { collect, parseDuration } from './output.ts';

export interface CheckFlags {
  readonly check?: string[];
  readonly checkInterval?: string;
  readonly checkTimeout?: string;
  readonly checkDelay?: string;
  readonly checkStatus?: string;
  readonly checkMethod?: string;
  readonly checkPasses?: string;
  readonly checkWarning?: string;
  readonly checkCritical?: string;
}

const forms =
  'tcp, http:/PATH, https:/PATH, grpc, grpc:SERVICE, grpcs:SERVICE, identity, ' +
  'identity:/PATH, identity-tls or identity-tls:/PATH';

export function addCheckOptions(command: Command): Command {
  return command
    .option('--check <check>', `${forms}; may be repeated`, collect)
    .option('--check-interval <duration>', 'how often each check runs; default: 10s')
    .option('--check-timeout <duration>', 'what takes longer failed; default: 5s')
    .option('--check-delay <duration>', 'before the first run; default: none')
    .option('--check-status <status>', 'that an HTTP check expects; default: 200 to 299')
    .option('--check-method <method>', 'of an HTTP check; default: GET')
    .option('--check-passes <count>', 'successes in a row that make it passing; default: 1')
    .option('--check-warning <count>', 'failures in a row that make it a warning; default: 1')
    .option('--check-critical <count>', 'failures in a row that make it critical; default: 3');
}

/**
 * The checks that were asked for; the other flags hold for each of them, --check-status and
 * --check-method for the HTTP ones.
 *
 * @throws CliError usage
 */
export function readChecks(flags: CheckFlags): CheckOptions[] {
  const checks = (flags.check ?? []).map(readCheck);
  needChecks(flags, checks);
  const shared = {
    ...duration('intervalMs', flags.checkInterval),
    ...duration('timeoutMs', flags.checkTimeout),
    ...duration('initialDelayMs', flags.checkDelay),
    ...count('successesBeforePassing', '--check-passes', flags.checkPasses),
    ...count('failuresBeforeWarning', '--check-warning', flags.checkWarning),
    ...count('failuresBeforeCritical', '--check-critical', flags.checkCritical),
  };
  const ofHttp = {
    ...count('expectedStatus', '--check-status', flags.checkStatus),
    ...(flags.checkMethod === undefined ? {} : { method: flags.checkMethod.toUpperCase() }),
  };
  return checks.map((check) => ({ ...check, ...shared, ...(check.kind === 'http' && ofHttp) }));
}

function readCheck(text: string): CheckOptions {
  const [word, path] = split(text);
  switch (word) {
    case 'tcp':
      if (path !== undefined) break;
      return { kind: 'tcp' };
    case 'http':
    case 'https':
      return { kind: 'http', path: path ?? '/', tls: word === 'https' };
    case 'grpc':
    case 'grpcs':
      return { kind: 'grpc', path: path ?? '', tls: word === 'grpcs' };
    case 'identity':
    case 'identity-tls':
      return { kind: 'identity', path: path ?? '', tls: word === 'identity-tls' };
  }
  throw new CliError(2, `--check ${text}: write ${forms}`);
}

/** `http:/healthz` is `http` and `/healthz`; a word alone has no path. */
function split(text: string): [string, string | undefined] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

const shareds = {
  checkInterval: '--check-interval',
  checkTimeout: '--check-timeout',
  checkDelay: '--check-delay',
  checkPasses: '--check-passes',
  checkWarning: '--check-warning',
  checkCritical: '--check-critical',
  checkStatus: '--check-status',
  checkMethod: '--check-method',
} as const;

/** A flag that would change nothing is a mistake. */
function needChecks(flags: CheckFlags, checks: readonly CheckOptions[]): void {
  for (const [key, flag] of Object.entries(shareds)) {
    if (flags[key as keyof typeof shareds] === undefined) continue;
    const isForHttp = key === 'checkStatus' || key === 'checkMethod';
    if (isForHttp && !checks.some(({ kind }) => kind === 'http'))
      throw new CliError(2, `${flag}: give --check http:/PATH too, only that has it`);
    if (checks.length === 0)
      throw new CliError(2, `${flag}: give --check too, such as --check tcp`);
  }
}

function duration<K extends string>(field: K, text: string | undefined): { [F in K]?: number } {
  if (text === undefined) return {};
  return { [field]: parseDuration(text) } as { [F in K]?: number };
}

function count<K extends string>(
  field: K,
  flag: string,
  text: string | undefined,
): { [F in K]?: number } {
  if (text === undefined) return {};
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new CliError(2, `${flag} ${text}: write a whole number, 1 or more`);
  return { [field]: value } as { [F in K]?: number };
}

/** What people are shown of checks. */
import type { Check, CheckReport } from '../client/check.ts';
import { instanceAddress } from '../client/instance.ts';
import type { Instance } from '../client/instance.ts';
import { age, table } from './output.ts';

/** Characters of an output beside other notes; `list --checks` shows all of it. */
const noteCharsMax = 80;

/** A line for each check that the asked daemon runs; none without any. */
export function checkTable(instances: readonly Instance[], nowMs: number): string | undefined {
  const rows = instances.flatMap((instance) =>
    (instance.checks ?? []).map((report) => rowOf(instance, report, nowMs)),
  );
  if (rows.length === 0) return undefined;
  return table(['SERVICE', 'ADDRESS', 'CHECK', 'HEALTH', 'EVERY', 'LAST', 'TOOK', 'OUTPUT'], rows);
}

function rowOf(instance: Instance, { check, health, results }: CheckReport, nowMs: number) {
  const [last] = results;
  return [
    `${instance.group}/${instance.name}`,
    instanceAddress(instance),
    checkName(check),
    health,
    `${check.intervalMs / 1_000}s`,
    last === undefined ? '-' : `${age(last.time, nowMs)} ago`,
    last === undefined ? '-' : `${last.durationMs.toFixed(1)}ms`,
    last?.output ?? 'not run yet',
  ];
}

/** Why an instance is not passing, as far as its checks tell: one note for each that fails. */
export function failingNotes({ checks = [] }: Instance): string[] {
  return checks
    .filter(({ health, results: [last] }) => health !== 'passing' || last?.passed === false)
    .map(({ check, results: [last] }) => {
      const output = last?.output ?? 'not run yet';
      const isLong = output.length > noteCharsMax;
      const shown = isLong ? `${output.slice(0, noteCharsMax - 1)}…` : output;
      return `check ${checkName(check)}: ${shown}`;
    });
}

/** As `register --check` takes it. */
export function checkName({ kind, tls, path }: Check): string {
  const secure = kind === 'identity' ? 'identity-tls' : `${kind}s`;
  const word = tls ? secure : kind;
  return path === '' ? word : `${word}:${path}`;
}

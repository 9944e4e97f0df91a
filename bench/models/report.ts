/** The experiment's figures as text, with the paper's beside them. */
import { quantiles } from '../quantiles.ts';
import type { Figures } from './figures.ts';

/** Tables of arXiv 1707.00788 §V: 128 members, all cells of the grid ten times. */
export interface PaperLine {
  readonly falsePositives: number;
  readonly atHealthy: number;
  /** Undefined where the table was not at hand. */
  readonly messages?: number;
  readonly bytes?: number;
}

const gib = 2 ** 30;

export const paperTable: Readonly<Record<string, PaperLine>> = {
  swim: { falsePositives: 339_002, atHealthy: 1_326, messages: 435.33e6, bytes: 149.15 * gib },
  'lha-probe': { falsePositives: 229_574, atHealthy: 436 },
  'lha-suspicion': { falsePositives: 10_174, atHealthy: 89 },
  'buddy-system': { falsePositives: 318_935, atHealthy: 591 },
  lifeguard: { falsePositives: 5_193, atHealthy: 25, messages: 481.42e6, bytes: 146.13 * gib },
};

/** How much of the second the first is; of nothing, nothing is nothing and the rest infinite. */
export function share(part: number, whole: number): number {
  if (whole > 0) return part / whole;
  return part === 0 ? 0 : Infinity;
}

const heads = ['', 'FP', 'FP-', 'SUSPICIONS', 'MESSAGES', 'BYTES', 'CPU S'];
const shareHeads = ['FP %', 'FP- %', 'MESSAGES %', 'BYTES %', 'PAPER: FP %', 'FP- %', 'M %', 'B %'];

/** One line a system, with its shares of SWIM's and the paper's; two tables when there is SWIM. */
export function tableOf(
  systems: ReadonlyMap<string, Figures>,
  paper: Readonly<Record<string, PaperLine>>,
): string {
  const counts = [...systems].map(([system, run]) => [
    system,
    ...[run.falsePositives, run.atHealthy, run.suspicions, run.messages, run.bytes].map(String),
    (run.cpuMs / 1_000).toFixed(1),
  ]);
  const swim = systems.get('swim');
  if (swim === undefined) return aligned([heads, ...counts]);
  const shares = [...systems].map(([system, run]) => [
    system,
    ...keys.map((key) => percent(run[key], swim[key])),
    ...keys.map((key) => percent(paper[system]?.[key], paper['swim']?.[key])),
  ]);
  return `${aligned([heads, ...counts])}\n\n${aligned([['OF SWIM', ...shareHeads], ...shares])}\n`;
}

/** `first held for dead p50 …  by all p50 …` of the slow nodes */
export function latencyText({ firstMs, allMs, undetected }: Figures): string {
  const [first, all] = [firstMs, allMs].map((times) => {
    const { p50, max } = quantiles(times);
    return times.length === 0 ? 'never' : `p50 ${seconds(p50)}, max ${seconds(max)}`;
  });
  const missed = undetected > 0 ? `; ${undetected} not by all` : '';
  return `first held for dead: ${first}; by all: ${all}${missed}`;
}

const keys = ['falsePositives', 'atHealthy', 'messages', 'bytes'] as const;

function percent(part: number | undefined, whole: number | undefined): string {
  if (part === undefined || whole === undefined) return '-';
  return (share(part, whole) * 100).toFixed(2);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

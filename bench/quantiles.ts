/** What is told of many times. */

/** Of times in ms. */
export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** NaN of no times at all. */
export function quantiles(times: readonly number[]): Quantiles {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** `p50 3.1  p90 …  max … ms` */
export function quantileText({ p50, p90, p99, max }: Quantiles): string {
  const parts = Object.entries({ p50, p90, p99, max });
  return `${parts.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join('  ')} ms`;
}

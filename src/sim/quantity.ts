/** Durations and shares as a person writes them, and back again without a loss. */
import { DiscoError } from '../base/error.ts';

const second = 1_000;
const day = 86_400_000;
/** Largest first; a year is 365 days. */
const units: readonly (readonly [string, number])[] = [
  ['y', 365 * day],
  ['d', day],
  ['h', 3_600 * second],
  ['m', 60 * second],
  ['s', second],
  ['ms', 1],
];
const number = String.raw`\d+(?:\.\d+)?(?:e[+-]?\d+)?`;
const durationForm = new RegExp(`^(${number})(ms|s|m|h|d|y)$`);
const shareForm = new RegExp(`^(${number})(%)?$`);

/** What a command line got wrong. */
export function usageError(message: string): DiscoError {
  return new DiscoError('INVALID_ARGUMENT', 'CONFIG', message);
}

/**
 * `500ms`, `30s`, `5m`, `1h`, `2d`, `10y`; the unit is not optional.
 *
 * @param of how the sentence of an error begins: the flag and what was written behind it
 * @returns ms
 * @throws DiscoError CONFIG
 */
export function parseSpan(text: string, of: string): number {
  const [, count, unit] = durationForm.exec(text) ?? [];
  if (count === undefined) {
    if (!shareForm.test(text) || text.endsWith('%'))
      throw usageError(`${of}: ${JSON.stringify(text)} is no time: write 500ms, 30s, 5m or 1h`);
    throw usageError(`${of}: ${text} has no unit: write ${text}ms, ${text}s or ${text}m`);
  }
  const unitMs = units.find(([name]) => name === unit)?.[1] ?? 1;
  // Ms as they are; of larger units nothing below a µs is kept, so that 1.005s is 1005 ms.
  return unitMs === 1 ? Number(count) : Math.round(Number(count) * unitMs * 1_000) / 1_000;
}

/** The shortest text in whole units from which `parseSpan` reads the same ms. */
export function spanText(ms: number): string {
  if (ms === 0) return '0s';
  const [name, unitMs] = units.find(([, unitMs]) => ms % unitMs === 0) ?? ['ms', 1];
  return `${ms / unitMs}${name}`;
}

/** `2.5`, or `1%` of one. @returns 0 to `max` @throws DiscoError CONFIG */
export function parseAmount(text: string, of: string, max: number): number {
  const [, count, percent] = shareForm.exec(text) ?? [];
  const amount = Number(count) / (percent === undefined ? 1 : 100);
  if (count !== undefined && amount <= max) return amount;
  throw usageError(`${of}: write a number from 0 to ${max}, like 0.05 or 5%`);
}

/** `0.05` or `5%`. @returns 0 to 1 @throws DiscoError CONFIG */
export function parseShare(text: string, of: string): number {
  return parseAmount(text, of, 1);
}

/** @returns a whole number from `min` to `max` @throws DiscoError CONFIG */
export function parseCount(text: string, of: string, min: number, max: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= min && count <= max) return count;
  throw usageError(`${of}: write a whole number from ${min} to ${max}`);
}

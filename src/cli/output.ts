/**
 * What the CLI prints: tables for people, JSON for programs. Data on stdout, the rest on stderr.
 */
import { styleText } from 'node:util';
import { CliError } from './exit.ts';

export const outputForms = ['table', 'json', 'ndjson'] as const;
export type OutputForm = (typeof outputForms)[number];

/** Aligned columns; the last one is not padded. */
export function table(header: readonly string[], content: readonly (readonly string[])[]): string {
  const rows = content.map((row) => row.map(visible));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(header)), ...rows.map((row) => tint(line(row)))].join('\n');
}

/** Pairs of a name and a value, a line each. */
export function sheet(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${visible(value)}`).join('\n');
}

/** What others wrote must not begin a line, nor draw on the terminal. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/**
 * Prints a list in the form that was asked for.
 *
 * @param whole what `json` prints as one document; `ndjson` prints the items, a line each
 * @param ifEmpty what people are told, on stderr, instead of a table without rows
 */
export function printList<T>(
  form: OutputForm,
  whole: object,
  items: readonly T[],
  asTable: () => string,
  ifEmpty: string,
): void {
  if (form === 'json') print(JSON.stringify(whole, undefined, 2));
  else if (form === 'ndjson') for (const item of items) print(JSON.stringify(item));
  else if (items.length === 0) note(ifEmpty);
  else print(asTable());
}

/** Prints one thing in the form that was asked for. */
export function printOne(form: OutputForm, value: object, asText: () => string): void {
  if (form === 'json') print(JSON.stringify(value, undefined, 2));
  else if (form === 'ndjson') print(JSON.stringify(value));
  else print(asText());
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function paint(style: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Words of state in their colour; none when stdout is no terminal. */
function tint(line: string): string {
  return line
    .replace(/\b(passing|alive)\b/g, (word) => paint('green', word))
    .replace(/\b(warning|suspect|maintenance)\b/g, (word) => paint('yellow', word))
    .replace(/\b(critical|dead)\b/g, (word) => paint('red', word));
}

/** `12s`, `3m`, `5h`, `2d`: how long ago, from µs since the epoch. */
export function age(micros: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs * 1000 - micros) / 1_000_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** `500ms`, `30s`, `5m`, `1h`, or bare milliseconds. @throws CliError usage */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (match === null)
    throw new CliError(2, `${JSON.stringify(text)} is no duration: write 500ms, 30s, 5m or 1h`);
  return Math.round(Number(match[1]) * (units[match[2] ?? 'ms'] as number));
}

/** `k=v` pairs to an object. @throws CliError usage */
export function parsePairs(flag: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new CliError(2, `${flag} ${pair}: write ${flag} key=value`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** For an option that may be given several times, with one value each. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** What a caller asks of the log, checked: areas and levels that there are, or a clear refusal. */
import { logAreas, logLevels } from '../base/log.ts';
import type { LogArea, LogLevel, LogLevels } from '../base/log.ts';
import { closestWord } from '../base/spelling.ts';
import type { DiscoError } from '../base/error.ts';
import { invalid, quote } from './validate.ts';

/** Stands for every area. */
const everyArea = 'all';

/**
 * Levels by area, or by "all", which gives way to what is said of an area.
 *
 * @throws DiscoError INVALID_ARGUMENT/INVALID_LOG_LEVEL
 */
export function readLogLevels(wanted: Readonly<Record<string, string>>): Partial<LogLevels> {
  const change: Partial<Record<LogArea, LogLevel>> = {};
  const all = wanted[everyArea];
  if (all !== undefined) for (const area of logAreas) change[area] = readLevel(all);
  for (const [name, level] of Object.entries(wanted)) {
    const area = logAreas.find((each) => each === name);
    if (area !== undefined) change[area] = readLevel(level);
    else if (name !== everyArea) throw unknown('area', name, [...logAreas, everyArea]);
  }
  return change;
}

function readLevel(text: string): LogLevel {
  const level = logLevels.find((each) => each === text);
  if (level === undefined) throw unknown('level', text, logLevels);
  return level;
}

function unknown(what: string, word: string, known: readonly string[]): DiscoError {
  const closest = closestWord(word.slice(0, 32), known);
  const advice = `write one of ${known.join(', ')}`;
  const hint = closest === undefined ? advice : `did you mean ${closest}? Otherwise ${advice}`;
  return invalid('INVALID_LOG_LEVEL', `the log has no ${what} ${quote(word)}: ${hint}`);
}

/**
 * The daemon's log: pino, one line an entry, on stderr; pretty when a person looks on. Whatever the
 * fields are, an entry is one line of bounded length with nothing hidden in it, and no secrets.
 */
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import { PinoPretty } from 'pino-pretty';
import { LogBook } from '../base/log.ts';
import type { Config } from './config.ts';
import { safeFields } from './log-fields.ts';

const stderr = 2;
/** What JSON leaves as it is, and terminals and viewers of logs do not: controls, bidi marks. */
const unsafe = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** @param isTerminal whether stderr is one */
export function createLog(
  config: Pick<Config, 'logLevel' | 'logFormat' | 'name'>,
  isTerminal: boolean,
): LogBook {
  const { logLevel, logFormat, name } = config;
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && isTerminal);
  const destination = isPretty ? prettyDestination(isTerminal) : jsonDestination();
  const timestamp = pino.stdTimeFunctions.isoTime;
  const base = { pid: process.pid, node: name };
  // The book in front of it decides what is written.
  const options = { level: 'debug', base, timestamp, formatters: { log: safeFields } };
  const sink = pino(options, destination);
  return new LogBook(sink, logLevel);
}

function jsonDestination(): DestinationStream {
  const sink = pino.destination({ fd: stderr, sync: true });
  return { write: (line) => void sink.write(escapeUnsafe(line, '\\u')) };
}

function prettyDestination(isTerminal: boolean): DestinationStream {
  const form = { ignore: 'pid,node', colorize: isTerminal, singleLine: true };
  // Fields called error are texts here: no reason for a block of lines.
  const errorLikeObjectKeys: string[] = [];
  const sink = PinoPretty({ destination: stderr, sync: true, errorLikeObjectKeys, ...form });
  // It reads the JSON again, so that the escapes have to outlast that.
  return { write: (line) => void sink.write(escapeUnsafe(line, '\\\\u')) };
}

/** A name that some other node chose must not draw on the terminal, nor begin a new line. */
function escapeUnsafe(line: string, prefix: string): string {
  const escape = (unit: string): string =>
    prefix + unit.charCodeAt(0).toString(16).padStart(4, '0');
  return line.replace(unsafe, (char) => char.split('').map(escape).join(''));
}

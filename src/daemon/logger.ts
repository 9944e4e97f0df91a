/** The daemon's log: pino, one line an entry, on stderr; pretty when a person looks on. */
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Log } from '../base/log.ts';
import type { Config } from './config.ts';

const stderr = 2;

/** @param isTerminal whether stderr is one */
export function createLog(
  config: Pick<Config, 'logLevel' | 'logFormat' | 'name'>,
  isTerminal: boolean,
): Log {
  const { logLevel, logFormat, name } = config;
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && isTerminal);
  const destination: DestinationStream = isPretty
    ? PinoPretty({ destination: stderr, sync: true, ignore: 'pid,node', colorize: isTerminal })
    : pino.destination({ fd: stderr, sync: true });
  const timestamp = pino.stdTimeFunctions.isoTime;
  return pino({ level: logLevel, base: { pid: process.pid, node: name }, timestamp }, destination);
}

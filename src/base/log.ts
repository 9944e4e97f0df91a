/**
 * The shape of a logger (pino's), so that only the daemon knows who writes, and what decides which
 * entries are written: a level for each area, which can be changed while the daemon runs.
 *
 * error = an operator must act; warn = something was dropped or refused; info = life cycle and
 * member changes; debug = each step. Constant message, fields beside it.
 */
export interface Log {
  /** Whether debug entries are written, for where making one costs; left out: they are not. */
  readonly isDebug?: boolean;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** From the most that is written to nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Rooms that have a level of their own; what belongs to none of the others is the daemon's. */
export const logAreas = ['daemon', 'registry', 'gossip', 'api', 'health'] as const;
export type LogArea = (typeof logAreas)[number];

/** The level of each area. */
export type LogLevels = Readonly<Record<LogArea, LogLevel>>;

/**
 * One log for all areas: each is asked for its own with `area`, and what is below the area's level
 * is dropped before anything is made of it. Itself it is the log of the daemon.
 */
export class LogBook implements Log {
  readonly #sink: Log;
  readonly #first: LogLevel;
  #levels: LogLevels;

  /** @param level of all areas, and what `reset` goes back to */
  constructor(sink: Log, level: LogLevel) {
    this.#sink = sink;
    this.#first = level;
    this.#levels = levelsOf(level);
  }

  /** The book itself when it is one, else a book over a bare log. */
  static over(log: Log, level: LogLevel): LogBook {
    return log instanceof LogBook ? log : new LogBook(log, level);
  }

  get levels(): LogLevels {
    return this.#levels;
  }

  /** Areas that are not named keep theirs. */
  set(change: Partial<LogLevels>): void {
    this.#levels = { ...this.#levels, ...change };
  }

  /** Back to what the daemon was started with. */
  reset(): void {
    this.#levels = levelsOf(this.#first);
  }

  /** What is written through it says its area. */
  area(area: LogArea): Log {
    const write =
      (level: Exclude<LogLevel, 'silent'>) =>
      (fields: object, message: string): void => {
        if (this.#isWritten(area, level)) this.#sink[level]({ area, ...fields }, message);
      };
    const isDebug = (): boolean => this.#isWritten(area, 'debug');
    return {
      get isDebug() {
        return isDebug();
      },
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    };
  }

  debug(fields: object, message: string): void {
    if (this.#isWritten('daemon', 'debug')) this.#sink.debug(fields, message);
  }

  info(fields: object, message: string): void {
    if (this.#isWritten('daemon', 'info')) this.#sink.info(fields, message);
  }

  warn(fields: object, message: string): void {
    if (this.#isWritten('daemon', 'warn')) this.#sink.warn(fields, message);
  }

  error(fields: object, message: string): void {
    if (this.#isWritten('daemon', 'error')) this.#sink.error(fields, message);
  }

  #isWritten(area: LogArea, level: LogLevel): boolean {
    return logLevels.indexOf(level) >= logLevels.indexOf(this.#levels[area]);
  }
}

function levelsOf(level: LogLevel): LogLevels {
  return { daemon: level, registry: level, gossip: level, api: level, health: level };
}

/**
 * The shape of a logger (pino's), so that only the daemon knows who writes.
 *
 * error = an operator must act; warn = something was dropped or refused; info = life cycle and
 * member changes. Constant message, fields beside it.
 */
export interface Log {
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

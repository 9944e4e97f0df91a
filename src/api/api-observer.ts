/**
 * ApiObserver: what the API tells of its calls, for metrics. The API knows no metrics; the daemon
 * hands in what takes them.
 */

/** Told of every call; what is told must not throw. Methods and codes are closed lists. */
export interface ApiObserver {
  /** A call with one answer has been answered. @param code of gRPC, such as NOT_FOUND */
  called(method: string, code: string, seconds: number): void;
  streamOpened(method: string): void;
  /** Once for each that was opened. */
  streamEnded(method: string, code: string): void;
  /** @param route the pattern that was matched, `unknown` for none; never what was asked for */
  requested(method: string, route: string, status: number, seconds: number): void;
}

/** What is read at /metrics. */
export interface MetricsSource extends ApiObserver {
  /** Of `text`, with its version. */
  readonly contentType: string;
  /** All metrics as they are now, in Prometheus' text format. */
  text(): Promise<string>;
}

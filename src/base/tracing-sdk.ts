/**
 * The SDK of OpenTelemetry in our own processes: loaded only when the environment asks for traces,
 * with the variables that every OpenTelemetry SDK has.
 *
 *   OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   where to; either turns it on
 *   OTEL_TRACES_EXPORTER    otlp (turns it on, too: to localhost:4318) or none
 *   OTEL_SDK_DISABLED       true: off, whatever else is set
 *   OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER(_ARG), OTEL_BSP_*, …
 */
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { errorText } from './error.ts';

export interface TracingOptions {
  /** Unless OTEL_SERVICE_NAME says otherwise. */
  readonly serviceName: string;
  /** Takes what an operator should know, in a sentence; at most one a minute. */
  readonly warn: (sentence: string) => void;
}

/** What the environment asks for. */
export type TracingWish =
  | { readonly kind: 'off' }
  | { readonly kind: 'on' }
  /** It asks for what there is not; the sentence says what to set instead. */
  | { readonly kind: 'refused'; readonly sentence: string };

/** Time that the last spans get to leave when a process ends. */
const shutdownMs = 2_000;
const warnIntervalMs = 60_000;

/** Reads the variables; an empty one counts as not set, as for every SDK. */
export function readTracingWish(env: Readonly<Record<string, string | undefined>>): TracingWish {
  const value = (name: string): string => env[name]?.trim() ?? '';
  if (value('OTEL_SDK_DISABLED').toLowerCase() === 'true') return { kind: 'off' };
  const exporter = value('OTEL_TRACES_EXPORTER');
  if (exporter === 'none') return { kind: 'off' };
  if (exporter !== '' && exporter !== 'otlp')
    return refused('OTEL_TRACES_EXPORTER', exporter, 'otlp or none');
  const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (exporter === '' && endpoints.every((name) => value(name) === '')) return { kind: 'off' };
  const protocols = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];
  const named = protocols.find((name) => value(name) !== '') ?? '';
  if (named !== '' && value(named) !== 'http/protobuf')
    return refused(named, value(named), 'http/protobuf, which collectors take on port 4318');
  return { kind: 'on' };
}

function refused(name: string, value: string, allowed: string): TracingWish {
  const sentence = `no traces are sent: ${name} is ${JSON.stringify(value)}; set it to ${allowed}`;
  return { kind: 'refused', sentence };
}

/**
 * Runs with traces if the environment asks for them, and sends the last ones before it resolves.
 *
 * Traces never keep anything from running: what is wrong with them is a warning.
 */
export async function withTracing<T>(options: TracingOptions, run: () => Promise<T>): Promise<T> {
  const stop = await startTracing(options);
  try {
    return await run();
  } finally {
    await stop();
  }
}

/**
 * Begins to record and send spans if the environment asks for it; before servers are made.
 *
 * @returns sends what is left, within 2 s, and ends it; never rejects
 */
export async function startTracing(options: TracingOptions): Promise<() => Promise<void>> {
  const wish = readTracingWish(process.env);
  if (wish.kind === 'refused') options.warn(wish.sentence);
  const nothing = (): Promise<void> => Promise.resolve();
  if (wish.kind !== 'on') return nothing;
  try {
    return await startSdk(options);
  } catch (error) {
    options.warn(`no traces are sent: ${errorText(error)}`);
    return nothing;
  }
}

async function startSdk(options: TracingOptions): Promise<() => Promise<void>> {
  const [sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } = resources;
  warnOfTrouble(options.warn);
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': options.serviceName }))
    .merge(resourceFromAttributes({ 'process.pid': process.pid }))
    .merge(detectResources({ detectors: [envDetector] }));
  const processor = new sdk.BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return async () => {
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, shutdownMs);
    await Promise.race([provider.shutdown().catch(() => undefined), isLate]);
    clearTimeout(timer);
  };
}

/** What the SDK has to say, such as that nobody listens at the endpoint. */
function warnOfTrouble(warn: (sentence: string) => void): void {
  let warnedMs = -Infinity;
  const tell = (...words: unknown[]): void => {
    if (performance.now() - warnedMs < warnIntervalMs) return;
    warnedMs = performance.now();
    warn(`trouble with traces: ${words.map(textOf).join(' ')}`);
  };
  const nothing = (): void => undefined;
  const logger = { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** The SDK tells of errors as JSON, stack and all; what happened is their message. */
function textOf(word: unknown): string {
  const text = String(word);
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    return text;
  }
}

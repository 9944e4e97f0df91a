/** A collector of traces: OTLP over HTTP with protobuf, as much of it as tests look at. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import type { Test } from 'tap';

/** opentelemetry/proto/collector/trace/v1/trace_service.proto, without what is not looked at. */
const schema = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    bytes parent_span_id = 4;
    string name = 5;
    int32 kind = 6;
    repeated KeyValue attributes = 9;
    Status status = 15;
  }
  message Status { int32 code = 3; }
  message KeyValue { string key = 1; Value value = 2; }
  message Value {
    oneof value { string text = 1; bool flag = 2; int64 whole = 3; double number = 4; }
  }`;

/** As OTLP numbers them. */
export const kinds = { internal: 1, server: 2, client: 3 } as const;

export interface CollectedSpan {
  /** `service.name` of the process that it is of. */
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it began the trace. */
  readonly parentId: string;
  readonly attributes: Readonly<Record<string, Scalar>>;
}

type Scalar = string | number | boolean;

interface Pair {
  readonly key: string;
  readonly value?: {
    readonly text?: string;
    readonly flag?: boolean;
    readonly whole?: { toString(): string };
    readonly number?: number;
  };
}

interface WireSpan {
  readonly traceId?: Uint8Array;
  readonly spanId?: Uint8Array;
  readonly parentSpanId?: Uint8Array;
  readonly name?: string;
  readonly kind?: number;
  readonly attributes?: readonly Pair[];
}

interface WireRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly Pair[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly WireSpan[] }[];
  }[];
}

const Request = protobuf.parse(schema).root.lookupType('Request');

export class OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: CollectedSpan[];

  private constructor(endpoint: string, spans: CollectedSpan[]) {
    this.endpoint = endpoint;
    this.spans = spans;
  }

  static async start(t: Test): Promise<OtlpReceiver> {
    const spans: CollectedSpan[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        const isPacked = request.headers['content-encoding'] === 'gzip';
        const body = Buffer.concat(chunks);
        if (request.url === '/v1/traces') spans.push(...decode(isPacked ? gunzipSync(body) : body));
        response.setHeader('content-type', 'application/x-protobuf').end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return new OtlpReceiver(`http://127.0.0.1:${port}`, spans);
  }

  /** What processes are started with, so that their spans come here soon. */
  get environment(): Record<string, string> {
    return { OTEL_EXPORTER_OTLP_ENDPOINT: this.endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' };
  }

  trace(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }
}

/** The span, who began it, who began that, and so on, as far as they were collected. */
export function ancestry(span: CollectedSpan, all: readonly CollectedSpan[]): CollectedSpan[] {
  const above = all.find(({ spanId }) => spanId === span.parentId);
  return above === undefined ? [span] : [span, ...ancestry(above, all)];
}

function decode(body: Uint8Array): CollectedSpan[] {
  const { resourceSpans = [] } = Request.decode(body) as unknown as WireRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const { 'service.name': service = '' } = valuesOf(resource?.attributes);
    return scopeSpans.flatMap(({ spans = [] }) =>
      spans.map((span) => ({
        service: String(service),
        name: span.name ?? '',
        kind: span.kind ?? 0,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        attributes: valuesOf(span.attributes),
      })),
    );
  });
}

function valuesOf(pairs: readonly Pair[] = []): Record<string, Scalar> {
  const entries = pairs.map(({ key, value = {} }) => {
    const { text, flag, whole, number } = value;
    return [key, text || flag || number || Number(whole?.toString() ?? 0)] as const;
  });
  return Object.fromEntries(entries);
}

function hex(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString('hex');
}

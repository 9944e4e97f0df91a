/** A bare gRPC client of the API, which shows the codes as they come. */
import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { discoveryDefinition } from '../../src/base/grpc-methods.ts';
import type { RequestOf, ResponseOf } from '../../src/base/grpc-methods.ts';
import { disco } from '../../src/gen/discovery.js';

type Definition = typeof discoveryDefinition;
export type UnaryName = Exclude<keyof Definition, 'Watch' | 'WatchMembers'>;
export type WatchEvent = disco.v1.WatchEvent.$Properties;

/** What a call was refused with. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly sentence: string;
}

type AnyMethod = grpc.MethodDefinition<unknown, unknown>;

export class ApiClient extends grpc.Client {
  constructor(address: string) {
    super(address, grpc.credentials.createInsecure(), {
      'grpc.enable_channelz': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
    });
  }

  call<N extends UnaryName>(
    name: N,
    request: RequestOf<Definition[N]>,
  ): Promise<ResponseOf<Definition[N]>> {
    const method = discoveryDefinition[name] as AnyMethod;
    return new Promise((resolve, reject) => {
      this.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        (error, answer) => {
          if (error === null) resolve(answer as ResponseOf<Definition[N]>);
          else reject(error);
        },
      );
    });
  }

  /** What a call is refused with; a failure of the test when it is not. */
  async refusal<N extends UnaryName>(name: N, request: RequestOf<Definition[N]>): Promise<Refusal> {
    const outcome = await this.call(name, request).catch((error: unknown) => error);
    return refusalOf(outcome);
  }

  watch(request: disco.v1.WatchRequest.$Properties = {}): WatchReader {
    const method = discoveryDefinition.Watch;
    return new WatchReader(
      this.makeServerStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
      ),
    );
  }
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error && 'details' in error))
    throw new Error(`expected a refusal, not ${JSON.stringify(error)}`, { cause: error });
  const { code, details, metadata } = error as grpc.ServiceError;
  const reason = String(metadata.get('disco-reason')[0] ?? 'none');
  return { code: grpc.status[code] as string, reason, sentence: details };
}

/** A Watch stream that is read only when it is asked for more. */
export class WatchReader {
  readonly call: grpc.ClientReadableStream<disco.v1.WatchEvent>;
  #events: AsyncIterator<disco.v1.WatchEvent> | undefined;

  constructor(call: grpc.ClientReadableStream<disco.v1.WatchEvent>) {
    this.call = call;
    // A status that nobody waits for any more.
    call.on('error', () => undefined);
  }

  async next(): Promise<disco.v1.WatchEvent> {
    this.#events ??= this.call[Symbol.asyncIterator]();
    const next = await this.#events.next();
    if (next.done === true) throw new Error('the stream ended without an error');
    return next.value as disco.v1.WatchEvent;
  }

  async take(count: number): Promise<disco.v1.WatchEvent[]> {
    const events: disco.v1.WatchEvent[] = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  /** Up to and with the end mark. */
  async snapshot(): Promise<disco.v1.WatchEvent[]> {
    const events: disco.v1.WatchEvent[] = [];
    do events.push(await this.next());
    while (events.at(-1)?.kind !== disco.v1.WatchEvent.Kind.SNAPSHOT_END);
    return events;
  }

  /** Everything until the stream fails, and with what. */
  async rest(): Promise<{ events: disco.v1.WatchEvent[]; refusal: Refusal }> {
    const events: disco.v1.WatchEvent[] = [];
    for (;;) {
      const next = await this.next().catch((error: unknown) => error);
      if (next instanceof Error) return { events, refusal: refusalOf(next) };
      events.push(next as disco.v1.WatchEvent);
    }
  }

  /** Resolves once the server has let go of it. */
  async cancel(node: { readonly followers: EventEmitter }): Promise<void> {
    const released = once(node.followers, 'unfollow');
    this.call.cancel();
    await released;
  }
}

/** `UP math/add 127.0.0.1:5001`, `DOWN … deregistered`, `SNAPSHOT_BEGIN`: an event as a line. */
export function lineOf(event: WatchEvent): string {
  const kind = disco.v1.WatchEvent.Kind[event.kind ?? 0] as string;
  const { instance, reason } = event;
  if (instance == null) return kind;
  const { group, name, instanceId } = instance;
  return [kind, `${group}/${name}`, instanceId, reason].filter(Boolean).join(' ');
}

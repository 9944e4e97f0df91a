/**
 * gRPC handlers that are observed: how long each call took and how it ended.
 *
 * Wrapped from outside, so that the handlers themselves know nothing of it, and a server without an
 * observer runs them bare.
 */
import * as grpc from '@grpc/grpc-js';
import { discoveryDefinition } from '../base/grpc-methods.ts';
import type { ApiObserver } from './api-observer.ts';

type Handlers = grpc.UntypedServiceImplementation;
type Unary = grpc.handleUnaryCall<unknown, unknown>;
type Stream = grpc.handleServerStreamingCall<unknown, unknown>;

const methods: Readonly<Record<string, { readonly responseStream: boolean } | undefined>> =
  discoveryDefinition;

/** The same handlers, each telling the observer of its calls. */
export function observedHandlers(handlers: Handlers, observer: ApiObserver): Handlers {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => {
      const isStream = methods[name]?.responseStream === true;
      return [
        name,
        isStream
          ? observedStream(name, handler as Stream, observer)
          : observedUnary(name, handler as Unary, observer),
      ];
    }),
  );
}

function observedUnary(name: string, handler: Unary, observer: ApiObserver): Unary {
  return (call, callback) => {
    const startedMs = performance.now();
    handler(call, (error, ...answer) => {
      observer.called(name, codeOf(error), (performance.now() - startedMs) / 1_000);
      callback(error, ...answer);
    });
  };
}

function observedStream(name: string, handler: Stream, observer: ApiObserver): Stream {
  return (call) => {
    observer.streamOpened(name);
    let isOver = false;
    // An error is followed by a close, and so is a cancellation: the first says why.
    const end = (code: string): void => {
      if (!isOver) observer.streamEnded(name, code);
      isOver = true;
    };
    call.on('error', (error) => end(codeOf(error)));
    call.on('cancelled', () => end('CANCELLED'));
    call.on('close', () => end('OK'));
    handler(call);
  };
}

function codeOf(error: unknown): string {
  if (error === null || error === undefined) return 'OK';
  const { code } = error as { code?: unknown };
  const name = typeof code === 'number' ? grpc.status[code] : undefined;
  return name ?? 'UNKNOWN';
}

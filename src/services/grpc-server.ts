/**
 * A gRPC server of these examples: bound to an address, with grpc.health.v1, ended in bounded
 * time.
 */
import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { formatAddress, type Address } from '../base/address.ts';
import { tracedHandlers } from '../base/server-span.ts';

const drainMs = 5_000;

export class GrpcServer {
  /** Where it listens, with the port that the system chose. */
  readonly address: Address;
  readonly #server: grpc.Server;
  readonly #health: HealthImplementation;
  readonly #services: readonly string[];
  #stopping: Promise<void> | undefined;

  /**
   * @param services definitions and their handlers, by full service name
   * @throws Error when the address cannot be bound: the system's words
   */
  static async listen(
    address: Address,
    services: ReadonlyMap<
      string,
      readonly [grpc.ServiceDefinition, grpc.UntypedServiceImplementation]
    >,
  ): Promise<GrpcServer> {
    const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
    const health = new HealthImplementation({ '': 'SERVING' });
    for (const [name, [definition, handlers]] of services) {
      server.addService(definition, tracedHandlers(definition, handlers, true));
      health.setStatus(name, 'SERVING');
    }
    health.addToServer(server);
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync(formatAddress(address), credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(cannotListen(address, error));
      });
    });
    return new GrpcServer(server, health, { ...address, port }, [...services.keys()]);
  }

  private constructor(
    server: grpc.Server,
    health: HealthImplementation,
    address: Address,
    services: readonly string[],
  ) {
    this.#server = server;
    this.#health = health;
    this.address = address;
    this.#services = services;
  }

  /** Takes no more calls and gives those under way 5 s. Never throws, may be called again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    for (const service of ['', ...this.#services]) this.#health.setStatus(service, 'NOT_SERVING');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, drainMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#server.forceShutdown();
  }
}

function cannotListen(address: Address, error: Error): Error {
  const message = `cannot listen on ${formatAddress(address)}: ${error.message}`;
  return new Error(message, { cause: error });
}

/** What a handler answers when it refuses; `reason` goes into the disco-reason metadata. */
export function refusal(
  code: grpc.status,
  reason: string,
  message: string,
): Partial<grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  metadata.set('disco-reason', reason);
  return { code, details: message, metadata };
}

/**
 * The API over gRPC, on TCP and on a unix socket, with grpc.health.v1 and server reflection.
 */
import * as grpc from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { DiscoError, errorText } from '../base/error.ts';
import { discoveryDefinition } from '../base/grpc-methods.ts';
import type { Log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { tracedHandlers } from '../base/server-span.ts';
import type { disco } from '../gen/discovery.js';
import type { ApiObserver } from './api-observer.ts';
import { encodedInstance } from './encoded-instance.ts';
import { addressInUse, listenError } from './listen-error.ts';
import { observedHandlers } from './observed-calls.ts';
import { reflectedDefinitions } from './reflection.ts';
import { RequestIds, requestIdHeader } from './request-id.ts';
import type { DiscoveryService } from './service.ts';
import { MembersSession } from './watch-members.ts';
import { EncodedWords } from './watch-words.ts';
import { WatchSession } from './watch.ts';

export interface GrpcServerOptions {
  /** `host:port` and `unix:/path` */
  readonly addresses: readonly string[];
  readonly watchersMax: number;
  /** Changes that a watcher may be behind. */
  readonly watchLagMax: number;
  /** Told of every call; left out: nobody. */
  readonly observer?: ApiObserver | undefined;
}

const serviceName = 'disco.v1.Discovery';
const door = { name: 'gRPC', flag: '--grpc', isOptional: false };
/** Well above what any check lets through, so that what is too long is told so by that check. */
const requestBytesMax = 4 * 1024 * 1024;
/** Linux' sun_path, less the closing NUL. */
const socketPathBytesMax = 107;

// Its own words on stderr would stand between lines of the log; what matters comes as errors too.
if (process.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);

type Unary<Request, Response> = (request: Request) => Response | Promise<Response>;
/** A request as it was decoded, or why it could not be. */
type Received<Request> = Request | DiscoError;

/** Of a call, what is told when it fails. */
interface FailedCall {
  readonly metadata: grpc.Metadata;
  getPath(): string;
}

/** Where a stream's events go. */
interface Sink<Event> {
  /** @returns false when it wants no more before `resume` is called */
  write(event: Event): boolean;
  fail(error: DiscoError): void;
}

/** One stream that is open. */
interface Session {
  start(): void;
  /** The sink takes more again. */
  resume(): void;
  close(): void;
}

export class GrpcServer {
  readonly #service: DiscoveryService;
  readonly #options: GrpcServerOptions;
  readonly #log: Log;
  readonly #server: grpc.Server;
  readonly #health: HealthImplementation;
  readonly #requestIds = new RequestIds(seededRandom(Math.random() * 2 ** 32));
  /** How to end each of the streams that are open. */
  readonly #watches = new Set<(error: DiscoError) => void>();

  constructor(service: DiscoveryService, options: GrpcServerOptions, log: Log) {
    this.#service = service;
    this.#options = options;
    this.#log = log;
    this.#server = new grpc.Server({
      'grpc.enable_channelz': 0,
      'grpc.max_receive_message_length': requestBytesMax,
      'grpc.max_send_message_length': -1,
    });
    const handlers = tracedHandlers(discoveryDefinition, this.#handlers(), false);
    const { observer } = options;
    this.#server.addService(
      servedDefinition(),
      observer === undefined ? handlers : observedHandlers(handlers, observer),
    );
    this.#health = new HealthImplementation({ '': 'NOT_SERVING', [serviceName]: 'NOT_SERVING' });
    this.#health.addToServer(this.#server);
    addReflection(this.#server);
  }

  /**
   * Begins to listen.
   *
   * @returns the addresses with the real ports
   * @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE
   */
  async start(): Promise<readonly string[]> {
    const bound: string[] = [];
    for (const address of this.#options.addresses) bound.push(await this.#bind(address));
    return bound;
  }

  /** What grpc.health.v1 answers from now on. */
  setReady(isReady: boolean): void {
    const status = isReady ? 'SERVING' : 'NOT_SERVING';
    this.#health.setStatus('', status);
    this.#health.setStatus(serviceName, status);
  }

  /** Ends the watches, waits up to `graceMs` for other calls under way, then ends them too. */
  async stop(graceMs: number): Promise<void> {
    this.setReady(false);
    const sentence = 'this daemon is stopping: resume with the last cursor once it is back';
    for (const fail of this.#watches) fail(new DiscoError('UNAVAILABLE', 'STOPPING', sentence));
    const force = setTimeout(() => this.#server.forceShutdown(), graceMs);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(force);
  }

  #handlers(): grpc.UntypedServiceImplementation {
    const service = this.#service;
    const words = new EncodedWords();
    return {
      Register: this.#unary((request: disco.v1.RegisterRequest) => service.register(request)),
      Deregister: this.#unary((request: disco.v1.DeregisterRequest) => service.deregister(request)),
      Get: this.#unary((request: disco.v1.GetRequest) => service.get(request, encodedInstance)),
      List: this.#unary((request: disco.v1.ListRequest) => service.list(request, encodedInstance)),
      ListByGroup: this.#unary((request: disco.v1.ListByGroupRequest) =>
        service.listByGroup(request, encodedInstance),
      ),
      Heartbeat: this.#unary((request: disco.v1.HeartbeatRequest) => service.heartbeat(request)),
      Members: this.#unary(() => service.members()),
      Status: this.#unary(() => service.status()),
      Gossip: this.#unary(() => service.gossip()),
      ForceLeave: this.#unary((request: disco.v1.ForceLeaveRequest) => service.forceLeave(request)),
      SetMaintenance: this.#unary((request: disco.v1.SetMaintenanceRequest) =>
        service.setMaintenance(request),
      ),
      Leave: this.#unary(() => service.leave()),
      SetLogLevels: this.#unary((request: disco.v1.SetLogLevelsRequest) =>
        service.setLogLevels(request),
      ),
      Watch: this.#stream((request: disco.v1.WatchRequest, sink) => {
        const { watchLagMax } = this.#options;
        return new WatchSession(service.registry, request, sink, watchLagMax, words);
      }),
      WatchMembers: this.#stream(
        (_: disco.v1.MembersRequest, sink) =>
          new MembersSession(service.registry, service.control, sink),
      ),
    };
  }

  #unary<Request, Response>(
    answer: Unary<Request, Response>,
  ): grpc.handleUnaryCall<Received<Request>, Response> {
    return (call, callback) => {
      const beganMs = this.#log.isDebug === true ? performance.now() : undefined;
      const refuse = (error: unknown): void => callback(this.#statusOf(error, call));
      const tell = (response: Response): void => {
        if (beganMs !== undefined) this.#noteAnswer(call.getPath(), beganMs);
        callback(null, response);
      };
      let response: Response | Promise<Response>;
      try {
        response = answer(readable(call.request));
      } catch (error) {
        return refuse(error);
      }
      // What is answered from memory does not wait for a turn of the event loop.
      if (response instanceof Promise) response.then(tell, refuse);
      else tell(response);
    };
  }

  #noteAnswer(method: string, beganMs: number): void {
    const tookMs = Math.round(performance.now() - beganMs);
    this.#log.debug({ method, tookMs }, 'a call was answered');
  }

  #stream<Request, Event>(
    open: (request: Request, sink: Sink<Event>) => Session,
  ): grpc.handleServerStreamingCall<Received<Request>, Event> {
    return (call) => {
      // What the call still holds is written first: the error comes behind the last cursor.
      const fail = (error: unknown): void => void call.emit('error', this.#statusOf(error, call));
      let session: Session;
      let leave = (): void => undefined;
      try {
        leave = this.#service.watchers.take(this.#options.watchersMax);
        session = open(readable(call.request), { write: (event) => call.write(event), fail });
      } catch (error) {
        leave();
        return fail(error);
      }
      this.#watches.add(fail);
      const end = (): void => {
        if (!this.#watches.delete(fail)) return;
        leave();
        session.close();
      };
      call.on('drain', () => session.resume());
      call.on('cancelled', end);
      call.on('close', end);
      call.on('error', end);
      session.start();
    };
  }

  /** What the caller is told; the log tells it by the same id. */
  #statusOf(error: unknown, call: FailedCall): Partial<grpc.StatusObject> & Error {
    const known = error instanceof DiscoError ? error : undefined;
    const requestId = this.#requestIds.take(call.metadata.get(requestIdHeader)[0]);
    const fields = { method: call.getPath(), requestId, error: errorText(error) };
    if (known === undefined) this.#log.error(fields, 'a call failed: a bug');
    else this.#log.debug({ ...fields, reason: known.reason }, 'a call was refused');
    const metadata = new grpc.Metadata();
    metadata.set('disco-reason', known?.reason ?? 'BUG');
    metadata.set(requestIdHeader, requestId);
    const details = known?.message ?? 'this daemon made a mistake; its log says which';
    const code = grpc.status[known?.code ?? 'INTERNAL'];
    return Object.assign(new Error(details), { code, details, metadata });
  }

  async #bind(address: string): Promise<string> {
    const path = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined;
    if (path !== undefined) await prepareSocket(path);
    const credentials = grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(listenError(door, address, error));
      });
    });
    if (path === undefined) return address.replace(/:\d+$/, `:${port}`);
    chmodSync(path, 0o600);
    return address;
  }
}

/** Takes a dead daemon's socket away; whatever else lies there is left alone. */
async function prepareSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > socketPathBytesMax) {
    const sentence = `the unix socket ${path} has a path of more than ${socketPathBytesMax} bytes, which the system does not take: give a shorter --data-dir, or --grpc without it`;
    throw new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence);
  }
  // Listening would only say "permission denied".
  if (!existsSync(dirname(path))) {
    const sentence = `there is no folder for the unix socket ${path}: make it, or give another --grpc`;
    throw new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence);
  }
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    const sentence = `${path} is there and is no socket: move it away, or give another --grpc`;
    throw new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence);
  }
  if (await isAnswered(path)) throw addressInUse(door, `unix:${path}`);
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Bytes that are no message of ours are refused with a reason, not as a mistake of this daemon. */
function servedDefinition(): grpc.ServiceDefinition {
  const methods = Object.entries(discoveryDefinition as grpc.ServiceDefinition);
  return Object.fromEntries(
    methods.map(([name, method]) => {
      const requestDeserialize = (bytes: Buffer): unknown => {
        try {
          return method.requestDeserialize(bytes);
        } catch (error) {
          const sentence = `the request of ${name} cannot be decoded: use the messages of proto/disco/v1/discovery.proto`;
          return new DiscoError('INVALID_ARGUMENT', 'INVALID_BODY', sentence, error);
        }
      };
      return [name, { ...method, requestDeserialize }];
    }),
  );
}

function readable<Request>(received: Received<Request>): Request {
  if (received instanceof DiscoError) throw received;
  return received;
}

/** Lets grpcurl and the like work without a .proto file. */
function addReflection(server: grpc.Server): void {
  new ReflectionService(reflectedDefinitions()).addToServer(server);
}

/**
 * A discovery server with nothing behind it: registrations in a map, a log of changes for Watch.
 * It can be stopped as by kill -9 and started again on the same address, with or without what it
 * knew.
 */
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { discoveryDefinition } from '../../src/base/grpc-methods.ts';
import type { ReceivedOf } from '../../src/base/grpc-methods.ts';
import { disco } from '../../src/gen/discovery.js';

type MethodName = keyof typeof discoveryDefinition;
type Wire = disco.v1.ServiceInstance.$Properties;
type Event = disco.v1.WatchEvent.$Properties;
type MembersCall = grpc.ServerWritableStream<
  disco.v1.MembersRequest,
  disco.v1.MembersEvent.$Properties
>;
type WatchCall = grpc.ServerWritableStream<disco.v1.WatchRequest, Event>;

const { Kind } = disco.v1.WatchEvent;

/** What a call is refused with. */
export interface Refusal {
  readonly code: grpc.status;
  readonly reason?: string;
  readonly message: string;
}

/** An instance with every field that a test does not care about filled in. */
export function wireInstance(over: Wire = {}): Wire {
  const ip = over.ip ?? '127.0.0.1';
  const port = over.port ?? 4000;
  return {
    group: 'math',
    name: 'add',
    ip,
    port,
    instanceId: `${ip}:${port}`,
    owner: 'owner-1',
    node: 'node-1',
    health: disco.v1.Health.HEALTH_PASSING,
    lastUpdate: 1,
    ...over,
  };
}

export class FakeDaemon {
  /** Every call so far, in order. */
  readonly calls: MethodName[] = [];
  /** Emits a method's name, with the request, when it was answered; 'called' and 'watch ended'. */
  readonly answered = new EventEmitter();
  readonly instances = new Map<string, Wire>();
  /** What Status says. */
  ready = true;
  /** What WatchMembers tells before it ends. */
  membersEvents: readonly disco.v1.MembersEvent.$Properties[] = [];
  /** Lists come in pages of at most this many. */
  pageSizeMax = 1_000;
  /** Snapshots stop before their end mark while this is set. */
  holdSnapshots = false;
  readonly #address: string;
  readonly #refusals = new Map<MethodName, Refusal>();
  #silent = new Set<MethodName>();
  readonly #sockets = new Set<Socket>();
  #listener = createServer();
  #port = 0;
  #database = 1;
  #log: Event[] = [];
  #watches = new Set<WatchCall>();

  private constructor(address: string) {
    this.#address = address;
  }

  /** On a Unix socket of its own, which a restart finds free again. */
  static async start(onEnd: (run: () => Promise<void>) => void): Promise<FakeDaemon> {
    const folder = mkdtempSync(join(tmpdir(), 'disco-'));
    return FakeDaemon.#startAt(`unix:${join(folder, 's')}`, onEnd, () =>
      rmSync(folder, { recursive: true, force: true }),
    );
  }

  /** On a port of the system's choice. */
  static startOnTcp(onEnd: (run: () => Promise<void>) => void): Promise<FakeDaemon> {
    return FakeDaemon.#startAt('127.0.0.1:0', onEnd, () => undefined);
  }

  static async #startAt(
    address: string,
    onEnd: (run: () => Promise<void>) => void,
    clean: () => void,
  ): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(address);
    onEnd(async () => {
      await daemon.stop();
      clean();
    });
    await daemon.restart();
    return daemon;
  }

  get address(): string {
    return this.#address.startsWith('unix:') ? this.#address : `127.0.0.1:${this.#port}`;
  }

  /** Comes back on the same address, with what it knew before. */
  async restart(): Promise<void> {
    const grpcServer = new grpc.Server({ 'grpc.enable_channelz': 0 });
    grpcServer.addService(discoveryDefinition, this.#handlers());
    const injector = grpcServer.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    this.#listener = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
    const path = this.#address.startsWith('unix:')
      ? this.#address.slice('unix:'.length)
      : undefined;
    this.#listener.listen(path === undefined ? { host: '127.0.0.1', port: this.#port } : { path });
    await once(this.#listener, 'listening');
    const bound = this.#listener.address();
    if (typeof bound === 'object' && bound !== null) this.#port = bound.port;
  }

  /** As by kill -9: nothing is said, every socket is gone. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#watches.clear();
    await closed;
  }

  /** Loses its database: an empty list, and cursors of before mean nothing. */
  forget(): void {
    this.instances.clear();
    this.#log = [];
    this.#database += 1;
  }

  /** Refuses the next calls of a method until allow(). */
  refuse(method: MethodName, refusal: Refusal): void {
    this.#refusals.set(method, refusal);
  }

  allow(method: MethodName): void {
    this.#refusals.delete(method);
  }

  /** Never answers this method. */
  hang(method: MethodName): void {
    this.#silent.add(method);
  }

  /** Resolves with the request of the next call of this method, once it was answered. */
  async next<N extends MethodName>(
    method: N,
  ): Promise<ReceivedOf<(typeof discoveryDefinition)[N]>> {
    const [request] = await once(this.answered, method);
    return request as ReceivedOf<(typeof discoveryDefinition)[N]>;
  }

  countOf(method: MethodName): number {
    return this.calls.filter((call) => call === method).length;
  }

  get watchers(): number {
    return this.#watches.size;
  }

  /** Something registered elsewhere reaches this node. */
  put(instance: Wire): void {
    this.instances.set(keyOf(instance), instance);
    this.#append({ kind: Kind.UP, instance });
  }

  drop(instance: Wire, reason = 'deregistered'): void {
    this.instances.delete(keyOf(instance));
    this.#append({ kind: Kind.DOWN, instance, reason });
  }

  /** Sends the end marks that holdSnapshots held back. */
  finishSnapshots(): void {
    this.holdSnapshots = false;
    for (const call of this.#watches) call.write({ kind: Kind.SNAPSHOT_END, cursor: this.#cursor });
  }

  /** Ends every watch with a status. */
  cutWatches(refusal: Refusal): void {
    for (const call of this.#watches) call.emit('error', errorOf(refusal));
    this.#watches.clear();
  }

  /** Sends an event as it is. */
  tell(event: Event): void {
    for (const call of this.#watches) call.write(event);
  }

  get #cursor(): string {
    return `${this.#database}:${this.#log.length}`;
  }

  #append(event: Event): void {
    this.#log.push(event);
    for (const call of this.#watches) {
      if (matches(call.request)(event.instance ?? {}))
        call.write({ ...event, cursor: this.#cursor });
    }
  }

  #handlers(): grpc.UntypedServiceImplementation {
    return {
      Register: this.#unary('Register', (request) => this.#register(request)),
      Deregister: this.#unary('Deregister', (request) => this.#deregister(request)),
      Heartbeat: this.#unary('Heartbeat', (request) => this.#heartbeat(request)),
      Get: this.#unary('Get', (request) => this.#get(request)),
      List: this.#unary('List', (request) => this.#list(request)),
      Status: this.#unary('Status', () => this.#status()),
      Members: this.#unary('Members', () => ({
        members: [{ peerId: 'owner-1', name: 'node-1', state: 1, incarnation: 7, self: true }],
      })),
      ForceLeave: this.#unary('ForceLeave', ({ name }) => ({ peerId: 'owner-2', name })),
      WatchMembers: (call: MembersCall) => {
        this.calls.push('WatchMembers');
        for (const event of this.membersEvents) call.write(event);
        call.end();
      },
      Gossip: this.#unary('Gossip', () => ({
        exchanges: [
          { peerId: 'owner-2', name: 'node-2', outcome: 'changed', ownersChanged: ['x'] },
        ],
      })),
      Leave: this.#unary('Leave', () => ({})),
      SetMaintenance: this.#unary('SetMaintenance', () => ({})),
      Watch: (call: WatchCall) => this.#watch(call),
    };
  }

  #unary<N extends MethodName>(
    name: N,
    answer: (request: ReceivedOf<(typeof discoveryDefinition)[N]>) => unknown,
  ) {
    type Request = ReceivedOf<(typeof discoveryDefinition)[N]>;
    return (
      call: grpc.ServerUnaryCall<Request, unknown>,
      callback: grpc.sendUnaryData<unknown>,
    ): void => {
      this.calls.push(name);
      this.answered.emit('called');
      if (this.#silent.has(name)) return;
      const refusal = this.#refusals.get(name);
      const result = refusal ?? answer(call.request);
      if (isRefusal(result)) callback(errorOf(result));
      else callback(null, result);
      this.answered.emit(name, call.request);
    };
  }

  #register(request: disco.v1.RegisterRequest): RequestAnswer | Refusal {
    const ip = request.ip || '127.0.0.1';
    const port = request.port || 40_000 + this.instances.size;
    const instanceId = request.instanceId || `${ip}:${port}`;
    const { group, name, metadata, tags, version, ttlMs } = request;
    const lastUpdate = this.#log.length + 1;
    const stated = { group, name, metadata, tags, version, ttlMs, ip, port, instanceId };
    this.put(wireInstance({ ...stated, lastUpdate }));
    return { ip, port, instanceId, owner: 'owner-1', lastUpdate };
  }

  #deregister(request: disco.v1.DeregisterRequest): { instanceId: string } | Refusal {
    const known = this.#own(request);
    if (known === undefined) return unknownInstance;
    this.drop(known);
    return { instanceId: request.instanceId };
  }

  #heartbeat(request: disco.v1.HeartbeatRequest): { ttlMs: number } | Refusal {
    const known = this.#own(request);
    return known === undefined ? unknownInstance : { ttlMs: Number(known.ttlMs ?? 0) };
  }

  #own({ group, name, instanceId }: disco.v1.HeartbeatRequest): Wire | undefined {
    return this.instances.get(keyOf({ group, name, instanceId, owner: 'owner-1' }));
  }

  #get(request: disco.v1.GetRequest): Wire | Refusal {
    const found = [...this.instances.values()].filter(matches(request));
    const first = found[0];
    if (first !== undefined) return { ...first, candidates: found.length };
    const message = `${request.group}/${request.name} was never heard of`;
    return { code: grpc.status.NOT_FOUND, reason: 'UNKNOWN_SERVICE', message };
  }

  #list(request: disco.v1.ListRequest): disco.v1.ListResponse.$Properties {
    const all = [...this.instances.values()].filter(matches(request));
    const from = Number(request.pageToken || 0);
    const until = from + Math.min(request.pageSize, this.pageSizeMax);
    return {
      instances: all.slice(from, until),
      nextPageToken: until < all.length ? String(until) : '',
      sinceReconcileMs: 1_234,
    };
  }

  #status(): disco.v1.StatusResponse.$Properties {
    return {
      peerId: 'owner-1',
      name: 'node-1',
      cluster: 'default',
      ready: this.ready,
      readiness: this.ready ? 'reconciled with node-2' : 'waiting for a first reconcile',
      startedAt: 1_700_000_000_000_000,
      refused: { bad_signature: 2 },
    };
  }

  #watch(call: WatchCall): void {
    this.calls.push('Watch');
    const refusal = this.#refusals.get('Watch');
    if (refusal !== undefined) {
      call.emit('error', errorOf(refusal));
      this.answered.emit('Watch', call.request);
      return;
    }
    const [database, revision] = call.request.cursor.split(':').map(Number);
    if (database === this.#database && revision !== undefined) {
      const missed = this.#log.slice(revision);
      missed.forEach((event, index) => {
        if (!matches(call.request)(event.instance ?? {})) return;
        call.write({ ...event, cursor: `${database}:${revision + index + 1}` });
      });
    } else {
      call.write({ kind: Kind.SNAPSHOT_BEGIN });
      for (const instance of [...this.instances.values()].filter(matches(call.request))) {
        call.write({ kind: Kind.UP, instance, cursor: this.#cursor });
      }
      if (!this.holdSnapshots) call.write({ kind: Kind.SNAPSHOT_END, cursor: this.#cursor });
    }
    this.#watches.add(call);
    call.on('cancelled', () => {
      this.#watches.delete(call);
      this.answered.emit('watch ended');
    });
    this.answered.emit('Watch', call.request);
  }
}

type RequestAnswer = disco.v1.RegisterResponse.$Properties;

const unknownInstance: Refusal = {
  code: grpc.status.NOT_FOUND,
  reason: 'UNKNOWN_INSTANCE',
  message: 'this node holds no such instance',
};

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'code' in answer;
}

function errorOf(refusal: Refusal): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  if (refusal.reason !== undefined) metadata.set('disco-reason', refusal.reason);
  return Object.assign(new Error(refusal.message), {
    code: refusal.code,
    details: refusal.message,
    metadata,
  });
}

function keyOf(instance: Wire): string {
  return [instance.group, instance.name, instance.instanceId, instance.owner].join(' ');
}

function matches(wanted: { group: string; name: string }): (instance: Wire) => boolean {
  return (instance) =>
    (wanted.group === '' || wanted.group === instance.group) &&
    (wanted.name === '' || wanted.name === instance.name);
}

/**
 * A TCP proxy that makes one machine as wide as a network: what comes in goes out later.
 *
 *   client ──▶ [open │ bytes │ bytes │ end] ──▶ target       one queue a direction and connection;
 *   client ◀── [bytes │ reset] ◀──────────────── target      an entry leaves when its time has come
 *
 * Order within a direction is kept, and the end and the reset of a connection wait for their turn
 * like bytes do. Connecting to the proxy itself succeeds at once: a target that refuses shows as a
 * reset after a delay each way.
 */
import { once } from 'node:events';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { seededRandom, type Random } from '../../src/base/random.ts';

const host = '127.0.0.1';
/** What one direction of a connection may hold, one read more at most; then it stops reading. */
export const heldBytesMax = 1024 * 1024;

export interface DelayProxyOptions {
  /** A port of 127.0.0.1. */
  readonly targetPort: number;
  /** One way, mean. 0 forwards at once. */
  readonly delayMs: number;
  /** Share by which the delay of each chunk varies around the mean, 0 to 1. */
  readonly jitter?: number;
  readonly randomSeed?: number;
}

/**
 * Calls that are due at whole milliseconds, with one timer for the whole process: at 1 kHz while
 * anything waits. Times are rounded, so that what comes early and what comes late even out; a timer
 * of its own for each chunk would always be late.
 */
class TickWheel {
  readonly #slots = new Map<number, (() => void)[]>();
  #tick = 0;

  /** @param dueTick of `tickNow` */
  at(dueTick: number, run: () => void): void {
    if (this.#slots.size === 0) {
      this.#tick = tickNow();
      this.#wait();
    }
    const tick = Math.max(dueTick, this.#tick + 1);
    const slot = this.#slots.get(tick);
    if (slot === undefined) this.#slots.set(tick, [run]);
    else slot.push(run);
  }

  #wait(): void {
    setTimeout(() => this.#turn(), 1);
  }

  #turn(): void {
    const now = tickNow();
    while (this.#tick < now) {
      this.#tick += 1;
      const slot = this.#slots.get(this.#tick);
      for (const run of slot ?? []) run();
      this.#slots.delete(this.#tick);
    }
    if (this.#slots.size > 0) this.#wait();
  }
}

const wheel = new TickWheel();

/** The whole millisecond that is nearest. */
function tickNow(): number {
  return Math.round(performance.now());
}

interface Entry {
  readonly dueTick: number;
  readonly run: () => void;
}

/** What is under way in one direction of one connection. */
class Lane {
  readonly #proxy: DelayProxy;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #entries: Entry[] = [];
  #lastDueTick = 0;
  #bytes = 0;

  constructor(proxy: DelayProxy, from: Socket, to: Socket) {
    this.#proxy = proxy;
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => this.enter(() => void to.end()));
    // Whatever went wrong on one side is a reset on the other.
    from.on('error', () => this.enter(() => reset(to)));
  }

  /** Not yet taken by the socket at the other end. */
  get bytes(): number {
    return this.#bytes;
  }

  enter(run: () => void): void {
    const drawn = Math.round(performance.now() + this.#proxy.drawDelayMs());
    const dueTick = Math.max(this.#lastDueTick, drawn);
    this.#lastDueTick = dueTick;
    this.#entries.push({ dueTick, run });
    if (this.#proxy.isImmediate) this.deliver();
    else wheel.at(dueTick, () => this.deliver());
  }

  /** Does what is due, unless the line is cut. */
  deliver(): void {
    const now = tickNow();
    while (!this.#proxy.isCut) {
      const next = this.#entries[0];
      if (next === undefined || next.dueTick > now) return;
      this.#entries.shift();
      next.run();
    }
  }

  #take(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes >= heldBytesMax) this.#from.pause();
    this.enter(() => {
      this.#to.write(bytes, () => {
        this.#bytes -= bytes.length;
        if (this.#bytes < heldBytesMax) this.#from.resume();
      });
    });
  }
}

export class DelayProxy {
  readonly #options: Required<DelayProxyOptions>;
  readonly #random: Random;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lanes = new Set<Lane>();
  #accepted = 0;
  #isCut = false;
  #isRefusing = false;

  private constructor(options: DelayProxyOptions) {
    this.#options = { jitter: 0, randomSeed: 1, ...options };
    this.#random = seededRandom(this.#options.randomSeed);
    // Half-closed connections stay so until the other half is closed, too.
    const settings = { allowHalfOpen: true, noDelay: true };
    this.#server = createServer(settings, (client) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(options: DelayProxyOptions): Promise<DelayProxy> {
    const proxy = new DelayProxy(options);
    proxy.#server.listen(0, host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get targetPort(): number {
    return this.#options.targetPort;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections that are not closed on both sides. */
  get open(): number {
    return this.#lanes.size / 2;
  }

  /** Bytes that are under way, over all connections. */
  get heldBytes(): number {
    let bytes = 0;
    for (const lane of this.#lanes) bytes += lane.bytes;
    return bytes;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  get isImmediate(): boolean {
    return this.#options.delayMs === 0;
  }

  drawDelayMs(): number {
    return this.#random.jitter(this.#options.delayMs, this.#options.jitter);
  }

  /**
   * Nothing passes any more, and nobody is told; what is under way is held, as TCP would send it
   * again. New connections hear nothing either, or are reset at once when they are refused.
   */
  cut({ isRefusing = false } = {}): void {
    this.#isCut = true;
    this.#isRefusing = isRefusing;
  }

  /** What was held goes on. */
  mend(): void {
    this.#isCut = false;
    this.#isRefusing = false;
    for (const lane of this.#lanes) lane.deliver();
  }

  /** Closes all connections and stops to listen. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    if (this.#isRefusing) {
      client.on('error', () => undefined);
      reset(client);
      return;
    }
    const target = new Socket({ allowHalfOpen: true }).setNoDelay(true);
    const lanes = [new Lane(this, client, target), new Lane(this, target, client)] as const;
    lanes[0].enter(() => target.connect(this.#options.targetPort, host));
    for (const lane of lanes) this.#lanes.add(lane);
    let sidesOpen = 2;
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        sidesOpen -= 1;
        if (sidesOpen === 0) for (const lane of lanes) this.#lanes.delete(lane);
      });
    }
  }
}

/**
 * Only a socket with nothing to write is reset: another one is closed. libuv refuses to reset a
 * socket whose FIN waits behind unsent bytes, and Node then spins for ever when the process ends.
 */
function reset(socket: Socket): void {
  if (socket.writableLength === 0 && !socket.writableEnded) socket.resetAndDestroy();
  else socket.destroy();
}

/**
 * PacketNetwork: UDP and short TCP connections between modelled nodes, in virtual time.
 *
 * Packets are delayed, lost and overtaken; streams are delayed and lose nothing. A process that is
 * blocked or paused sends and hears nothing meanwhile: its kernel holds all that comes, without a
 * bound, and accepts connections.
 */
import type { Clock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { NodeProcess } from '../../src/sim/node-process.ts';
import type { Message, StateLine } from './swim-wire.ts';

export interface PacketOptions {
  /** One-way mean, ms, and the share by which it varies, uniformly. */
  readonly latencyMs: number;
  readonly latencyJitter: number;
  /** Share of packets, 0 to 1. */
  readonly loss: number;
}

/** What one side says over a connection. */
export type StreamMessage =
  | { readonly kind: 'ping' | 'ack'; readonly bytes: number }
  | { readonly kind: 'states'; readonly lines: readonly StateLine[]; readonly bytes: number };

export interface PacketHandler {
  packet(messages: readonly Message[]): void;
  /** Answers a request on a connection. */
  asked(request: StreamMessage): StreamMessage;
}

/** One packet or one direction of a connection is a message. */
export interface SentCount {
  messages: number;
  bytes: number;
}

interface Station {
  readonly process: NodeProcess;
  readonly handler: PacketHandler;
}

/** SYN, SYN-ACK and then the request. */
const connectDelays = 3;

export class PacketNetwork {
  readonly sent: SentCount = { messages: 0, bytes: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: PacketOptions;
  readonly #stations = new Map<number, Station>();

  constructor(clock: Clock, random: Random, options: PacketOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  join(node: number, process: NodeProcess, handler: PacketHandler): void {
    this.#stations.set(node, { process, handler });
  }

  /** Sends a packet, once the sender can. */
  send(from: NodeProcess, to: number, messages: readonly Message[], bytes: number): void {
    from.run(() => {
      this.#count(bytes);
      const { loss } = this.#options;
      if (loss > 0 && this.#random.next() < loss) return;
      const station = this.#station(to);
      this.#clock.schedule(this.#delayMs(1), () =>
        station.process.run(() => station.handler.packet(messages)),
      );
    });
  }

  /** Asks over a connection of its own; `done` is called once, with nothing after `timeoutMs`. */
  ask(
    from: NodeProcess,
    to: number,
    request: StreamMessage,
    timeoutMs: number,
    done: (answer: StreamMessage | undefined) => void,
  ): void {
    let isOver = false;
    const end = (answer: StreamMessage | undefined): void => {
      if (isOver) return;
      isOver = true;
      done(answer);
    };
    from.schedule(timeoutMs, () => end(undefined));
    const { process, handler } = this.#station(to);
    const answer = (): void => {
      // Nobody reads it any more.
      if (isOver) return;
      const reply = handler.asked(request);
      this.#count(reply.bytes);
      this.#clock.schedule(this.#delayMs(1), () => from.run(() => end(reply)));
    };
    from.run(() => {
      if (isOver) return;
      this.#count(request.bytes);
      this.#clock.schedule(this.#delayMs(connectDelays), () => process.run(answer));
    });
  }

  #count(bytes: number): void {
    this.sent.messages += 1;
    this.sent.bytes += bytes;
  }

  #delayMs(times: number): number {
    const { latencyMs, latencyJitter } = this.#options;
    let delayMs = 0;
    for (let i = 0; i < times; i++) delayMs += this.#random.jitter(latencyMs, latencyJitter);
    return delayMs;
  }

  #station(node: number): Station {
    const station = this.#stations.get(node);
    if (station === undefined) throw new Error(`there is no node ${node}`);
    return station;
  }
}

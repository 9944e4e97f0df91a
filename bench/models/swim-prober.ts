/**
 * SwimProber: one node asks the others, one after the other, whether they live.
 *
 *   ping ── timeout ──▶ 3 others are asked to ping it, and it is asked over TCP ── interval ──▶ suspect
 *     └─ ack ─▶ well      └─ ack over any way ─▶ well
 *
 * The interval is the deadline of a probe and stretches with the score of local health, in the
 * paper also the timeout. A relay that hears nothing for most of its own timeout says so (nack):
 * each nack that did not come is counted against the node's own health. In memberlist as it is
 * shipped relays wait for the whole timeout, and a nack to a node in full health is just too late.
 */
import type { Cancel } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { NodeProcess } from '../../src/sim/node-process.ts';
import type { Awareness, SwimOptions } from './swim-timing.ts';
import type { Message, Rumor, SwimState } from './swim-wire.ts';

export interface Target {
  readonly node: number;
  readonly incarnation: number;
  readonly state: SwimState;
}

/** What a prober needs of the node that it is part of. */
export interface ProberPort {
  readonly number: number;
  readonly process: NodeProcess;
  readonly random: Random;
  readonly options: SwimOptions;
  readonly awareness: Awareness;
  /** The next one in turn that is not dead. */
  nextTarget(): Target | undefined;
  /** Up to `count` living ones but this one. */
  relays(count: number, target: number): number[];
  /** @param told a rumor that must be in the same packet */
  send(to: number, message: Message, told?: Rumor): void;
  /** Asks over a connection. @param done hears whether it answered in time */
  ask(to: number, timeoutMs: number, done: (isAnswered: boolean) => void): void;
  suspect(node: number, incarnation: number): void;
}

/** One probe under way. */
interface Probe {
  readonly target: Target;
  readonly seq: number;
  /** Where it is: the ping is to be sent, was sent, or others were asked. */
  phase: 'begun' | 'direct' | 'indirect' | 'over';
  isLate: boolean;
  isAnswered: boolean;
  expectedNacks: number;
  nacks: number;
  /** Over TCP. */
  readonly fallback: { isAsked: boolean; isOver: boolean; isAnswered: boolean };
}

export class SwimProber {
  readonly #port: ProberPort;
  /** What is done when an ack or a nack comes, by sequence number. */
  readonly #handlers = new Map<number, { onAck: () => void; onNack?: () => void }>();
  #seq = 0;
  #isBusy = false;
  /** A turn came while the probe before was not over yet; more of them are left out. */
  #isOverdue = false;

  constructor(port: ProberPort) {
    this.#port = port;
  }

  start(): void {
    const { process, random, options } = this.#port;
    process.schedule(random.next() * options.probeIntervalMs, () => this.#tick());
  }

  ack(seq: number): void {
    const handler = this.#handlers.get(seq);
    this.#handlers.delete(seq);
    handler?.onAck();
  }

  nack(seq: number): void {
    this.#handlers.get(seq)?.onNack?.();
  }

  /** Pings for another node that got no answer. */
  relay(seq: number, target: number, asker: number, wantsNack: boolean): void {
    const { process, options, number } = this.#port;
    const own = ++this.#seq;
    let cancelNack: Cancel | undefined;
    const onAck = (): void => {
      cancelNack?.();
      this.#port.send(asker, { kind: 'ack', seq });
    };
    this.#handlers.set(own, { onAck });
    process.schedule(options.probeTimeoutMs, () => this.#handlers.delete(own));
    this.#port.send(target, { kind: 'ping', seq: own, node: target, from: number });
    if (wantsNack)
      cancelNack = process.schedule(options.nackShare * options.probeTimeoutMs, () =>
        this.#port.send(asker, { kind: 'nack', seq }),
      );
  }

  #tick(): void {
    const { process, options } = this.#port;
    process.schedule(options.probeIntervalMs, () => this.#tick());
    if (this.#isBusy) this.#isOverdue = true;
    else this.#next();
  }

  #next(): void {
    const target = this.#port.nextTarget();
    if (target === undefined) return;
    const { process, options, awareness, number } = this.#port;
    const probe: Probe = {
      target,
      seq: ++this.#seq,
      phase: 'begun',
      isLate: false,
      isAnswered: false,
      expectedNacks: 0,
      nacks: 0,
      fallback: { isAsked: false, isOver: false, isAnswered: false },
    };
    this.#isBusy = true;
    const { node, incarnation, state } = target;
    const { probeTimeoutMs, isTimeoutScaled } = options;
    const timeoutMs = isTimeoutScaled ? awareness.scale(probeTimeoutMs) : probeTimeoutMs;
    const deadlineMs = process.now().monoMs + awareness.scale(options.probeIntervalMs);
    this.#handlers.set(probe.seq, {
      onAck: () => this.#answered(probe),
      onNack: () => (probe.nacks += 1),
    });
    process.schedule(awareness.scale(options.probeIntervalMs), () => this.#late(probe));
    const isBuddy = options.buddySystem && state === 'suspect';
    const told = { kind: 'suspect', node, incarnation, from: number } as const;
    const ping = { kind: 'ping', seq: probe.seq, node, from: number } as const;
    this.#port.send(node, ping, isBuddy ? told : undefined);
    // What comes after it waits until it could be sent.
    process.run(() => {
      if (probe.phase !== 'begun') return;
      probe.phase = 'direct';
      if (probe.isLate) this.#askOthers(probe, deadlineMs);
      else process.schedule(timeoutMs, () => this.#askOthers(probe, deadlineMs));
    });
  }

  #answered(probe: Probe): void {
    probe.isAnswered = true;
    this.#end(probe, -1);
  }

  /** The deadline: an answer that comes now is not heard any more. */
  #late(probe: Probe): void {
    this.#handlers.delete(probe.seq);
    if (probe.phase === 'over') return;
    probe.isLate = true;
    if (probe.phase === 'direct') this.#askOthers(probe, 0);
    else this.#judge(probe);
  }

  #askOthers(probe: Probe, deadlineMs: number): void {
    if (probe.phase !== 'direct') return;
    probe.phase = 'indirect';
    const { process, options, number } = this.#port;
    const { node } = probe.target;
    const relays = this.#port.relays(options.indirectChecks, node);
    const wantsNack = options.lhaProbe;
    if (wantsNack) probe.expectedNacks = relays.length;
    for (const relay of relays)
      this.#port.send(relay, { kind: 'indirect', seq: probe.seq, node, from: number, wantsNack });
    process.run(() => {
      const leftMs = Math.max(0, deadlineMs - process.now().monoMs);
      probe.fallback.isAsked = true;
      this.#port.ask(node, leftMs, (isAnswered) => {
        probe.fallback.isOver = true;
        probe.fallback.isAnswered = isAnswered;
        this.#judge(probe);
      });
    });
  }

  /** Once the time is over and nothing is waited for. */
  #judge(probe: Probe): void {
    const { fallback, target, expectedNacks, nacks } = probe;
    if (probe.phase !== 'indirect' || !probe.isLate || !fallback.isOver) return;
    if (fallback.isAnswered) {
      this.#end(probe, -1);
      return;
    }
    this.#end(probe, expectedNacks > 0 ? Math.max(0, expectedNacks - nacks) : 1, () =>
      this.#port.suspect(target.node, target.incarnation),
    );
  }

  #end(probe: Probe, delta: number, act: () => void = () => undefined): void {
    if (probe.phase === 'over') return;
    probe.phase = 'over';
    this.#handlers.delete(probe.seq);
    act();
    this.#port.awareness.apply(delta);
    this.#isBusy = false;
    if (!this.#isOverdue) return;
    this.#isOverdue = false;
    this.#next();
  }
}

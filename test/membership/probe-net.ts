/**
 * A full mesh of probers on virtual time: links with a delay that keep their order and lose
 * nothing, as TCP's do, and processes that can be stopped: what is sent to them waits. Once a
 * second, ±20 %, each asks three others in turn something else, as rounds of gossip do.
 */
import { seededRandom } from '../../src/base/random.ts';
import type { Random } from '../../src/base/random.ts';
import { Prober } from '../../src/membership/prober.ts';
import type { ProbeAction } from '../../src/membership/probe-action.ts';
import type { OwnerId } from '../../src/record/owner.ts';

export interface ProbeNetOptions {
  readonly nodes: number;
  readonly randomSeed: number;
  readonly intervalMs?: number;
  /** Each way takes half of it, +-20 %. */
  readonly rttMs: number;
  /** Share of packets that are lost; each is sent again after 200 ms, 400 ms, and so on. */
  readonly loss?: number;
}

export interface Verdict {
  readonly kind: 'silent' | 'speaks';
  readonly observer: number;
  readonly subject: number;
  readonly atMs: number;
}

type Frame =
  | Extract<ProbeAction, { kind: 'ping' | 'pong' | 'askVouch' | 'vouch' }>
  | { readonly kind: 'ask' | 'answer' };

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly node: number;
  /** Undefined: a tick. */
  readonly frame?: Frame;
  readonly from: number;
}

interface Process {
  readonly prober: Prober;
  readonly waiting: Event[];
  isStopped: boolean;
  tickAtMs: number;
  roundAtMs: number;
  /** Whom it asks, the longest ago first. */
  readonly turns: number[];
}

const retransmitMs = 200;
const roundMs = 1_000;
const roundJitter = 0.2;
const askedInRound = 3;

export function nameOf(node: number): OwnerId {
  return `node ${node}`;
}

export class ProbeNet {
  readonly verdicts: Verdict[] = [];
  /** Frames sent, by kind. */
  readonly sent = { ping: 0, pong: 0, askVouch: 0, vouch: 0, ask: 0, answer: 0 };
  readonly #random: Random;
  readonly #options: ProbeNetOptions;
  readonly #processes: readonly Process[];
  /** Binary heap, earliest first. */
  readonly #heap: Event[] = [];
  /** When the last frame arrives, by way. */
  readonly #arrivals = new Map<number, number>();
  /** Ways on which all is held up until then. */
  readonly #blocked = new Map<number, number>();
  #order = 0;
  #nowMs = 0;

  constructor(options: ProbeNetOptions) {
    const { nodes, randomSeed, intervalMs = 1_000 } = options;
    this.#options = options;
    this.#random = seededRandom(randomSeed);
    this.#processes = Array.from({ length: nodes }, (_, node) => {
      const random = seededRandom(randomSeed * nodes + node);
      const prober = new Prober({ self: nameOf(node), intervalMs, random });
      const others = Array.from({ length: nodes }, (_, peer) => peer).filter((p) => p !== node);
      const turns = this.#random.sample(others, nodes);
      const roundAtMs = this.#random.next() * roundMs;
      return { prober, waiting: [], isStopped: false, tickAtMs: Infinity, roundAtMs, turns };
    });
    for (let node = 0; node < nodes; node++)
      for (let peer = 0; peer < nodes; peer++)
        if (peer !== node) this.#do(node, this.proberOf(node).linked(nameOf(peer), 0));
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  proberOf(node: number): Prober {
    return this.#process(node).prober;
  }

  /** As SIGSTOP does. */
  stop(node: number): void {
    this.#process(node).isStopped = true;
  }

  /** As SIGCONT does: first the timers run, then what waited is read. */
  resume(node: number): void {
    const process = this.#process(node);
    process.isStopped = false;
    if (process.tickAtMs <= this.#nowMs) this.#tick(node, process);
    for (const event of process.waiting.splice(0)) this.#deliver(event);
  }

  /** Holds up what one node sends another. */
  block(from: number, to: number, forMs: number): void {
    this.#blocked.set(this.#wayOf(from, to), this.#nowMs + forMs);
  }

  run(forMs: number): void {
    const endMs = this.#nowMs + forMs;
    for (let event = this.#heap[0]; event !== undefined && event.atMs <= endMs;) {
      this.#pop();
      this.#nowMs = event.atMs;
      this.#happen(event);
      event = this.#heap[0];
    }
    this.#nowMs = endMs;
  }

  #process(node: number): Process {
    return this.#processes[node] as Process;
  }

  #wayOf(from: number, to: number): number {
    return from * this.#options.nodes + to;
  }

  #happen(event: Event): void {
    const process = this.#process(event.node);
    if (event.frame !== undefined) {
      if (process.isStopped) process.waiting.push(event);
      else this.#deliver(event);
      return;
    }
    // Named anew in the meantime, or to be made up for when the process goes on.
    if (event.atMs !== process.tickAtMs || process.isStopped) return;
    this.#tick(event.node, process);
  }

  #tick(node: number, process: Process): void {
    const { prober, turns } = process;
    const now = this.#nowMs;
    process.tickAtMs = Infinity;
    if (prober.nextMs <= now) this.#do(node, prober.tick(now));
    if (process.roundAtMs > now) return this.#do(node, []);
    process.roundAtMs = now + this.#random.jitter(roundMs, roundJitter);
    for (const peer of turns.splice(0, askedInRound)) {
      turns.push(peer);
      prober.asked(nameOf(peer), now);
      this.#send(node, nameOf(peer), { kind: 'ask' });
    }
    this.#do(node, prober.pass(now));
  }

  #deliver({ node, frame, from }: Event): void {
    const prober = this.proberOf(node);
    const peer = nameOf(from);
    const now = this.#nowMs;
    if (frame?.kind === 'ping') this.#do(node, prober.pinged(peer, frame.nonce, now));
    else if (frame?.kind === 'pong') this.#do(node, prober.answered(peer, frame.nonce, now));
    else if (frame?.kind === 'askVouch')
      this.#do(node, prober.askedToVouch(peer, frame.subject, frame.nonce, now));
    else if (frame?.kind === 'vouch')
      this.#do(node, prober.vouched(peer, frame.subject, frame.nonce, now));
    else if (frame?.kind === 'answer') this.#do(node, prober.answered(peer, undefined, now));
    else if (frame?.kind === 'ask') {
      const { turns } = this.#process(node);
      turns.push(...turns.splice(turns.indexOf(from), 1));
      this.#do(node, prober.heard(peer, now));
      this.#send(node, peer, { kind: 'answer' });
    }
  }

  #do(node: number, actions: readonly ProbeAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'ping':
        case 'pong':
          this.#send(node, action.peer, action);
          break;
        case 'askVouch':
          this.#send(node, action.through, action);
          break;
        case 'vouch':
          this.#send(node, action.to, action);
          break;
        case 'silent':
        case 'speaks': {
          const verdict = { observer: node, subject: numberOf(action.peer), atMs: this.#nowMs };
          this.verdicts.push({ kind: action.kind, ...verdict });
          break;
        }
        case 'late':
          break;
        case 'dialFor':
          throw new Error('the mesh is full');
      }
    }
    const process = this.#process(node);
    // A factor that fell may have brought a deadline into the past.
    const nextMs = Math.max(Math.min(process.prober.nextMs, process.roundAtMs), this.#nowMs);
    if (nextMs === process.tickAtMs) return;
    process.prober.hostWakesAt(nextMs);
    process.tickAtMs = nextMs;
    if (nextMs !== Infinity) this.#push(nextMs, node, node);
  }

  #send(from: number, peer: OwnerId, frame: Frame): void {
    this.sent[frame.kind] += 1;
    const node = numberOf(peer);
    const way = this.#wayOf(from, node);
    const delayMs = this.#random.jitter(this.#options.rttMs / 2, 0.2) + this.#retransmitsMs();
    const leaveMs = Math.max(this.#nowMs, this.#blocked.get(way) ?? 0);
    const atMs = Math.max(this.#arrivals.get(way) ?? 0, leaveMs + delayMs);
    this.#arrivals.set(way, atMs);
    this.#push(atMs, node, from, frame);
  }

  #retransmitsMs(): number {
    const { loss = 0 } = this.#options;
    let lostMs = 0;
    for (let pauseMs = retransmitMs; this.#random.next() < loss; pauseMs *= 2) lostMs += pauseMs;
    return lostMs;
  }

  #push(atMs: number, node: number, from: number, frame?: Frame): void {
    const event = { atMs, order: this.#order++, node, from, ...(frame && { frame }) };
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isEarlier(event, heap[above] as Event)) break;
      heap[index] = heap[above] as Event;
      index = above;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      const isRight = below + 1 < heap.length;
      if (isRight && isEarlier(heap[below + 1] as Event, heap[below] as Event)) below += 1;
      if (!isEarlier(heap[below] as Event, last)) break;
      heap[index] = heap[below] as Event;
      index = below;
    }
    heap[index] = last;
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

function numberOf(peer: OwnerId): number {
  return Number(peer.slice('node '.length));
}

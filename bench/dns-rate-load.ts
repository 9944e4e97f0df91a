/**
 * Asks one DNS question again and again, with so many under way, each from the moment that an
 * answer is back.
 *
 *   node bench/dns-rate-load.ts NAME TYPE PORT IN-FLIGHT WARM-SECONDS SECONDS, with an IPC channel
 *
 * Says `warm` when the counted time begins, and a LoadReport when it ends.
 */
import { createSocket } from 'node:dgram';
import { encode } from 'dns-packet';
import type { OptAnswer, RecordType } from 'dns-packet';
import { quantiles } from './quantiles.ts';

export interface LoadReport {
  readonly answers: number;
  readonly seconds: number;
  /** ms */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of an answer. */
  readonly bytes: number;
  readonly lost: number;
}

const lostMs = 1_000;
const [name = '', type = 'A', ...numbers] = process.argv.slice(2);
const [port = 0, inFlight = 1, warmSeconds = 1, seconds = 1] = numbers.map(Number);
const opt: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};
const bytes = encode({
  type: 'query',
  flags: 0x0100,
  questions: [{ name, type: type as RecordType }],
  additionals: [opt],
});

const startedAt = new Float64Array(inFlight);
let times: number[] = [];
let size = 0;
let lost = 0;
let isOver = false;
const socket = createSocket({
  type: 'udp4',
  lookup: (host, _options, found) => found(null, host, 4),
});
socket.on('message', (answer) => {
  const slot = answer.readUInt16BE(0);
  const now = performance.now();
  times.push(now - (startedAt[slot] ?? 0));
  size = answer.length;
  if (!isOver) ask(slot);
});
socket.bind(0, '127.0.0.1', () => {
  for (let slot = 0; slot < inFlight; slot++) ask(slot);
  setTimeout(begin, warmSeconds * 1_000);
});
const retrying = setInterval(() => {
  const before = performance.now() - lostMs;
  for (const [slot, at] of startedAt.entries()) {
    if (at > before) continue;
    lost += 1;
    ask(slot);
  }
}, lostMs / 4);

function ask(slot: number): void {
  const question = Buffer.from(bytes);
  question.writeUInt16BE(slot, 0);
  startedAt[slot] = performance.now();
  socket.send(question, port, '127.0.0.1');
}

function begin(): void {
  times = [];
  lost = 0;
  process.send?.('warm');
  const beganMs = performance.now();
  setTimeout(() => {
    isOver = true;
    clearInterval(retrying);
    const lasted = (performance.now() - beganMs) / 1_000;
    const { p50, p99, max } = quantiles(times);
    const report: LoadReport = {
      answers: times.length,
      seconds: lasted,
      p50,
      p99,
      max,
      bytes: size,
      lost,
    };
    process.send?.(report, () => {
      socket.close();
      process.disconnect();
    });
  }, seconds * 1_000);
}

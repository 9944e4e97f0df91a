/**
 * Knock: is anybody there? A bare TCP connection, closed as soon as it stands.
 *
 * Where a process has just ended, the answer is no, and all who had links to it ask at the same
 * moment: a dial of libp2p finds that out too, with its queue, peer store and signals around it,
 * for eight times the processor time (bench/knock-cost.ts).
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { DialFailure } from './context.ts';
import { dialFailureOf } from './dial-failure.ts';

const tcpAddress = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)$/;

/**
 * @param addresses multiaddrs; of other kinds than IP and TCP nothing is found out
 * @param done called once: `open` when anybody answers at one of them, or nothing was found out
 * @param open begins to connect, as `connect` of node:net does
 */
export function knock(
  addresses: readonly string[],
  timeoutMs: number,
  done: (answer: 'open' | DialFailure) => void,
  open: (port: number, host: string, connected: () => void) => Socket = connect,
): void {
  const doors = addresses.map((address) => tcpAddress.exec(address));
  if (doors.length === 0 || doors.includes(null)) return done('open');
  const sockets: Socket[] = [];
  const failures: Error[] = [];
  const timer = setTimeout(() => settle('timeout'), timeoutMs);
  let isSettled = false;
  const settle = (answer: 'open' | DialFailure): void => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    done(answer);
  };
  for (const door of doors) {
    const [, host = '', port = ''] = door ?? [];
    const socket = open(Number(port), host, () => settle('open'));
    sockets.push(socket);
    socket.on('error', (error) => {
      failures.push(error);
      if (failures.length === doors.length) settle(dialFailureOf(new AggregateError(failures)));
    });
  }
}

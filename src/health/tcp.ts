/** The tcp check: the port takes a connection. Nothing is sent, and nothing is read. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { guardedLookup } from './guarded-lookup.ts';
import type { AskTarget } from './target.ts';

export const connectTcp: AskTarget = async ({ ip, port }, _check, signal) => {
  const socket = connect({ host: ip, port, lookup: guardedLookup });
  try {
    await once(socket, 'connect', { signal });
    return { hasPassed: true, output: 'connected' };
  } finally {
    // What comes after the answer, such as a reset, is nobody's error any more.
    socket.on('error', () => undefined);
    socket.destroy();
  }
};

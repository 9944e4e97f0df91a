/** Finds a free port of this host for a service that asked for none. */
import { createServer } from 'node:net';
import { DiscoError } from '../base/error.ts';

const attemptsMax = 20;

/**
 * A port that was free a moment ago at `host` and that `isTaken` does not know.
 *
 * @throws DiscoError RESOURCE_EXHAUSTED/NO_FREE_PORT, INVALID_ARGUMENT/PORT_WITHOUT_HOST
 */
export async function findFreePort(
  host: string,
  isTaken: (port: number) => boolean,
): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = await probe(host);
    if (!isTaken(port)) return port;
  }
  const sentence = `no free port was found at ${host} in ${attemptsMax} attempts: give a port`;
  throw new DiscoError('RESOURCE_EXHAUSTED', 'NO_FREE_PORT', sentence);
}

function probe(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      const sentence = `${host} is no address of this host, so its free ports are not known here: give a port`;
      reject(new DiscoError('INVALID_ARGUMENT', 'PORT_WITHOUT_HOST', sentence, error));
    });
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

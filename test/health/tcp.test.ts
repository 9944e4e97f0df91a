import t from 'tap';
import { runCheck } from '../../src/health/run-check.ts';
import { makeCheck } from '../contract/store-contract.ts';
import { refusing, serveTcp } from './servers.ts';

const check = makeCheck({ kind: 'tcp', timeoutMs: 10_000 });
const { signal } = new AbortController();

t.test('a port that takes connections passes, and is told nothing', async (t) => {
  const closed = Promise.withResolvers<number>();
  const target = await serveTcp(t, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length));
    socket.on('end', () => closed.resolve(bytes));
  });
  t.strictSame(await runCheck(target, check, signal), { hasPassed: true, output: 'connected' });
  t.equal(await closed.promise, 0);
});

t.test('a server that hangs up at once has taken the connection', async (t) => {
  const target = await serveTcp(t, (socket) => socket.end());
  t.match(await runCheck(target, check, signal), { hasPassed: true });
});

t.test('where nobody listens it fails, and says at what address', async (t) => {
  const target = await refusing(t);
  const output = `connect ECONNREFUSED 127.0.0.1:${target.port}`;
  t.strictSame(await runCheck(target, check, signal), { hasPassed: false, output });
});

t.test('a host name leads to whichever of its addresses takes the connection', async (t) => {
  const { port } = await serveTcp(t);
  t.match(await runCheck({ ip: 'localhost', port }, check, signal), { hasPassed: true });
  const gone = await refusing(t);
  const failed = await runCheck({ ...gone, ip: 'localhost' }, check, signal);
  t.equal(failed.hasPassed, false);
  t.match(failed.output, `connect ECONNREFUSED 127.0.0.1:${gone.port}`);
});

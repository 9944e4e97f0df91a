import t from 'tap';
import { runCheck } from '../../src/health/run-check.ts';
import { outputCharsMax } from '../../src/registry/check-state.ts';
import { makeCheck } from '../contract/store-contract.ts';
import { serveHttp, serveTcp } from './servers.ts';

const { signal } = new AbortController();

t.test('an answer that came while this process was kept from running is in time', async (t) => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const blockMs = 100;
  const target = await serveHttp(t, (_, response) => {
    // It is on the wire when the process stands still for longer than the check may take.
    response.end('ok', () => Atomics.wait(cell, 0, 0, blockMs));
  });
  const check = makeCheck({ kind: 'http', path: '/', method: 'GET', timeoutMs: blockMs / 2 });
  t.match(await runCheck(target, check, signal), { hasPassed: true });
});

t.test('whatever a target says, the output is one bounded line', async (t) => {
  const target = await serveHttp(t, (_, response) => {
    response.writeHead(500, 'Broken').end(`\u001b[2J\n${'long '.repeat(1_000)}`);
  });
  const check = makeCheck({ kind: 'http', path: '/', method: 'GET' });
  const { hasPassed, output } = await runCheck(target, check, signal);
  t.equal(hasPassed, false);
  t.match(output, /^500 Broken, expected 200 to 299: \[2J long long .*…$/);
  t.ok(output.length <= outputCharsMax);
});

t.test('one that is stopped before it begins connects to nobody', async (t) => {
  let connections = 0;
  const target = await serveTcp(t, () => (connections += 1));
  for (const kind of ['tcp', 'http', 'grpc'] as const) {
    const check = makeCheck({ kind, path: '/', method: 'GET' });
    t.match(await runCheck(target, check, AbortSignal.abort()), { hasPassed: false }, kind);
  }
  // One that is let through comes after whatever was on its way.
  t.match(await runCheck(target, makeCheck(), signal), { hasPassed: true });
  t.equal(connections, 1);
});

t.test('a link-local address is asked by no kind of check', async (t) => {
  const target = { ip: '169.254.169.254', port: 80 };
  for (const kind of ['tcp', 'http', 'grpc'] as const) {
    const check = makeCheck({ kind, path: '/', method: 'GET' });
    t.match(await runCheck(target, check, signal), {
      hasPassed: false,
      output: /^CHECK_TARGET_FORBIDDEN: 169\.254\.169\.254 is link-local/,
    });
  }
});

/** health, gossip, leave, version: the verbs about the daemon itself. */
import { join } from 'node:path';
import t from 'tap';
import { version } from '../../src/daemon/version.ts';
import { serve } from '../api/fixture.ts';
import { signerOf } from '../record/fixtures.ts';
import { disco, newFolder, Run, serveApi } from './fixture.ts';

const joining = 'joining: trying seed-1';

t.test('health: 0 and a word of why when the daemon is ready', async (t) => {
  const { run } = await serveApi(t);
  const [table, json, ndjson] = await Promise.all([
    run('health'),
    run('health', '-o', 'json'),
    run('-o', 'ndjson', 'health'),
  ]);
  const answer = { ready: true, readiness: 'reconciled with a peer' };
  t.match(table, { code: 0, stdout: 'ready: reconciled with a peer\n', stderr: '' });
  t.match(json, { code: 0, stdout: `${JSON.stringify(answer, undefined, 2)}\n` });
  t.match(ndjson, { code: 0, stdout: `${JSON.stringify(answer)}\n` });
});

t.test('health: 1 when the daemon is not ready, 4 when there is none', async (t) => {
  const { run, node } = await serveApi(t);
  node.control.state = { isReady: false, why: joining };
  const [table, json, none] = await Promise.all([
    run('health'),
    run('health', '-o', 'json'),
    disco(t, ['health', '--addr', 'unix:/nonexistent/s']),
  ]);
  t.match(table, { code: 1, stdout: `not ready: ${joining}\n`, stderr: '' });
  t.equal(json.code, 1);
  t.strictSame(JSON.parse(json.stdout), { ready: false, readiness: joining });
  t.match(none, { code: 4, stdout: '', stderr: /^disco: no disco daemon answers at unix:/ });
});

t.test('health --wait waits until there is a daemon, and until it is ready', async (t) => {
  const address = `unix:${join(newFolder(t), 's')}`;
  const run = new Run(t, ['health', '--wait', '--addr', address]);
  const told = await run.complained(/\n/);
  t.match(told, /^disco: waiting: no disco daemon answers at unix:\S+ \(as given\); run /);
  const { node } = await serve(t, { addresses: [address] });
  const states = [
    { isReady: false, why: joining },
    { isReady: true, why: 'reconciled with a peer' },
  ];
  node.control.readiness = () => (states.length > 1 ? states.shift() : states[0]) as never;
  t.match(await run.ended, { code: 0, stdout: 'ready: reconciled with a peer\n' });
  t.equal(states.length, 1, 'it asked until it was ready');
});

t.test('health --wait gives up after its timeout: 4 without a daemon, 1 with one', async (t) => {
  const { run, node } = await serveApi(t);
  node.control.state = { isReady: false, why: joining };
  const [busy, none] = await Promise.all([
    run('health', '--wait', '--timeout', '100ms'),
    disco(t, ['health', '--wait', '--timeout', '100ms', '--addr', 'unix:/nonexistent/s']),
  ]);
  t.match(busy, { code: 1, stdout: '', stderr: `disco: after 100 ms: not ready: ${joining}\n` });
  t.match(none, { code: 4, stdout: '', stderr: /^disco: after 100 ms: no disco daemon answers/ });
});

t.test('health --wait does not wait for what no time will mend', async (t) => {
  const startedMs = performance.now();
  const [address, duration] = await Promise.all([
    disco(t, ['health', '--wait', '--addr', 'nonsense']),
    disco(t, ['health', '--wait', '--timeout', 'long', '--addr', 'unix:/nonexistent/s']),
  ]);
  t.match(address, { code: 2, stderr: /^disco: the address option: "nonsense" is no daemon add/ });
  t.match(duration, {
    code: 2,
    stderr: 'disco: "long" is no duration: write 500ms, 30s, 5m or 1h\n',
  });
  t.ok(performance.now() - startedMs < 20_000, 'less than the 30 s that it would wait');
});

t.test('gossip: with whom, and what changed', async (t) => {
  const { run, node } = await serveApi(t);
  const none = await run('gossip');
  t.match(none, { code: 0, stdout: '', stderr: 'disco: no neighbor to gossip with\n' });
  t.strictSame(JSON.parse((await run('gossip', '-o', 'json')).stdout), { exchanges: [] });
  const { owner } = signerOf(2);
  node.hear(2, []);
  node.control.reports = [{ peer: owner, outcome: 'changed', changed: [node.self, owner] }];
  const [table, json, ndjson] = await Promise.all([
    run('gossip'),
    run('gossip', '-o', 'json'),
    run('-o', 'ndjson', 'gossip'),
  ]);
  t.equal(table.stdout, `NODE    OUTCOME  CHANGED  PEER ID\nnode-2  changed  2        ${owner}\n`);
  const exchange = {
    peerId: owner,
    name: 'node-2',
    outcome: 'changed',
    ownersChanged: [node.self, owner],
  };
  t.strictSame(JSON.parse(json.stdout), { exchanges: [exchange] });
  t.strictSame(JSON.parse(ndjson.stdout), exchange);
});

t.test('leave asks the daemon to go, in each form', async (t) => {
  const { run, node } = await serveApi(t);
  const table = await run('leave');
  t.match(table, { code: 0, stdout: 'the daemon leaves its cluster and stops\n', stderr: '' });
  const json = await run('leave', '-o', 'json');
  t.strictSame(JSON.parse(json.stdout), { leaving: true });
  t.equal((await run('-o', 'ndjson', 'leave')).stdout, '{"leaving":true}\n');
  t.equal(node.control.leaves, 3);
});

t.test('version needs no daemon', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/s' };
  const [table, json, ndjson, flag] = await Promise.all([
    disco(t, ['version'], { env }),
    disco(t, ['version', '-o', 'json'], { env }),
    disco(t, ['-o', 'ndjson', 'version'], { env }),
    disco(t, ['--version'], { env }),
  ]);
  t.match(table, { code: 0, stdout: `disco ${version}\n`, stderr: '' });
  const answer = { version, node: process.version };
  t.strictSame(JSON.parse(json.stdout), answer);
  t.equal(ndjson.stdout, `${JSON.stringify(answer)}\n`);
  t.match(flag, { code: 0, stdout: `${version}\n` });
});

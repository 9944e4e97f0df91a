/** `disco watch`: changes as they happen. */
import t from 'tap';
import { makeSealed, makeFacts, signerOf } from '../record/fixtures.ts';
import { disco, Run, serveApi } from './fixture.ts';

const add = { group: 'math', name: 'add' };

t.test('what is there, then what comes and goes, a line each', async (t) => {
  const { address, node } = await serveApi(t);
  await node.service.register({ ...add, port: 5001 });
  const run = new Run(t, ['watch'], { env: { DISCO_ADDR: address } });
  t.equal(await run.line(), '+ math/add 127.0.0.1:5001 passing on node-1');
  await node.service.register({ ...add, group: 'shop', port: 5002 });
  t.equal(await run.line(), '+ shop/add 127.0.0.1:5002 passing on node-1');
  await node.service.setMaintenance({ ...add, on: true, reason: 'kernel update' });
  const inMaintenance = '+ math/add 127.0.0.1:5001 maintenance (kernel update) on node-1';
  t.equal(await run.line(), inMaintenance);
  await node.service.deregister(add);
  t.equal(await run.line(), '- math/add 127.0.0.1:5001 deregistered on node-1');
  const { owner } = signerOf(2);
  node.hear(2, [makeSealed({ owner, ...add, health: 'warning' })], makeFacts({ name: 'x\ny' }));
  t.equal(await run.line(), '+ math/add 10.0.0.7:8080 warning on x\ufffdy');
  t.match(await run.stop(), { code: 0, signal: null, stderr: 'disco: up to date\n' });
});

t.test('an address that another node claims as well is marked', async (t) => {
  const { address, node } = await serveApi(t);
  const { owner } = signerOf(2);
  const run = new Run(t, ['watch'], { env: { DISCO_ADDR: address } });
  await run.complained(/up to date/);
  node.hear(2, [makeSealed({ owner, ...add, ip: '127.0.0.1', port: 5001 })]);
  t.match(await run.line(), /^\+ math\/add 127\.0\.0\.1:5001 passing on/);
  await node.service.register({ ...add, port: 5001 });
  t.equal(await run.line(), '+ math/add 127.0.0.1:5001 passing, CONFLICT on node-1');
  await run.stop();
});

t.test('a group or a service alone', async (t) => {
  const { address, node } = await serveApi(t);
  const env = { DISCO_ADDR: address };
  const group = new Run(t, ['watch', 'math'], { env });
  const service = new Run(t, ['watch', 'math/add'], { env });
  await Promise.all([group, service].map((run) => run.complained(/up to date/)));
  await node.service.register({ ...add, group: 'shop', port: 5001 });
  await node.service.register({ ...add, name: 'sub', port: 5002 });
  await node.service.register({ ...add, port: 5003 });
  t.equal(await group.line(), '+ math/sub 127.0.0.1:5002 passing on node-1');
  t.equal(await group.line(), '+ math/add 127.0.0.1:5003 passing on node-1');
  t.equal(await service.line(), '+ math/add 127.0.0.1:5003 passing on node-1');
  await Promise.all([group.stop(), service.stop()]);
});

t.test('programs get every change as a line of JSON', async (t) => {
  const { address, node } = await serveApi(t);
  await node.service.register({ ...add, port: 5001 });
  const env = { DISCO_ADDR: address };
  for (const args of [
    ['watch', '-o', 'ndjson'],
    ['-o', 'json', 'watch'],
  ]) {
    const run = new Run(t, args, { env });
    t.match(JSON.parse(await run.line()), { kind: 'up', instance: { ...add, port: 5001 } });
    t.strictSame(JSON.parse(await run.line()), { kind: 'fresh' });
    t.match(await run.stop('SIGTERM'), { code: 0, stderr: '' });
  }
});

t.test('a daemon that goes is told, and the watch goes on', async (t) => {
  const { address, server } = await serveApi(t);
  const env = { DISCO_ADDR: address };
  const [people, programs] = [
    new Run(t, ['watch'], { env }),
    new Run(t, ['watch', '-o', 'ndjson'], { env }),
  ];
  await people.complained(/up to date/);
  t.strictSame(JSON.parse(await programs.line()), { kind: 'fresh' });
  await server.stop(0);
  const sentence = 'this daemon is stopping: resume with the last cursor once it is back';
  t.match(await people.complained(/stopping/), `disco: ${sentence}\n`);
  t.strictSame(JSON.parse(await programs.line()), {
    kind: 'stale',
    problem: { code: 'UNAVAILABLE', reason: 'STOPPING', message: sentence },
  });
  t.match(await people.stop(), { code: 0, stdout: '' });
  t.match(await programs.stop(), { code: 0 });
});

t.test('what names nothing is wrong usage, in the words of whoever sees it first', async (t) => {
  const { run } = await serveApi(t);
  const [three, empty, bad] = await Promise.all([
    run('watch', 'a/b/c'),
    run('watch', 'math/'),
    run('watch', 'ma th'),
  ]);
  const rule = 'write GROUP or GROUP/NAME';
  t.match(three, { code: 2, stderr: `disco: "a/b/c" names nothing: ${rule}\n` });
  t.match(empty, { code: 2, stderr: `disco: "math/" names nothing: ${rule}\n` });
  t.match(bad, { code: 2, stdout: '', stderr: /^disco: group is "ma th": names are 1 to 128 / });
});

t.test('without a daemon there is nothing to watch', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/s' };
  t.match(await disco(t, ['watch'], { env }), { code: 4, stdout: '', stderr: /^disco: no disco / });
});

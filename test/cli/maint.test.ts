/** maint: what people and programs are told, and where the mark is seen. */
import t from 'tap';
import { readTarget } from '../../src/cli/maint.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { Run, serveApi } from './fixture.ts';

const add = { group: 'math', name: 'add', ip: '127.0.0.1' };

t.test('on and off, for the node, a service and an instance', async (t) => {
  const { run, node } = await serveApi(t);
  for (const port of [5001, 5002]) await node.service.register({ ...add, port });
  const one = await run('maint', 'on', 'math/add/127.0.0.1:5001', '--reason', 'disk full');
  t.match(one, {
    code: 0,
    stdout: 'maintenance of math/add/127.0.0.1:5001 is on: 1 of 1 instances in maintenance\n',
    stderr: '',
  });
  const all = await run('maint', 'on', '--reason', 'kernel', '-o', 'json');
  t.match(JSON.parse(all.stdout), { group: '', on: true, instances: 2, inMaintenance: 2 });
  const { stdout } = await run('list');
  t.match(stdout, /5001 +maintenance +node-1 +\S+ ago +maintenance="disk full"$/m);
  t.match(stdout, /5002 +maintenance +node-1 +\S+ ago +maintenance="kernel"$/m);
  const [members, status] = await Promise.all([run('members'), run('status')]);
  t.match(members.stdout, /^node-1 \(this\) +alive, maintenance /m);
  t.match(status.stdout, /^maintenance +math\/add\/127\.0\.0\.1:5001 for \d+d: disk full$/m);
  t.match(status.stdout, /^maintenance +this node for \d+d: kernel$/m);
  t.match(await run('maint', 'off'), {
    code: 0,
    stdout: 'maintenance of this node is off: 1 of 2 instances in maintenance\n',
    stderr: 'disco: what is still in maintenance is so by another word: "disco status" shows it\n',
  });
  t.match(await run('get', 'math/add', '-o', 'json'), { stdout: /"port": 5002/ });
});

t.test('what cannot be done here says where it can, and others are named', async (t) => {
  const { run, node } = await serveApi(t);
  const { owner } = signerOf(2);
  node.hear(2, [makeSealed({ owner, ...add, instanceId: 'far' })]);
  t.match(await run('maint', 'on', 'math/add'), {
    code: 5,
    stdout: '',
    stderr:
      /registered at node "node-2", and only that daemon can .* "disco maint on math\/add" there/,
  });
  t.match(await run('maint', 'on', 'math/nope'), { code: 3 });
  await node.service.register({ ...add, port: 5001 });
  t.match(await run('maint', 'on', 'math/add'), {
    code: 0,
    stderr: 'disco: others have math/add too, which this leaves alone: "node-2"\n',
  });
});

t.test('members --watch tells when a node goes into maintenance and out of it', async (t) => {
  const { address, node } = await serveApi(t);
  const watch = new Run(t, ['members', '--watch'], { env: { DISCO_ADDR: address } });
  await watch.line();
  t.match(await watch.line(), /^node-1 \(this\) +alive /);
  await node.service.setMaintenance({ on: true, reason: 'kernel' });
  t.match(await watch.line(), / node-1 alive, in maintenance: kernel$/);
  await node.service.setMaintenance({ on: false });
  t.match(await watch.line(), / node-1 alive, no longer in maintenance$/);
  await watch.stop();
});

t.test('wrong usage is told before anybody is asked', async (t) => {
  const { run } = await serveApi(t);
  const [state, target, reason] = await Promise.all([
    run('maint', 'maybe'),
    run('maint', 'on', 'math'),
    run('maint', 'off', '--reason', 'x'),
  ]);
  t.match(state, {
    code: 2,
    stdout: '',
    stderr:
      'disco: "maybe" is no state of maintenance: write "disco maint on" or "disco maint off"\n',
  });
  t.match(target, {
    code: 2,
    stderr: 'disco: "math" names nothing: write GROUP/NAME or GROUP/NAME/ID\n',
  });
  t.match(reason, { code: 2, stderr: 'disco: --reason is for maint on: leave it out\n' });
});

t.test('a target is a service or an instance of one', (t) => {
  t.strictSame(readTarget(undefined), { group: '', name: '', instanceId: '' });
  t.strictSame(readTarget('math/add'), { group: 'math', name: 'add', instanceId: '' });
  t.strictSame(readTarget('a/b/[::1]:80'), { group: 'a', name: 'b', instanceId: '[::1]:80' });
  for (const wrong of ['', 'math', '/add', 'math/', 'a/b/', 'a/b/c/d'])
    t.throws(() => readTarget(wrong), { message: /names nothing/ }, JSON.stringify(wrong));
  t.end();
});

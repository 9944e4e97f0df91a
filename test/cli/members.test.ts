/** members, force-leave: the other nodes, as people and programs are shown them. */
import t from 'tap';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import type { Node } from '../api/fixture.ts';
import { serve } from '../api/fixture.ts';
import { disco, Run, serveApi } from './fixture.ts';

const [owner, eve] = [signerOf(2).owner, signerOf(3).owner];
const address = '/ip4/10.0.0.7/tcp/7600';
const silent = { reason: 'silent' as const, since: 1_750_000_000_000_000, confirmed: false };

const anAge = (text: string): string =>
  text.replace(/(?<= )\d+[smhd]\b/g, 'AGE').replace(/ +/g, ' ');
const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const kill = ({ registry, clock }: Node, member: string): void =>
  registry.observe(member, { kind: 'unreachable', why: 'refused' }, clock.now());

/** A node that knows bob, with an instance and a link, and eve, who is dead. */
function acquaint(node: Node): void {
  node.hear(2, [makeSealed({ owner })], makeFacts({ name: 'bob' }));
  node.hear(3, [], makeFacts({ name: 'eve', addresses: [] }));
  kill(node, eve);
  node.control.linked = [owner];
  node.control.rtts = { [owner]: 0.351 };
}

t.test('members: this node first, with states, links and round trips', async (t) => {
  const { run, node } = await serveApi(t);
  acquaint(node);
  const [table, json, ndjson] = await Promise.all([
    run('members'),
    run('members', '-o', 'json'),
    run('-o', 'ndjson', 'members'),
  ]);
  t.equal(
    anAge(table.stdout),
    [
      'NODE STATE SINCE ADDRESS INSTANCES LINK RTT VERSION PEER ID',
      `node-1 (this) alive AGE ${address} 0 - - 0.1.0 ${node.self}`,
      `bob alive AGE ${address} 1 yes 0.35ms 0.1.0 ${owner}`,
      `eve dead AGE - 0 no - 0.1.0 ${eve}`,
      '',
    ].join('\n'),
  );
  const whole = JSON.parse(json.stdout) as { members: object[] };
  t.strictSame(Object.keys(whole), ['members']);
  t.match(whole.members, [
    { name: 'node-1', self: true, accusers: [] },
    { name: 'bob', state: 'alive', linked: true, instances: 1, rttMicros: 351 },
    { name: 'eve', state: 'dead' },
  ]);
  t.notOk('rttMicros' in (whole.members[2] as object));
  t.strictSame(linesOf(ndjson.stdout), whole.members);
});

t.test('members: who accused whom of what, as soon as somebody is accused', async (t) => {
  const { run, node } = await serveApi(t);
  acquaint(node);
  const accusers = [
    { accuser: owner, ...silent },
    { accuser: signerOf(9).owner, ...silent, reason: 'refused' as const, confirmed: true },
  ];
  node.control.accusers = { [eve]: accusers };
  node.control.rtts = { [owner]: 12.4 };
  const [table, json] = await Promise.all([run('members'), run('members', '-o', 'json')]);
  const stranger = `${signerOf(9).owner.slice(0, 16)}…`;
  t.strictSame(anAge(table.stdout).split('\n').slice(0, 4), [
    'NODE STATE SINCE ACCUSED BY ADDRESS INSTANCES LINK RTT VERSION PEER ID',
    `node-1 (this) alive AGE - ${address} 0 - - 0.1.0 ${node.self}`,
    `bob alive AGE - ${address} 1 yes 12ms 0.1.0 ${owner}`,
    `eve dead AGE bob (silent), ${stranger} (refused, confirmed) - 0 no - 0.1.0 ${eve}`,
  ]);
  const { members } = JSON.parse(json.stdout) as { members: { accusers: object[] }[] };
  t.match(members[2]?.accusers, [
    { peerId: owner, name: 'bob', ...silent },
    { name: '', reason: 'refused', confirmed: true },
  ]);
});

t.test('members: who left is in a table with --all only, and programs get all', async (t) => {
  const { run, node } = await serveApi(t);
  node.hear(2, [], makeFacts({ name: 'bob', left: true }));
  const namesOf = (text: string): string[] =>
    (JSON.parse(text) as { members: { name: string }[] }).members.map(({ name }) => name);
  const [table, json, all] = await Promise.all([
    run('members'),
    run('members', '-o', 'json'),
    run('members', '--all'),
  ]);
  t.equal(table.stdout.split('\n').length, 3);
  t.match(all.stdout, /^bob +left /m);
  t.strictSame(namesOf(json.stdout), ['node-1', 'bob']);
});

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

t.test('members --watch: all of them, then a line for each change', async (t) => {
  const { address: api, node } = await serveApi(t);
  acquaint(node);
  const run = new Run(t, ['members', '--watch'], { env: { DISCO_ADDR: api } });
  t.match(await run.line(), /^NODE +STATE /);
  for (const name of ['node-1', 'bob', 'eve']) t.match(await run.line(), new RegExp(`^${name} `));
  const next = async (): Promise<string> => {
    const line = await run.line();
    t.match(line, time);
    return line.replace(time, '');
  };
  node.hear(4, [], makeFacts({ name: 'x\ny', addresses: ['/ip4/10.0.0.9/tcp/1'] }));
  t.equal(await next(), 'x\ufffdy alive, new, at /ip4/10.0.0.9/tcp/1');
  node.control.accusers = { [owner]: [{ accuser: eve, ...silent }] };
  kill(node, owner);
  t.equal(await next(), 'bob alive -> dead, accused by eve (silent)');
  node.control.accusers = {};
  node.registry.observe(owner, { kind: 'linked' }, node.clock.now());
  t.equal(await next(), 'bob dead -> alive');
  const moved = { name: 'bobby', version: '9.9.9', addresses: [] };
  node.hear(2, [makeSealed({ owner })], makeFacts(moved));
  t.equal(await next(), 'bobby alive, was bob, at -, version 9.9.9');
  node.control.linked = [];
  for (const wake of node.control.memberFollowers) wake(owner);
  t.equal(await next(), 'bobby alive, no link');
  node.hear(4, [], makeFacts({ name: 'x', addresses: ['/ip4/10.0.0.9/tcp/1'], left: true }));
  t.equal(await next(), 'x alive -> left, was x\ufffdy');
  t.match(await run.stop(), { code: 0, signal: null, stderr: '' });
});

t.test('members --watch: who left before is not listed, whatever it says', async (t) => {
  const { address: api, node } = await serveApi(t);
  node.hear(3, [], makeFacts({ name: 'eve', left: true }));
  const run = new Run(t, ['members', '--watch'], { env: { DISCO_ADDR: api } });
  for (let line = 0; line < 2; line++) t.notMatch(await run.line(), /eve/);
  node.hear(3, [], makeFacts({ name: 'eve-2', left: true }));
  node.hear(2, [], makeFacts({ name: 'bob', addresses: [] }));
  t.equal((await run.line()).replace(time, ''), 'bob alive, new, at -');
  await run.stop();
});

t.test('members --watch: programs get every change as a line of JSON', async (t) => {
  const { address: api, node } = await serveApi(t);
  node.hear(3, [], makeFacts({ name: 'eve', left: true }));
  for (const args of [
    ['members', '--watch', '-o', 'ndjson'],
    ['-o', 'json', 'members', '--watch'],
  ]) {
    const run = new Run(t, args, { env: { DISCO_ADDR: api } });
    const next = async (): Promise<unknown> => JSON.parse(await run.line());
    t.match(await next(), { kind: 'member', member: { name: 'node-1', state: 'alive' } });
    t.match(await next(), { kind: 'member', member: { name: 'eve', state: 'left' } });
    t.strictSame(await next(), { kind: 'fresh' });
    t.match(await run.stop('SIGTERM'), { code: 0, stderr: '' });
  }
  const run = new Run(t, ['members', '--watch', '-o', 'ndjson'], { env: { DISCO_ADDR: api } });
  for (let line = 0; line < 3; line++) await run.line();
  node.hear(2, []);
  t.match(JSON.parse(await run.line()), { kind: 'member', member: { name: 'node-2' } });
  kill(node, owner);
  t.match(JSON.parse(await run.line()), {
    kind: 'member',
    member: { state: 'dead' },
    before: { state: 'alive' },
  });
  await run.stop();
});

t.test('members --watch: a daemon that goes is told, and what changed meanwhile', async (t) => {
  const { address: api, server, node } = await serveApi(t);
  acquaint(node);
  const run = new Run(t, ['members', '--watch'], { env: { DISCO_ADDR: api } });
  for (let line = 0; line < 4; line++) await run.line();
  await server.stop(0);
  await run.complained(/^disco: this daemon is stopping/m);
  // Another daemon at the same address, which knows of no eve.
  const { node: next } = await serve(t, { addresses: [api] });
  next.hear(2, [], makeFacts({ name: 'bob', left: true }));
  t.match((await run.line()).replace(time, ''), /^bob alive -> left/);
  t.equal((await run.line()).replace(time, ''), 'eve dead -> forgotten');
  await run.complained(/^disco: up to date$/m);
  t.match(await run.stop(), { code: 0 });
});

t.test('members --watch without a daemon has nothing to watch', async (t) => {
  const env = { DISCO_ADDR: 'unix:/nonexistent/s' };
  const ended = await disco(t, ['members', '--watch'], { env });
  t.match(ended, { code: 4, stdout: '', stderr: /^disco: no disco / });
});

t.test('force-leave: a dead node is dismissed, in each form', async (t) => {
  const { run, node } = await serveApi(t);
  acquaint(node);
  node.control.onDismiss = (subject) =>
    node.registry.observe(subject, { kind: 'dismissed', incarnation: 1 }, node.clock.now());
  const table = await run('force-leave', 'eve');
  t.match(table, { code: 0, stdout: `eve (${eve}) is listed and dialed no more\n`, stderr: '' });
  t.strictSame(node.control.dismissed, [eve]);
  const [json, ndjson] = await Promise.all([
    run('force-leave', eve, '-o', 'json'),
    run('-o', 'ndjson', 'force-leave', 'eve'),
  ]);
  t.strictSame(JSON.parse(json.stdout), { peerId: eve, name: 'eve' });
  t.strictSame(linesOf(ndjson.stdout), [{ peerId: eve, name: 'eve' }]);
});

t.test('force-leave: refused for the living, and names are asked for when unclear', async (t) => {
  const { run, node } = await serveApi(t);
  acquaint(node);
  node.hear(4, [], makeFacts({ name: 'eve' }));
  const [living, unknown, twice, nobody] = await Promise.all([
    run('force-leave', 'bob'),
    run('force-leave', 'bop'),
    run('force-leave', 'eve'),
    run('force-leave'),
  ]);
  const advice = 'stop it with "disco leave" there, or end the process';
  t.match(living, { code: 5, stdout: '', stderr: `disco: "bob" is alive: ${advice}\n` });
  const hint = 'did you mean "bob"?';
  t.match(unknown, { code: 3, stderr: `disco: this node knows no member "bop": ${hint}\n` });
  t.match(twice, { code: 2, stderr: /^disco: 2 members have the name "eve": give the peer id of/ });
  t.match(nobody, { code: 2, stderr: /missing required argument 'node'/ });
  t.strictSame(node.control.dismissed, []);
});

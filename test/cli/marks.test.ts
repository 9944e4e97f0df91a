/** What people are told besides an answer, and programs inside it. */
import t from 'tap';
import { describeHold } from '../../src/cli/marks.ts';
import { serveApi } from './fixture.ts';

const reason = '3 of 4 instances fell silent at once';
const hold = { group: 'math', name: 'add', reason, instances: 3 };

t.test('a hold is told with its service, its age, the most that is left of it, and why', (t) => {
  const at = { since: 100_000_000, until: 130_000_000 };
  const told = (nowMs: number) => describeHold({ ...hold, ...at }, nowMs);
  t.equal(told(112_000), `math/add for 12s, at most 18s more: ${reason}`);
  t.equal(told(129_500), `math/add for 30s, at most 1s more: ${reason}`);
  t.equal(told(131_000), `math/add for 31s, at most 0s more: ${reason}`, 'never less than none');
  t.end();
});

t.test('get and list note on stderr that a service is held and the node isolated', async (t) => {
  const { run, node } = await serveApi(t);
  node.holdService('math', 'add');
  node.control.isolated = true;
  const [get, list, table, json] = await Promise.all([
    run('get', 'math/add', '-o', 'json'),
    run('list'),
    run('status'),
    run('list', '-o', 'json'),
  ]);
  const isolated = 'disco: isolated: this node reaches no other, what it knows may be old';
  const held = /^disco: holding: math\/add for \w+, at most \w+ more: 3 of 4 instances fell silent/;
  for (const { code, stderr } of [get, list, json]) {
    t.equal(code, 0);
    const [first, second = '', ...rest] = stderr.trimEnd().split('\n');
    t.equal(first, isolated);
    t.match(second, held);
    t.strictSame(rest, []);
  }
  t.equal(list.stdout.match(/ HELD$/gm)?.length, 3);
  t.match(table.stdout, /^holding {5}math\/add for .* at once$/m);
  t.match(table.stdout, /^isolated {4}yes: this node reaches no other$/m);
  t.match(JSON.parse(get.stdout), { candidates: 4, isolated: true, hold });
  const whole = JSON.parse(json.stdout) as { instances: { held: boolean }[] };
  t.match(whole, { isolated: true, holding: [hold] });
  t.strictSame(
    whole.instances.map((instance) => instance.held),
    [true, true, true, false],
  );
});

t.test('of many held services ten are named, and the rest is a number', async (t) => {
  const { run, node } = await serveApi(t);
  const names = Array.from({ length: 103 }, (_, index) => `s${index}`);
  node.holdServices('math', names);
  const [list, status] = await Promise.all([run('list'), run('status')]);
  const notes = list.stderr.trimEnd().split('\n');
  t.equal(notes.length, 11);
  t.equal(notes.at(-1), 'disco: holding: 93 more services');
  t.equal(status.stdout.match(/^holding /gm)?.length, 101);
  t.match(status.stdout, /^holding {5}3 more services$/m);
});

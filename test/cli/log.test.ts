/** log: what people and programs are told, and that a daemon goes by it at once. */
import t from 'tap';
import { readLevels } from '../../src/cli/log.ts';
import { parseAddress } from '../../src/base/address.ts';
import { silentLog } from '../../src/base/log.ts';
import { disco, serveApi, startDaemon } from './fixture.ts';

t.test('it is shown, set for one area and for all, and reset, in each form', async (t) => {
  const { run } = await serveApi(t);
  const shown = await run('log');
  t.match(shown, { code: 0, stderr: '' });
  t.match(shown.stdout, /^AREA +LEVEL\ndaemon +info\n/);
  const set = await run('log', 'set', 'gossip=debug', 'api=warn', '-o', 'json');
  t.match(JSON.parse(set.stdout), { levels: { gossip: 'debug', api: 'warn', daemon: 'info' } });
  const all = await run('log', 'set', 'error', 'health=silent', '-o', 'ndjson');
  t.match(JSON.parse(all.stdout), { levels: { gossip: 'error', health: 'silent' } });
  const reset = await run('log', 'reset', '-o', 'json');
  t.match(JSON.parse(reset.stdout), { levels: { gossip: 'info', health: 'info' } });
});

t.test(
  'an area or a level that there is none of is wrong usage, and nothing is changed',
  async (t) => {
    const { run, node } = await serveApi(t);
    const before = node.control.levels;
    const wrong = await run('log', 'set', 'gosip=debug');
    t.match(wrong, { code: 2, stdout: '' });
    t.match(wrong.stderr, /^disco: the log has no area "gosip": did you mean gossip\?/);
    t.match(await run('log', 'set', 'loud'), {
      code: 2,
      stderr: /^disco: the log has no level "loud"/,
    });
    t.strictSame(node.control.levels, before);
  },
);

t.test('what is no order is told in our own words', async (t) => {
  const [nothing, levels, action] = await Promise.all([
    disco(t, ['log', 'set']),
    disco(t, ['log', 'show', 'debug']),
    disco(t, ['log', 'gossip=debug']),
  ]);
  t.match(nothing, { code: 2, stderr: /^disco: log set changes nothing: write AREA=LEVEL/ });
  t.match(levels, { code: 2, stderr: /write "disco log set debug"\n$/ });
  t.match(action, {
    code: 2,
    stderr: /^disco: "gossip=debug" is nothing to do with the log: write/,
  });
});

t.test('levels are read by area, a level alone for all', (t) => {
  t.strictSame(readLevels(['debug', 'api=warn']), { all: 'debug', api: 'warn' });
  t.throws(() => readLevels(['=debug']), { message: /write log set key=value/ });
  t.end();
});

t.test('a daemon tells more of an area from that moment on, and less after a reset', async (t) => {
  const heard: { area?: string; message: string }[] = [];
  const keep = (fields: object, message: string): void => void heard.push({ ...fields, message });
  const { address } = await startDaemon(t, { log: { ...silentLog, debug: keep } });
  const env = { DISCO_ADDR: address };
  await disco(t, ['list'], { env });
  t.strictSame(heard, []);
  await disco(t, ['log', 'set', 'api=debug'], { env });
  await disco(t, ['list'], { env });
  t.match(heard.at(-1), { area: 'api', message: 'a call was answered', tookMs: Number });
  await disco(t, ['get', 'math/none'], { env });
  t.match(heard.at(-1), { area: 'api', message: 'a call was refused', reason: 'UNKNOWN_SERVICE' });
  await disco(t, ['log', 'reset'], { env });
  const { length } = heard;
  await disco(t, ['get', 'math/none'], { env });
  t.equal(heard.filter(({ message }) => message === 'a call was refused').length, 1);
  t.ok(heard.length <= length + 1, 'the answer to the reset may be told as it was before');
});

t.test('with gossip=debug, a daemon tells each comparison with a peer', async (t) => {
  const compared = Promise.withResolvers<object>();
  const debug = (fields: object, message: string): void => {
    if (message === 'compared with a peer') compared.resolve(fields);
  };
  const first = await startDaemon(t, { change: { joinTimeoutMs: 1_000 } });
  const seeds = [parseAddress(first.daemon.describe().listen[0] ?? '')];
  const change = { joinTimeoutMs: 1_000 };
  const log = { ...silentLog, debug };
  const { address, stub } = await startDaemon(t, { seeds, log, change });
  await disco(t, ['health', '--wait'], { env: { DISCO_ADDR: address } });
  await stub.unary('SetLogLevels', { levels: { gossip: 'debug' } });
  await stub.unary('Gossip', {});
  t.match(await compared.promise, {
    area: 'gossip',
    peer: String,
    outcome: String,
    changed: Number,
  });
});

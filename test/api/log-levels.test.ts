import t from 'tap';
import { readLogLevels } from '../../src/api/log-levels.ts';
import { serve } from './fixture.ts';

t.test('levels are taken by area, and "all" gives way to what is said of an area', (t) => {
  t.strictSame(readLogLevels({}), {});
  t.strictSame(readLogLevels({ gossip: 'debug' }), { gossip: 'debug' });
  t.strictSame(readLogLevels({ api: 'debug', all: 'error' }), {
    daemon: 'error',
    registry: 'error',
    gossip: 'error',
    api: 'debug',
    health: 'error',
  });
  t.end();
});

t.test('an area or a level that there is none of is refused, with what there is', (t) => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [
      { gosip: 'debug' },
      'the log has no area "gosip": did you mean gossip? Otherwise write one of daemon, registry, gossip, api, health, all',
    ],
    [
      { everything: 'debug' },
      'the log has no area "everything": write one of daemon, registry, gossip, api, health, all',
    ],
    [
      { all: 'inof' },
      'the log has no level "inof": did you mean info? Otherwise write one of debug, info, warn, error, silent',
    ],
    [{ api: '' }, 'the log has no level "": write one of debug, info, warn, error, silent'],
  ];
  for (const [wanted, message] of cases)
    t.throws(() => readLogLevels(wanted), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_LOG_LEVEL',
      message,
    });
  const hostile = JSON.parse('{"__proto__": "debug"}') as Record<string, string>;
  t.throws(() => readLogLevels(hostile), { message: /no area "__proto__"/ });
  t.end();
});

t.test('over gRPC they are changed, shown by Status, reset, and refused whole', async (t) => {
  const { client, node } = await serve(t);
  const changed = await client.call('SetLogLevels', { levels: { gossip: 'debug' } });
  t.match(changed.levels, { gossip: 'debug', api: 'info' });
  t.match((await client.call('Status', {})).logLevels, { gossip: 'debug', api: 'info' });
  t.strictSame(await client.refusal('SetLogLevels', { levels: { api: 'debug', x: 'info' } }), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_LOG_LEVEL',
    sentence: 'the log has no area "x": write one of daemon, registry, gossip, api, health, all',
  });
  t.match((await client.call('SetLogLevels', {})).levels, { gossip: 'debug', api: 'info' });
  await client.call('SetLogLevels', { reset: true, levels: { api: 'warn' } });
  t.match(node.control.levels, { gossip: 'info', api: 'warn' });
});

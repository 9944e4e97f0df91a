import { test } from 'tap';
import { defaults, options } from '../../src/daemon/config-options.ts';

test('flag, variable and key of an option are one name in three spellings', (t) => {
  const names = options.map(({ key, flag, env }) => `${key} ${flag} ${env}`);
  t.equal(names[0], 'dataDir --data-dir DISCO_DATA_DIR');
  t.ok(names.includes('http --http DISCO_HTTP'));
  t.ok(names.includes('gossipIntervalMs --gossip-interval-ms DISCO_GOSSIP_INTERVAL_MS'));
  t.ok(names.includes('probeIntervalMs --probe-interval-ms DISCO_PROBE_INTERVAL_MS'));
  t.ok(names.includes('neighborsK --neighbors-k DISCO_NEIGHBORS_K'));
  t.equal(new Set(options.map(({ flag }) => flag)).size, options.length);
  t.equal(new Set(options.map(({ env }) => env)).size, options.length);
  t.end();
});

test('each option has a line of help that fits beside its flag', (t) => {
  const lengths = options.map(({ key, help }) => ({ key, length: help.length }));
  t.strictSame(
    lengths.filter(({ length }) => length < 10 || length > 60),
    [],
  );
  t.end();
});

test('the promised defaults are the defaults', (t) => {
  t.match(defaults, {
    cluster: 'default',
    listen: ['127.0.0.1:7947'],
    insecureOpen: false,
    advertise: [],
    grpc: ['127.0.0.1:7948', 'unix:disco.sock'],
    http: '127.0.0.1:7949',
    dns: 'off',
    dnsUpstream: [],
    dnsTtl: 1,
    logLevel: 'info',
  });
  t.end();
});

test('each default lies within the range of its option', (t) => {
  const shapes = options.map(({ shape }) => shape);
  const integers = shapes.filter((shape) => shape.kind === 'integer');
  const enums = shapes.filter((shape) => shape.kind === 'enum');
  t.ok(integers.length > 20);
  t.ok(enums.length > 1);
  t.ok(integers.every((shape) => shape.default >= shape.min && shape.default <= shape.max));
  t.ok(enums.every((shape) => shape.values.includes(shape.default)));
  t.end();
});

test('numbers are the advanced options, and nothing else is', (t) => {
  t.ok(options.every(({ advanced, shape }) => advanced === (shape.kind === 'integer')));
  t.end();
});

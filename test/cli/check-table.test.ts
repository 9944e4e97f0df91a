import t from 'tap';
import { checkName, checkTable, failingNotes } from '../../src/cli/check-table.ts';
import { reportFromProto } from '../../src/client/check.ts';
import type { Check } from '../../src/client/check.ts';
import { instanceFromProto } from '../../src/client/instance.ts';
import { disco } from '../../src/gen/discovery.js';

const { Health } = disco.v1;
const { Kind } = disco.v1.Check;
const nowMs = 1_763_000_000_000;
const ago = (seconds: number): number => (nowMs - seconds * 1_000) * 1_000;
const add = { group: 'math', name: 'add', ip: '127.0.0.1', port: 5001 };

const tcp = {
  check: { kind: Kind.TCP, intervalMs: 10_000 },
  health: Health.HEALTH_PASSING,
  results: [
    { time: ago(3), durationMicros: 240, status: Health.HEALTH_PASSING, output: 'connected' },
  ],
};
const http = {
  check: { kind: Kind.HTTP, path: '/healthz', tls: true, intervalMs: 500 },
  health: Health.HEALTH_CRITICAL,
  results: [
    { time: ago(1), durationMicros: 12_345, status: Health.HEALTH_CRITICAL, output: '503 Busy' },
  ],
};
const grpc = { check: { kind: Kind.GRPC, intervalMs: 60_000 }, health: Health.HEALTH_CRITICAL };

t.test('each check has a row: what runs how often, and how the last run ended', (t) => {
  const instance = instanceFromProto({ ...add, checks: [tcp, http, grpc] });
  const rows = checkTable([instance, instanceFromProto(add)], nowMs) ?? '';
  t.strictSame(
    rows.split('\n').map((row) => row.replace(/ +/g, ' ')),
    [
      'SERVICE ADDRESS CHECK HEALTH EVERY LAST TOOK OUTPUT',
      'math/add 127.0.0.1:5001 tcp passing 10s 3s ago 0.2ms connected',
      'math/add 127.0.0.1:5001 https:/healthz critical 0.5s 1s ago 12.3ms 503 Busy',
      'math/add 127.0.0.1:5001 grpc critical 60s - - not run yet',
    ],
  );
  t.equal(checkTable([instanceFromProto(add)], nowMs), undefined);
  t.end();
});

t.test('what fails is a note, also while it does not count yet; what passes is none', (t) => {
  const notesOf = (...checks: disco.v1.CheckReport.$Properties[]) =>
    failingNotes(instanceFromProto({ ...add, checks }));
  t.strictSame(notesOf(tcp, http), ['check https:/healthz: 503 Busy']);
  t.strictSame(notesOf({ ...http, health: Health.HEALTH_PASSING }), [
    'check https:/healthz: 503 Busy',
  ]);
  t.strictSame(notesOf(grpc), ['check grpc: not run yet']);
  t.strictSame(failingNotes(instanceFromProto(add)), []);
  t.end();
});

t.test('a check is named as --check takes it', (t) => {
  const check = { ...reportFromProto(tcp).check, path: '' };
  const named = (kind: Check['kind'], path: string, isTls: boolean): string =>
    checkName({ ...check, kind, path, tls: isTls });
  t.equal(named('identity', '', false), 'identity');
  t.equal(named('identity', '/proof', false), 'identity:/proof');
  t.equal(named('identity', '/proof', true), 'identity-tls:/proof');
  t.equal(named('grpc', 'math.Add', true), 'grpcs:math.Add');
  t.end();
});

t.test('a note of a long output is cut where it says so', (t) => {
  const output = 'x'.repeat(81);
  const checks = [reportFromProto({ ...http, results: [{ ...http.results[0], output }] })];
  const [note] = failingNotes({ ...instanceFromProto(add), checks });
  t.equal(note, `check https:/healthz: ${'x'.repeat(79)}…`);
  t.end();
});

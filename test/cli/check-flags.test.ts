import t from 'tap';
import { readChecks } from '../../src/cli/check-flags.ts';
import type { CheckFlags } from '../../src/cli/check-flags.ts';

t.test('a check is a word, with a path or a service behind a colon', (t) => {
  const check = ['tcp', 'http:/healthz?a=b:c', 'https', 'grpc', 'grpc:math.v1.Math', 'grpcs:x'];
  t.strictSame(readChecks({ check }), [
    { kind: 'tcp' },
    { kind: 'http', path: '/healthz?a=b:c', tls: false },
    { kind: 'http', path: '/', tls: true },
    { kind: 'grpc', path: '', tls: false },
    { kind: 'grpc', path: 'math.v1.Math', tls: false },
    { kind: 'grpc', path: 'x', tls: true },
  ]);
  t.strictSame(readChecks({ check: ['identity', 'identity:/proof', 'identity-tls:/proof'] }), [
    { kind: 'identity', path: '', tls: false },
    { kind: 'identity', path: '/proof', tls: false },
    { kind: 'identity', path: '/proof', tls: true },
  ]);
  t.strictSame(readChecks({}), []);
  t.end();
});

t.test('the other flags hold for every check, status and method for the HTTP ones', (t) => {
  const checks = readChecks({
    check: ['tcp', 'http'],
    checkInterval: '5s',
    checkTimeout: '500ms',
    checkDelay: '1m',
    checkStatus: '204',
    checkMethod: 'head',
    checkPasses: '2',
    checkWarning: '3',
    checkCritical: '4',
  });
  const shared = {
    intervalMs: 5_000,
    timeoutMs: 500,
    initialDelayMs: 60_000,
    successesBeforePassing: 2,
    failuresBeforeWarning: 3,
    failuresBeforeCritical: 4,
  };
  t.strictSame(checks, [
    { kind: 'tcp', ...shared },
    { kind: 'http', path: '/', tls: false, ...shared, expectedStatus: 204, method: 'HEAD' },
  ]);
  t.end();
});

const forms =
  'tcp, http:/PATH, https:/PATH, grpc, grpc:SERVICE, grpcs:SERVICE, identity, identity:/PATH, identity-tls or identity-tls:/PATH';
const refused: readonly (readonly [flags: CheckFlags, sentence: string])[] = [
  [{ check: ['udp'] }, `--check udp: write ${forms}`],
  [{ check: ['tcp:80'] }, `--check tcp:80: write ${forms}`],
  [{ checkInterval: '5s' }, '--check-interval: give --check too, such as --check tcp'],
  [{ checkCritical: '2' }, '--check-critical: give --check too, such as --check tcp'],
  [{ checkStatus: '200' }, '--check-status: give --check http:/PATH too, only that has it'],
  [
    { check: ['tcp', 'grpc'], checkMethod: 'GET' },
    '--check-method: give --check http:/PATH too, only that has it',
  ],
  [
    { check: ['tcp'], checkInterval: 'often' },
    '"often" is no duration: write 500ms, 30s, 5m or 1h',
  ],
  [{ check: ['tcp'], checkPasses: '0' }, '--check-passes 0: write a whole number, 1 or more'],
  [{ check: ['tcp'], checkWarning: 'x' }, '--check-warning x: write a whole number, 1 or more'],
];

for (const [flags, message] of refused) {
  t.test(`it is a usage error that says so: ${message}`, (t) => {
    t.throws(() => readChecks(flags), { message, exitCode: 2 });
    t.end();
  });
}

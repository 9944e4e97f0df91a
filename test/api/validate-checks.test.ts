/** Every rule about checks: what is filled in, and each refusal as a client of gRPC gets it. */
import t from 'tap';
import { checkChecks, checkIntervalMsMax, checkMethods } from '../../src/api/validate-checks.ts';
import { checkPathCharsMax, checkRunsMax, checksMax } from '../../src/api/validate-checks.ts';
import { disco } from '../../src/gen/discovery.js';
import { makeCheck } from '../contract/store-contract.ts';
import { serve } from './fixture.ts';

const { TCP, HTTP, GRPC, IDENTITY } = disco.v1.Check.Kind;
type WireCheck = disco.v1.Check.$Properties;

t.test('what is left out has a default, and only what its kind has', (t) => {
  const kinds = [TCP, HTTP, GRPC, IDENTITY];
  const filled = checkChecks(kinds.map((kind) => ({ kind })));
  t.strictSame(filled, [
    makeCheck({ kind: 'tcp' }),
    makeCheck({ kind: 'http', path: '/', method: 'GET' }),
    makeCheck({ kind: 'grpc' }),
    makeCheck({ kind: 'identity' }),
  ]);
  t.strictSame(checkChecks([]), []);
  t.end();
});

t.test('what is given is taken as it is, up to every bound', (t) => {
  const http = {
    path: `/${'x'.repeat(checkPathCharsMax - 1)}`,
    expectedStatus: 599,
    method: 'HEAD',
    tls: true,
    intervalMs: checkIntervalMsMax,
    timeoutMs: checkIntervalMsMax,
    initialDelayMs: checkIntervalMsMax,
    successesBeforePassing: checkRunsMax,
    failuresBeforeWarning: checkRunsMax,
    failuresBeforeCritical: checkRunsMax,
  };
  t.strictSame(checkChecks([{ kind: HTTP, ...http }]), [{ kind: 'http', ...http }]);
  const quick = { intervalMs: 100, timeoutMs: 10, expectedStatus: 200, initialDelayMs: 1 };
  t.match(checkChecks([{ kind: HTTP, ...quick }]), [quick]);
  const grpc = { path: 'math.v1.Math', tls: true };
  t.match(checkChecks([{ kind: GRPC, ...grpc }]), [{ kind: 'grpc', ...grpc }]);
  const identity = { path: '/proof?of=me', tls: true };
  t.match(checkChecks([{ kind: IDENTITY, ...identity }]), [{ kind: 'identity', ...identity }]);
  for (const method of checkMethods) t.match(checkChecks([{ kind: HTTP, method }]), [{ method }]);
  for (const path of ['/', '/a?b=%20&c', '/~x;y="z"'])
    t.match(checkChecks([{ kind: HTTP, path }]), [{ path }]);
  t.equal(checkChecks(Array<WireCheck>(checksMax).fill({ kind: TCP })).length, checksMax);
  t.end();
});

t.test('defaults give way to what is given', (t) => {
  t.match(checkChecks([{ kind: TCP, intervalMs: 700 }]), [{ intervalMs: 700, timeoutMs: 700 }]);
  t.match(checkChecks([{ kind: TCP, failuresBeforeWarning: 7 }]), [
    { failuresBeforeWarning: 7, failuresBeforeCritical: 7 },
  ]);
  t.match(checkChecks([{ kind: TCP, failuresBeforeCritical: 1 }]), [
    { failuresBeforeWarning: 1, failuresBeforeCritical: 1 },
  ]);
  t.end();
});

const onlyHttp = 'only an HTTP check has it; leave it out, or make it one';
const pathRule =
  'give a path from one "/" on, with a query if need be: at most 512 visible ASCII characters, others percent-encoded, and no "#"; host and port are those of the instance';
const msRule = (least: number, ifZero: number): string =>
  `give ${least} to 86400000 ms, or leave it out for ${ifZero}`;
const runsRule = (ifZero: number): string => `give 1 to 100, or leave it out for ${ifZero}`;

const refusals: readonly (readonly [check: WireCheck, sentence: string])[] = [
  [{}, 'kind is 0: give TCP (1), HTTP (2), GRPC (3) or IDENTITY (4)'],
  [{ kind: 9 as 1 }, 'kind is 9: give TCP (1), HTTP (2), GRPC (3) or IDENTITY (4)'],
  [
    { kind: TCP, path: '/x' },
    'path is "/x": a TCP check only connects; leave it out, or make it an HTTP check',
  ],
  [{ kind: HTTP, path: 'x' }, `path is "x": ${pathRule}`],
  [{ kind: HTTP, path: 'http://10.0.0.1/' }, `path is "http://10.0.0.1/": ${pathRule}`],
  [{ kind: HTTP, path: '//10.0.0.1/' }, `path is "//10.0.0.1/": ${pathRule}`],
  [{ kind: IDENTITY, path: 'x' }, `path is "x": ${pathRule}`],
  [{ kind: IDENTITY, expectedStatus: 200 }, `expected_status is 200: ${onlyHttp}`],
  [{ kind: IDENTITY, method: 'GET' }, `method is "GET": ${onlyHttp}`],
  [{ kind: HTTP, path: '/a b' }, `path is "/a b": ${pathRule}`],
  [{ kind: HTTP, path: '/a#b' }, `path is "/a#b": ${pathRule}`],
  [{ kind: HTTP, path: '/\r\nHost: x' }, String.raw`path is "/\r\nHost: x": ${pathRule}`],
  [{ kind: HTTP, path: '/ü' }, `path is "/ü": ${pathRule}`],
  [
    { kind: HTTP, path: `/${'x'.repeat(checkPathCharsMax)}` },
    `path is "/${'x'.repeat(59)}… (513 characters)": ${pathRule}`,
  ],
  [
    { kind: GRPC, path: 'a b' },
    'path is "a b": give the name of a service, at most 512 visible ASCII characters, or nothing for the whole server',
  ],
  [{ kind: TCP, expectedStatus: 200 }, `expected_status is 200: ${onlyHttp}`],
  [
    { kind: HTTP, expectedStatus: 199 },
    'expected_status is 199: give 200 to 599, or 0 for any of 200 to 299',
  ],
  [
    { kind: HTTP, expectedStatus: 600 },
    'expected_status is 600: give 200 to 599, or 0 for any of 200 to 299',
  ],
  [{ kind: GRPC, method: 'GET' }, `method is "GET": ${onlyHttp}`],
  [{ kind: HTTP, method: 'get' }, 'method is "get": give one of GET, HEAD, OPTIONS, POST'],
  [
    { kind: TCP, tls: true },
    'tls is true: a TCP check only connects; make it an HTTP or a GRPC check',
  ],
  [{ kind: TCP, intervalMs: 99 }, `interval_ms is 99: ${msRule(100, 10_000)}`],
  [
    { kind: TCP, intervalMs: checkIntervalMsMax + 1 },
    `interval_ms is 86400001: ${msRule(100, 10_000)}`,
  ],
  [{ kind: TCP, timeoutMs: 9 }, `timeout_ms is 9: ${msRule(10, 5_000)}`],
  [
    { kind: TCP, intervalMs: 1_000, timeoutMs: 1_001 },
    'timeout_ms is 1001 and interval_ms is 1000: a run has to end before the next is due, so give a timeout of at most the interval',
  ],
  [
    { kind: TCP, initialDelayMs: checkIntervalMsMax + 1 },
    `initial_delay_ms is 86400001: ${msRule(0, 0)}`,
  ],
  [
    { kind: TCP, successesBeforePassing: checkRunsMax + 1 },
    `successes_before_passing is 101: ${runsRule(1)}`,
  ],
  [{ kind: TCP, failuresBeforeWarning: 101 }, `failures_before_warning is 101: ${runsRule(1)}`],
  [{ kind: TCP, failuresBeforeCritical: 101 }, `failures_before_critical is 101: ${runsRule(3)}`],
  [
    { kind: TCP, failuresBeforeWarning: 3, failuresBeforeCritical: 2 },
    'failures_before_warning is 3 and failures_before_critical is 2: it would be critical before it is a warning; to leave warning out, give both the same number',
  ],
];

t.test('each wrong check is refused with its place, what was sent and what to give', async (t) => {
  const { client, node } = await serve(t);
  const here = { group: 'math', name: 'add', ip: '127.0.0.1', port: 5001 };
  for (const [check, sentence] of refusals) {
    const checks = [{ kind: TCP }, check];
    t.strictSame(await client.refusal('Register', { ...here, checks }), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_CHECK',
      sentence: `checks[1].${sentence}`,
    });
  }
  const checks = Array<WireCheck>(checksMax + 1).fill({ kind: TCP });
  t.match(await client.refusal('Register', { ...here, checks }), {
    reason: 'INVALID_CHECK',
    sentence: 'there are 9 checks: at most 8 are allowed',
  });
  t.equal(node.registry.index.count, 0);
});

t.test('a number that no one can mean is refused as it was sent', (t) => {
  const long = { toNumber: () => 2 ** 63, toString: () => '9223372036854775807' };
  const intervalMs = long as unknown as number;
  t.throws(() => checkChecks([{ kind: TCP, intervalMs }]), {
    message: `checks[0].interval_ms is 9223372036854775807: ${msRule(100, 10_000)}`,
  });
  t.end();
});

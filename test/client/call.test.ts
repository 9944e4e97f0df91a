import { context, trace } from '@opentelemetry/api';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { tracer } from '../../src/base/tracing.ts';
import { call, type Attempt } from '../../src/client/call.ts';
import type { Target } from '../../src/client/target.ts';
import { FakeSource, instanceOf } from './fake-source.ts';
import { HandClock } from './hand-clock.ts';

const refused = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const reset = (): Error => Object.assign(new Error('reset'), { code: 'ECONNRESET' });

function setUp(count = 3) {
  const clock = new HandClock();
  const source = new FakeSource(...Array.from({ length: count }, (_, id) => instanceOf(id)));
  const pool = source.pool(clock);
  return { clock, source, pool, balancer: source.balancer('round_robin', undefined, clock) };
}

/** Notes where it was tried; fails there as it is told. */
function attempts(fail: (nth: number) => Error | undefined) {
  const seen: string[] = [];
  const attempt: Attempt<string> = ({ instanceId }) => {
    seen.push(instanceId);
    const error = fail(seen.length);
    if (error !== undefined) throw error;
    return instanceId;
  };
  return { seen, attempt };
}

test('an answer is given back, of one attempt', async (t) => {
  const { balancer } = setUp();
  const { seen, attempt } = attempts(() => undefined);
  t.equal(await call(balancer, attempt), seen[0]);
  t.equal(seen.length, 1);
});

test('what never arrived is tried on others, three at most', async (t) => {
  const { balancer } = setUp(5);
  const second = attempts((nth) => (nth < 2 ? refused() : undefined));
  t.equal(await call(balancer, second.attempt), second.seen[1]);
  const never = attempts(refused);
  await t.rejects(call(balancer, never.attempt), { code: 'ECONNREFUSED' });
  t.equal(never.seen.length, 3);
  t.equal(new Set(never.seen).size, 3, 'three different ones');
  const five = attempts(refused);
  await t.rejects(call(balancer, five.attempt, { attemptsMax: 9 }));
  t.equal(new Set(five.seen).size, 5, 'no more than there are');
});

test('what may have been done is tried again only when that does no harm', async (t) => {
  const { balancer } = setUp();
  const once = attempts(reset);
  await t.rejects(call(balancer, once.attempt), { code: 'ECONNRESET' });
  t.equal(once.seen.length, 1);
  const twice = attempts((nth) => (nth < 2 ? reset() : undefined));
  t.equal(await call(balancer, twice.attempt, { idempotent: true }), twice.seen[1]);
});

test('what was answered is not asked again, whatever the answer', async (t) => {
  const { balancer } = setUp();
  const { seen, attempt } = attempts(() => new Error('no such user'));
  await t.rejects(call(balancer, attempt, { idempotent: true }), { message: 'no such user' });
  t.equal(seen.length, 1);
});

test('the caller may judge an error himself', async (t) => {
  const { balancer } = setUp();
  const busy = attempts((nth) => (nth < 2 ? new Error('busy') : undefined));
  t.equal(await call(balancer, busy.attempt, { judge: () => 'unsent' }), busy.seen[1]);
  const final = attempts(refused);
  await t.rejects(call(balancer, final.attempt, { judge: () => 'answer' }));
  t.equal(final.seen.length, 1);
});

test('whoever does not answer is left alone after five times, and those who answer are not', async (t) => {
  const { source, clock } = setUp(2);
  const balancer = source.balancer('round_robin', undefined, clock);
  const bad = 'i0';
  let asked = 0;
  const attempt: Attempt<string> = ({ instanceId }) => {
    if (instanceId !== bad) return instanceId;
    asked += 1;
    throw refused();
  };
  for (let nth = 0; nth < 50; nth++) t.equal(await call(balancer, attempt), 'i1');
  t.equal(asked, 5);
  clock.advance(10_000);
  for (let nth = 0; nth < 50; nth++) await call(balancer, attempt);
  t.equal(asked, 6, 'once more, on probation');
});

test('an error that is an answer keeps an instance from being ejected', async (t) => {
  const { balancer } = setUp(2);
  const targets = new Set(Array.from({ length: 4 }, () => balancer.nextTarget() as Target));
  const { attempt } = attempts((nth) => (nth % 4 < 2 ? reset() : new Error('no')));
  for (let nth = 0; nth < 60; nth++) await call(balancer, attempt).catch(() => undefined);
  for (const target of targets) t.notOk(target.ejected);
});

test('a whole service that is down gets a bounded number of retries', async (t) => {
  const { balancer } = setUp(4);
  let tries = 0;
  const attempt = (): never => {
    tries += 1;
    throw refused();
  };
  for (let nth = 0; nth < 1_000; nth++) await t.rejects(call(balancer, attempt));
  t.equal(tries, 1_000 + 100 + 200, 'a fifth of the calls, and a hundred');
});

test('calls under way are counted at their target, however they end', async (t) => {
  const { balancer } = setUp(1);
  const target = balancer.nextTarget() as Target;
  const gates = [1, 2, 3].map(() => Promise.withResolvers<string>());
  const abort = new AbortController();
  const running = gates.map(({ promise }, nth) =>
    call(balancer, () => promise, nth === 2 ? { signal: abort.signal } : {}).catch(() => 'failed'),
  );
  await turn();
  t.equal(target.outstanding, 3);
  gates[0]?.resolve('done');
  gates[1]?.reject(new Error('no'));
  abort.abort();
  t.strictSame(await Promise.all(running), ['done', 'failed', 'failed']);
  t.equal(target.outstanding, 0);
});

test('least load sends calls where none hangs', async (t) => {
  const source = new FakeSource(instanceOf(0), instanceOf(1));
  const balancer = source.balancer('least_load');
  const gate = Promise.withResolvers<string>();
  const hanging: string[] = [];
  const first = call(balancer, ({ instanceId }) => {
    hanging.push(instanceId);
    return gate.promise;
  });
  for (let nth = 0; nth < 20; nth++) {
    t.not(await call(balancer, ({ instanceId }) => instanceId), hanging[0]);
  }
  gate.resolve('late');
  t.equal(await first, 'late');
});

test('aborting ends the call at once, with the reason, and tells the attempt', async (t) => {
  const { balancer } = setUp();
  const abort = new AbortController();
  // Even a reason that looks like a failure of the instance.
  const reason = reset();
  let given: AbortSignal | undefined;
  let tries = 0;
  const late = Promise.withResolvers<never>();
  const running = call(
    balancer,
    (_, signal) => {
      tries += 1;
      given = signal;
      return late.promise;
    },
    { signal: abort.signal, idempotent: true },
  );
  await turn();
  abort.abort(reason);
  await t.rejects(running, reason);
  t.equal(given?.reason, reason);
  // Nobody waits for it: it must not be an unhandled rejection either.
  late.reject(refused());
  await turn();
  t.equal(tries, 1, 'and it is not tried elsewhere');
  await t.rejects(
    call(balancer, () => 'no', { signal: abort.signal }),
    reason,
  );
  t.equal(tries, 1);
});

test('an abort is no failure of the instance', async (t) => {
  const { balancer } = setUp(2);
  const target = balancer.nextTarget() as Target;
  for (let nth = 0; nth < 30; nth++) {
    const abort = new AbortController();
    const running = call(
      balancer,
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(reset()));
          abort.abort(reset());
        }),
      { signal: abort.signal },
    );
    await t.rejects(running, { code: 'ECONNRESET' });
  }
  t.match(target, { ejected: false, failures: 0 });
});

test('an attempt that takes too long is lost, and tried elsewhere if that does no harm', async (t) => {
  const { balancer, clock } = setUp(2);
  const hang: Attempt<string> = () => new Promise(() => undefined);
  const single = call(balancer, hang, { attemptTimeoutMs: 500 });
  await turn();
  clock.advance(500);
  await t.rejects(single, {
    code: 'UNAVAILABLE',
    reason: 'TIMEOUT',
    message: /^math\/add at 127\.0\.0\.1:400\d did not answer within 500 ms$/,
  });
  let tries = 0;
  const second = call(
    balancer,
    ({ instanceId }, signal) => ((tries += 1) === 1 ? hang({} as never, signal) : instanceId),
    { attemptTimeoutMs: 500, idempotent: true },
  );
  await turn();
  clock.advance(500);
  t.match(await second, /^i\d$/);
  t.equal(tries, 2);
  t.equal(clock.nextInMs, undefined, 'and no timer is left');
});

test('without an instance it says so; without a list it waits for one', async (t) => {
  const { source, balancer } = setUp(0);
  const never = (): never => t.fail('nobody to call') as never;
  await t.rejects(call(balancer, never), { code: 'NOT_FOUND', reason: 'UNKNOWN_SERVICE' });
  source.loaded = false;
  source.whenReady = () => {
    source.put(instanceOf(1));
    return Promise.resolve();
  };
  t.equal(await call(balancer, ({ instanceId }) => instanceId), 'i1');
  const abort = new AbortController();
  source.whenReady = (signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  const waiting = call(balancer, never, { signal: abort.signal });
  abort.abort();
  await t.rejects(waiting, { name: 'AbortError' });
});

test('with an SDK of OpenTelemetry a call is a span, which says whom it asked', async (t) => {
  const { isParent, namesOf, takeSpans } = await import('../base/span-recorder.ts');
  const { balancer } = setUp();
  const { attempt } = attempts((nth) => (nth < 2 ? refused() : undefined));
  const traced = tracer.startSpan('outer');
  const answer = await context.with(trace.setSpan(context.active(), traced), () =>
    call(balancer, async (instance, signal) => {
      tracer.startSpan('inner').end();
      return attempt(instance, signal);
    }),
  );
  traced.end();
  const [first, second, span, outer] = takeSpans();
  t.strictSame(namesOf([span].flatMap((each) => each ?? [])), ['INTERNAL call math/add']);
  t.ok(isParent(outer, span));
  t.ok(isParent(span, first) && isParent(span, second), 'what an attempt does is within it');
  t.match(span?.attributes, { 'disco.instance': answer, 'disco.attempts': 2 });
});

import { test } from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { ReadinessGate } from '../../src/client/readiness-gate.ts';
import { HandClock } from './hand-clock.ts';

function gateOf() {
  const daemon = { ready: false, away: false };
  const unary = async (): Promise<never> => {
    if (daemon.away) throw new DiscoError('UNAVAILABLE', 'NO_DAEMON', 'nobody there');
    return { ready: daemon.ready, readiness: 'waiting for a first reconcile' } as never;
  };
  const clock = new HandClock();
  const gate = new ReadinessGate({ unary }, clock);
  const { signal } = new AbortController();
  return { daemon, clock, pass: () => gate.pass(signal) };
}

const notReady = {
  code: 'UNAVAILABLE',
  reason: 'DAEMON_LOST',
  message: /not ready \(waiting for a first reconcile\)/,
};

test('a ready daemon passes', async (t) => {
  const { daemon, pass } = gateOf();
  daemon.ready = true;
  await t.resolves(pass());
});

test('an unready daemon passes after thirty seconds, not before', async (t) => {
  const { clock, pass } = gateOf();
  await t.rejects(pass(), notReady);
  clock.advance(29_999);
  await t.rejects(pass(), notReady);
  clock.advance(1);
  await t.resolves(pass());
});

test('a daemon that goes away fails as it fails, and its time begins anew', async (t) => {
  const { daemon, clock, pass } = gateOf();
  await t.rejects(pass(), notReady);
  clock.advance(29_000);
  daemon.away = true;
  await t.rejects(pass(), { reason: 'NO_DAEMON', message: 'nobody there' });
  daemon.away = false;
  clock.advance(2_000);
  await t.rejects(pass(), notReady);
});

test('a daemon that was ready in between has its time anew', async (t) => {
  const { daemon, clock, pass } = gateOf();
  await t.rejects(pass(), notReady);
  clock.advance(30_000);
  daemon.ready = true;
  await t.resolves(pass());
  daemon.ready = false;
  await t.rejects(pass(), notReady);
});

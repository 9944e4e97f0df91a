import { test } from 'tap';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { HostClock } from '../../src/sim/host-clock.ts';

test('a wall clock jumps and drifts, the monotonic one does neither', (t) => {
  const clock = new VirtualClock();
  const host = new HostClock(clock);
  host.jump(-5_000_000);
  t.equal(host.now().wallMicros, clock.now().wallMicros - 5_000_000);
  host.drift(0.01);
  clock.advance(1_000);
  t.equal(host.offsetMicros, -5_000_000 + 10_000);
  host.drift(0);
  clock.advance(1_000);
  t.equal(host.offsetMicros, -5_000_000 + 10_000, 'it stays as wrong as it is');
  t.equal(host.now().monoMs, 2_000);
  t.end();
});

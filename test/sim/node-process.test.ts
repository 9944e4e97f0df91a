import { test } from 'tap';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../src/sim/node-process.ts';

test('a frozen process runs nothing, and then all that queued, in order', (t) => {
  const clock = new VirtualClock();
  const process = new NodeProcess(clock);
  const ran: string[] = [];
  process.schedule(10, () => ran.push(`timer at ${process.now().monoMs}`));
  process.pause();
  process.run(() => ran.push('call'));
  clock.advance(50);
  t.strictSame(ran, []);
  process.resume();
  t.strictSame(ran, ['call', 'timer at 50']);
  t.end();
});

test('a timer that was cancelled while it queued does not run', (t) => {
  const clock = new VirtualClock();
  const process = new NodeProcess(clock);
  const cancel = process.schedule(10, () => t.fail('it was cancelled'));
  process.pause();
  clock.advance(20);
  cancel();
  process.resume();
  t.end();
});

test('a blocked process neither sends nor receives, but its timers run', (t) => {
  const clock = new VirtualClock();
  const process = new NodeProcess(clock);
  const ran: string[] = [];
  process.block();
  process.run(() => ran.push('first'));
  process.schedule(10, () => {
    ran.push('timer');
    process.run(() => ran.push('second'));
  });
  clock.advance(20);
  t.strictSame(ran, ['timer']);
  process.unblock();
  t.strictSame(ran, ['timer', 'first', 'second']);
  t.end();
});

test('what is blocked again while it catches up waits on', (t) => {
  const clock = new VirtualClock();
  const process = new NodeProcess(clock);
  const ran: string[] = [];
  process.block();
  process.run(() => {
    ran.push('first');
    process.block();
  });
  process.run(() => ran.push('second'));
  process.unblock();
  t.strictSame(ran, ['first']);
  process.unblock();
  t.strictSame(ran, ['first', 'second']);
  t.end();
});

test('of a process that ended nothing runs any more', (t) => {
  const clock = new VirtualClock();
  const process = new NodeProcess(clock);
  process.schedule(10, () => t.fail('it is gone'));
  process.end();
  process.run(() => t.fail('it is gone'));
  clock.advance(20);
  t.end();
});

import { test } from 'tap';
import { amount, minutesOf } from '../../bench/liveness-amounts.ts';

test('minutes are the same for all systems, or are said for each', (t) => {
  t.strictSame(minutesOf('1.5'), { disco: 1.5, serf: 1.5, moleculer: 1.5 });
  t.strictSame(minutesOf('disco=30,serf=5'), { disco: 30, serf: 5 });
  t.end();
});

test('what is no amount is refused with the flag that it was given for', (t) => {
  t.throws(() => minutesOf('consul=5'), {
    message: /^--minutes consul=5: 30, or disco=30,serf=5 of /,
  });
  t.throws(() => minutesOf('disco='), { message: /^--minutes : a number from 0 up$/ });
  t.throws(() => minutesOf('soon'), { message: /^--minutes soon: a number from 0 up$/ });
  t.throws(() => amount('nodes', '3', 4), { message: /^--nodes 3: a number from 4 up$/ });
  t.end();
});

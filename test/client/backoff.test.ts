import { test, type Test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { Backoff } from '../../src/client/backoff.ts';

function about(t: Test, actual: number, middle: number): void {
  t.ok(actual >= middle * 0.9 && actual <= middle * 1.1, `${actual} ms is about ${middle}`);
}

test('pauses double up to the bound and begin anew after a success', async (t) => {
  const backoff = new Backoff(seededRandom(7), 50);
  for (const middle of [50, 100, 200, 400, 500, 500]) about(t, backoff.nextMs(500), middle);
  backoff.reset();
  about(t, backoff.nextMs(500), 50);
});

test('a bound below the first pause holds from the beginning', async (t) => {
  const backoff = new Backoff(seededRandom(7), 250);
  about(t, backoff.nextMs(20), 20);
  about(t, backoff.nextMs(20), 20);
});

/** Seats for streams, over all doors of the API. */
import t from 'tap';
import { WatcherSeats } from '../../src/api/watcher-seats.ts';
import { serve } from './fixture.ts';

t.test('so many seats are given out as there are, and again when one is given back', (t) => {
  const seats = new WatcherSeats();
  const leave = seats.take(2);
  seats.take(2);
  t.equal(seats.taken, 2);
  t.throws(() => seats.take(2), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_WATCHERS',
    message: 'this daemon serves 2 watchers already: end some, or raise watchersMax',
  });
  leave();
  leave();
  t.equal(seats.taken, 1, 'giving back twice frees one');
  seats.take(2);
  t.equal(seats.taken, 2);
  t.end();
});

t.test(
  'a watch over gRPC takes a seat, and gives it back when it ends or is refused',
  async (t) => {
    const { client, node } = await serve(t);
    const reader = client.watch();
    await reader.snapshot();
    t.equal(node.service.watchers.taken, 1);
    await client.watch({ cursor: 'none of ours' }).rest();
    t.equal(node.service.watchers.taken, 1);
    await reader.cancel(node);
    t.equal(node.service.watchers.taken, 0);
  },
);

/** The messages of a Watch in both forms: on the wire they are the same. */
import t from 'tap';
import { EncodedWords, plainWords } from '../../src/api/watch-words.ts';
import type { WatchMessage } from '../../src/api/watch-words.ts';
import { disco } from '../../src/gen/discovery.js';
import type { InstanceEvent } from '../../src/registry/instance.ts';
import { makeRecord } from '../record/fixtures.ts';

const { WatchEvent } = disco.v1;

function overTheWire(message: WatchMessage): object {
  return JSON.parse(
    JSON.stringify(WatchEvent.decode(WatchEvent.encode(message).finish())),
  ) as object;
}

function eventOf(instanceId: string): InstanceEvent {
  const instance = { record: makeRecord({ instanceId, weight: 7 }), node: 'node-7' };
  return { kind: 'up', instance, reason: 'registered' };
}

t.test('words that are encoded arrive as plain ones', (t) => {
  const words = new EncodedWords();
  const up = eventOf('cart-1');
  const down: InstanceEvent = { ...up, kind: 'down', reason: 'owner_dead' };
  for (const isConflict of [true, false]) {
    const plain = plainWords.present(up.instance, isConflict);
    t.strictSame(overTheWire(words.present(up.instance, isConflict)), overTheWire(plain));
    for (const event of [up, down]) {
      const each = overTheWire(plainWords.happened(event, isConflict, 'db-5'));
      t.strictSame(overTheWire(words.happened(event, isConflict, 'db-5')), each);
      t.match(each, { cursor: 'db-5', instance: { instanceId: 'cart-1' } });
    }
  }
  t.end();
});

t.test('an event is encoded once, however many are told', (t) => {
  const words = new EncodedWords();
  const event = eventOf('cart-1');
  const first = words.happened(event, false, 'db-5');
  t.equal(words.happened(event, false, 'db-5'), first);
  t.not(words.happened(event, true, 'db-5'), first, 'a conflict came up meanwhile');
  t.not(words.happened(eventOf('cart-1'), false, 'db-6'), first, 'it happened again');
  t.end();
});

t.test('of more than 256 events the oldest is encoded again', (t) => {
  const words = new EncodedWords();
  const events = Array.from({ length: 257 }, (_, index) => eventOf(`cart-${index}`));
  const tell = (event: InstanceEvent): WatchMessage => words.happened(event, false, 'db-5');
  const told = events.map(tell);
  t.equal(tell(events[1] as InstanceEvent), told[1], 'still kept');
  t.not(tell(events[0] as InstanceEvent), told[0]);
  t.end();
});

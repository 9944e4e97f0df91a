import Long from 'long';
import { test } from 'tap';
import { holdFromProto } from '../../src/client/hold.ts';
import { disco } from '../../src/gen/discovery.js';

test('a hold comes off the wire with plain numbers', (t) => {
  const hold = {
    group: 'math',
    name: 'add',
    reason: '3 of 4 instances fell silent at once',
    since: 1_763_000_000_000_001,
    until: 1_763_000_030_000_001,
    instances: 3,
  };
  const { Hold } = disco.v1;
  t.strictSame(holdFromProto(Hold.decode(Hold.encode(hold).finish())), hold);
  t.equal(holdFromProto({ since: Long.fromNumber(7, true) }).since, 7);
  t.end();
});

test('what a newer daemon leaves out has a default', (t) => {
  const hold = { group: '', name: '', reason: '', since: 0, until: 0, instances: 0 };
  t.strictSame(holdFromProto({}), hold);
  t.end();
});

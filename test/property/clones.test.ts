/** Two processes with one key: they and all who hear them agree on which of them stays. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { hasPrecedence } from '../../src/gossip/own-head.ts';
import { BootPins } from '../../src/registry/boot-pins.ts';
import { makeHead, startMicros } from '../record/fixtures.ts';
import { holds } from './histories.ts';

const bootId = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

/** More than it takes for anybody to see that both are alive. */
const turns = 8;

t.test('of any two boot ids one has precedence, and everyone else refuses the other', (t) => {
  let pinned = 0;
  holds(
    t,
    300,
    fc.property(fc.uniqueArray(bootId, { minLength: 2, maxLength: 2 }), ([a = '', b = '']) => {
      assert.notEqual(hasPrecedence(a, b), hasPrecedence(b, a), 'one stays and one ends');
      const pins = new BootPins();
      const headOf = (id: string, turn: number) =>
        makeHead(undefined, { bootId: id, lastUpdate: startMicros + turn }).head;
      const held = headOf(a, 0);
      for (let turn = 1; turn <= turns; turn++) {
        const told = turn % 2 === 0 ? a : b;
        const other = turn % 2 === 0 ? b : a;
        const isRefused = pins.isRefused(headOf(told, turn), held, turn);
        if (turn > turns - 2) assert.equal(isRefused, hasPrecedence(other, told));
        else if (isRefused) assert.ok(hasPrecedence(other, told));
        if (isRefused) pinned += 1;
      }
    }),
  );
  t.ok(pinned >= 300, `${pinned} heads refused`);
  t.end();
});

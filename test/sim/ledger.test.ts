import { test } from 'tap';
import { Ledger } from '../../src/sim/ledger.ts';
import type { Acknowledged } from '../../src/sim/ledger.ts';

function entry(key: string, lastUpdate: number): Acknowledged {
  const name = { group: 'g', name: 'n', instanceId: key };
  return { ...name, key, version: 'v1', atMs: 0, lastUpdate, isGone: false };
}

test('the last word on an instance is kept', (t) => {
  const ledger = new Ledger();
  ledger.note('a', entry('x', 1));
  ledger.note('a', { ...entry('x', 2), isGone: true });
  t.strictSame(ledger.of('a'), [{ ...entry('x', 2), isGone: true }]);
  t.strictSame(ledger.of('b'), []);
  t.end();
});

test('what reached nobody before a disk was lost is forgiven, what did is not', (t) => {
  const ledger = new Ledger();
  ledger.note('a', entry('x', 1));
  ledger.note('a', entry('y', 2));
  ledger.forgive('a', 1);
  t.strictSame(
    ledger.of('a').map(({ key }) => key),
    ['x'],
  );
  t.end();
});

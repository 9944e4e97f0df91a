import t from 'tap';
import { opened, refusalReasons, refused } from '../../src/record/verdict.ts';

t.test('reasons are distinct and stable words in capitals', (t) => {
  t.equal(new Set(refusalReasons).size, refusalReasons.length);
  for (const reason of refusalReasons) t.match(reason, /^[A-Z]+(_[A-Z]+)*$/);
  t.end();
});

t.test('an opened thing carries its value, a refused one its reason', (t) => {
  t.strictSame(opened(7), { kind: 'opened', value: 7 });
  t.strictSame(refused('EXPIRED'), { kind: 'refused', reason: 'EXPIRED' });
  t.end();
});

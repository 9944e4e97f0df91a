import t from 'tap';
import { count, finding } from '../../src/cli/finding.ts';

t.test('a finding without a mend has an empty one', (t) => {
  t.strictSame(finding('disk', 'ok', 'fine'), {
    check: 'disk',
    verdict: 'ok',
    what: 'fine',
    mend: '',
  });
  t.equal(finding('disk', 'wrong', 'full', 'free some').mend, 'free some');
  t.end();
});

t.test('one is one, and all other numbers are many', (t) => {
  const counts = [0, 1, 2].map((number) => count(number, 'seed node'));
  t.strictSame(counts, ['0 seed nodes', '1 seed node', '2 seed nodes']);
  t.end();
});

import t from 'tap';
import { Evidence, evidenceMax } from '../../src/registry/evidence.ts';
import { makeHead } from '../record/fixtures.ts';

const pairOf = (owner: string) =>
  [1, 2].map((incarnation) => {
    const sealed = makeHead(undefined, { incarnation });
    return { ...sealed, head: { ...sealed.head, owner } };
  }) as [ReturnType<typeof makeHead>, ReturnType<typeof makeHead>];

t.test('the first pair of an owner is kept, until it is forgotten', (t) => {
  const evidence = new Evidence();
  const [first, second] = [pairOf('a'), pairOf('a')];
  evidence.note(...first);
  evidence.note(...second);
  t.strictSame(evidence.get('a'), first);
  t.equal(evidence.get('a')?.[0], first[0]);
  t.equal(evidence.get('b'), undefined);
  evidence.forget('a');
  t.equal(evidence.get('a'), undefined);
  t.end();
});

t.test(`pairs of ${evidenceMax} owners are kept, and one over is not`, (t) => {
  const evidence = new Evidence();
  const [a, b] = pairOf('');
  const named = (sealed: typeof a, owner: string) => ({
    ...sealed,
    head: { ...sealed.head, owner },
  });
  for (let i = 0; i <= evidenceMax; i++) evidence.note(named(a, `o${i}`), named(b, `o${i}`));
  t.ok(evidence.get('o0'));
  t.ok(evidence.get(`o${evidenceMax - 1}`));
  t.equal(evidence.get(`o${evidenceMax}`), undefined);
  t.end();
});

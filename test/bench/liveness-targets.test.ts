import { test } from 'tap';
import { failed, type Outcome } from '../../bench/liveness-cases.ts';
import { figures, figureText, judge } from '../../bench/liveness-targets.ts';

const unknown = failed('idle', 'disco', { runs: 1, minutes: 30 }, 'why');
const seen: Outcome = {
  ...unknown,
  runs: 1,
  falseDeaths: 0,
  wronged: 0,
  wronglyHiddenMs: 1_500,
  suspicions: 3,
};

function texts(outcome: Outcome): Record<string, string> {
  return Object.fromEntries(
    figures.idle.map((figure) => [figure.name, figureText(figure, outcome)]),
  );
}

test('what grows with the time that was watched is told by the hour, too', (t) => {
  t.match(texts(seen), {
    'minutes watched': '30',
    'healthy nodes hidden (times)': '0',
    'healthy nodes hidden for, over all pairs': '1.50 s (3.00 s an hour)',
    suspicions: '3 (6 an hour)',
    'runs not done': '0',
  });
  t.equal(texts({ ...seen, suspicions: 1, minutes: 7 })['suspicions'], '1 (8.6 an hour)');
  t.end();
});

test('a case that could not be done tells no figure, and meets no bound', (t) => {
  const { 'runs not done': notDone, ...rest } = texts(unknown);
  t.equal(notDone, '1');
  t.strictSame([...new Set(Object.values(rest))], ['-']);
  const verdicts = judge('idle', unknown, { serf: undefined, moleculer: undefined });
  t.notOk(verdicts.some(({ isMet }) => isMet === true));
  t.ok(verdicts.some(({ isMet }) => isMet === false));
  t.end();
});

import { test } from 'tap';
import { Ledger, type Excuse, type SightingKind } from '../../bench/liveness-ledger.ts';

/** A ledger in which, from the first instant, each shows each. */
function complete(nodes: number): Ledger {
  const ledger = new Ledger(nodes);
  for (let observer = 0; observer < nodes; observer++) {
    for (let subject = 0; subject < nodes; subject++)
      ledger.note({ kind: 'shown', observer, subject, atMs: 0 });
  }
  return ledger;
}

function note(ledger: Ledger, kind: SightingKind, observer: number, subject: number, atMs: number) {
  ledger.note({ kind, observer, subject, atMs });
}

test('it is complete once each shows each other one, whatever they show of themselves', (t) => {
  const ledger = new Ledger(2);
  note(ledger, 'shown', 0, 1, 1);
  note(ledger, 'shown', 0, 0, 1);
  t.notOk(ledger.isComplete);
  note(ledger, 'shown', 1, 0, 1);
  t.ok(ledger.isComplete);
  ledger.forget(1);
  t.notOk(ledger.isComplete);
  t.end();
});

test('to be told again is no sighting, and neither is one of a stranger', (t) => {
  const ledger = complete(3);
  const before = ledger.sightings.length;
  note(ledger, 'shown', 0, 1, 5);
  note(ledger, 'hidden', 0, NaN, 5);
  note(ledger, 'hidden', 0, 3, 5);
  t.equal(ledger.sightings.length, before);
  t.end();
});

test('the first sighting from a time on is found although batches come out of order', (t) => {
  const ledger = complete(3);
  note(ledger, 'hidden', 0, 1, 100);
  note(ledger, 'shown', 0, 1, 200);
  note(ledger, 'hidden', 0, 1, 350);
  note(ledger, 'hidden', 2, 1, 300);
  t.equal(ledger.firstMs('hidden', 0, 1, 50), 100);
  t.equal(ledger.firstMs('hidden', 0, 1, 150), 350);
  t.equal(ledger.firstMs('hidden', 2, 1, 150), 300);
  t.equal(ledger.firstMs('hidden', 2, 0, 0), Infinity);
  t.end();
});

test('a wait ends with the sighting that makes it true, or with its time', async (t) => {
  const ledger = complete(2);
  const isHidden = (): boolean => !ledger.shows(0, 1);
  const waiting = ledger.until(isHidden, 60_000);
  note(ledger, 'hidden', 0, 1, 1);
  t.equal(await waiting, true);
  t.equal(await ledger.until(() => false, 1), false);
});

test('slips: what was hidden wrongly, how often, of how many, and for how long', (t) => {
  const ledger = complete(4);
  note(ledger, 'suspected', 0, 1, 10);
  note(ledger, 'hidden', 0, 1, 20);
  note(ledger, 'hidden', 2, 1, 30);
  note(ledger, 'shown', 0, 1, 50);
  note(ledger, 'hidden', 0, 1, 60);
  t.strictSame(ledger.slips(5, 100), {
    falseDeaths: 3,
    wronged: 1,
    wronglyHiddenMs: 30 + 70 + 40,
    suspicions: 1,
  });
  t.end();
});

test('what is excused when it happens is no slip, and what follows the excuse is', (t) => {
  const ledger = complete(3);
  const excuse: Excuse = { fromMs: 10, toMs: 20, covers: (_, subject) => subject === 1 };
  note(ledger, 'hidden', 0, 1, 12);
  note(ledger, 'shown', 0, 1, 19);
  note(ledger, 'hidden', 0, 2, 15);
  note(ledger, 'shown', 0, 2, 16);
  note(ledger, 'hidden', 2, 1, 21);
  const { falseDeaths, wronged, wronglyHiddenMs } = ledger.slips(0.5, 30, [excuse]);
  t.strictSame(
    { falseDeaths, wronged, wronglyHiddenMs },
    { falseDeaths: 2, wronged: 2, wronglyHiddenMs: 10 },
  );
  t.end();
});

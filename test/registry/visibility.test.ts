import t from 'tap';
import type { MemberState } from '../../src/membership/member.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { Brake } from '../../src/registry/brake.ts';
import { ServiceIndex } from '../../src/registry/service-index.ts';
import { show } from '../../src/registry/visibility.ts';
import { at, makeSealed, makeState, makeTombstone } from '../record/fixtures.ts';

const [a, b] = [makeSealed({ instanceId: 'a' }), makeSealed({ instanceId: 'b' })];
const aChanged = makeSealed({ instanceId: 'a', lastUpdate: 9, port: 81 });
const aGone = makeTombstone({ instanceId: 'a', lastUpdate: 9 });

interface Step {
  readonly held: readonly SealedRecord[];
  readonly puts?: readonly SealedRecord[];
  readonly removes?: readonly SealedRecord[];
  readonly before?: MemberState;
  readonly after?: MemberState;
}

/** Shows each step in turn; answers the events of the last, and what the index holds then. */
function run(...steps: Step[]) {
  const index = new ServiceIndex();
  const brake = new Brake({ brakeWindowMs: 10_000, holdMaxMs: 30_000 });
  let events: string[] = [];
  for (const { held, puts = [], removes = [], before, after } of steps) {
    const transition = { next: makeState(held), puts, removes, before, after, death: undefined };
    events = show({ index, brake }, transition, at(7)).map(
      ({ kind, instance, reason }) => `${kind} ${instance.record.instanceId} ${reason}`,
    );
  }
  const ids = index.list().map(({ record }) => `${record.instanceId}:${record.port}`);
  return { events: events.sort(), ids };
}

const met: Step = { held: [a, b], puts: [a, b], after: 'alive' };
const shownSince = (step: Step): [Step, Step] => [
  met,
  { before: 'alive', after: 'alive', ...step },
];

t.test('all of a new owner is registered', (t) => {
  const { events, ids } = run(met);
  t.strictSame(events, ['up a registered', 'up b registered']);
  t.strictSame(ids, ['a:8080', 'b:8080']);
  t.end();
});

t.test('of an owner first met as left nothing is shown', (t) => {
  t.strictSame(run({ held: [a], puts: [a], after: 'left' }), { events: [], ids: [] });
  t.end();
});

t.test('a changed record is an update', (t) => {
  const { events, ids } = run(...shownSince({ held: [aChanged, b], puts: [aChanged] }));
  t.strictSame(events, ['up a updated']);
  t.strictSame(ids, ['a:81', 'b:8080']);
  t.end();
});

t.test('a tombstone takes an instance down, and its being forgotten is no event', (t) => {
  const gone = run(...shownSince({ held: [aGone, b], puts: [aGone] }));
  t.strictSame(gone.events, ['down a deregistered']);
  t.strictSame(gone.ids, ['b:8080']);
  const steps = shownSince({ held: [aGone, b], puts: [aGone] });
  const forgotten = run(...steps, { held: [b], removes: [aGone], before: 'alive', after: 'alive' });
  t.strictSame(forgotten, { events: [], ids: ['b:8080'] });
  t.end();
});

t.test('a record that vanished without a tombstone was replaced', (t) => {
  const { events } = run(...shownSince({ held: [b], removes: [a] }));
  t.strictSame(events, ['down a replaced']);
  t.end();
});

t.test('suspicion hides nothing', (t) => {
  const { events, ids } = run(...shownSince({ held: [a, b], after: 'suspect' }));
  t.strictSame(events, []);
  t.equal(ids.length, 2);
  t.end();
});

t.test('what goes with its owner says how the owner went', (t) => {
  const reasons: [MemberState | undefined, string][] = [
    ['dead', 'owner_dead'],
    ['left', 'owner_left'],
    [undefined, 'expired'],
  ];
  for (const [after, reason] of reasons) {
    const last: Step = { held: [a, b], before: 'alive', ...(after && { after }) };
    t.strictSame(run(met, last), { events: [`down a ${reason}`, `down b ${reason}`], ids: [] });
  }
  t.end();
});

t.test('a last head takes down what it drops and what it adds was never seen', (t) => {
  const c = makeSealed({ instanceId: 'c' });
  const leaving: Step = { held: [b, c], puts: [c], removes: [a], before: 'alive', after: 'left' };
  t.strictSame(run(met, leaving), { events: ['down a owner_left', 'down b owner_left'], ids: [] });
  t.end();
});

t.test('a return shows all that is held now, and not only what changed', (t) => {
  const dead: Step = { held: [a, b], before: 'alive', after: 'dead' };
  const meanwhile: Step = { held: [aChanged, b], puts: [aChanged], before: 'dead', after: 'dead' };
  t.strictSame(run(met, dead, meanwhile), { events: [], ids: [] });
  const back: Step = { held: [aChanged, b], before: 'dead', after: 'alive' };
  const { events, ids } = run(met, dead, meanwhile, back);
  t.strictSame(events, ['up a owner_back', 'up b owner_back']);
  t.strictSame(ids, ['a:81', 'b:8080']);
  t.end();
});

t.test('a tombstone that was given up at once still says that it was deregistered', (t) => {
  const { events, ids } = run(...shownSince({ held: [b], removes: [aGone] }));
  t.strictSame(events, ['down a deregistered']);
  t.strictSame(ids, ['b:8080']);
  t.end();
});

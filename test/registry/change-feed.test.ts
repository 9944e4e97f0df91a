import t from 'tap';
import { ChangeFeed } from '../../src/registry/change-feed.ts';
import type { InstanceEvent } from '../../src/registry/instance.ts';
import { makeRecord, signerOf } from '../record/fixtures.ts';

const { owner } = signerOf(1);
const event: InstanceEvent = {
  kind: 'up',
  instance: { record: makeRecord(), node: 'n' },
  reason: 'registered',
};
const append = (feed: ChangeFeed, events = 1) =>
  feed.append({ owner, origin: 'peer', events: Array(events).fill(event) });

/** Revisions that a reader at `cursor` is given, or that it is lost. */
function revisions(feed: ChangeFeed, cursor: number, eventsMax?: number): number[] | 'lost' {
  const answer = feed.read(cursor, eventsMax);
  return answer.kind === 'lost' ? 'lost' : answer.changes.map(({ revision }) => revision);
}

t.test('revisions rise by one from where the last life ended', (t) => {
  const feed = new ChangeFeed(40, 10);
  t.equal(feed.revision, 40);
  t.equal(append(feed).revision, 41);
  t.equal(append(feed).revision, 42);
  t.equal(feed.revision, 42);
  t.end();
});

t.test('a reader gets what came after its cursor, each once and in order', (t) => {
  const feed = new ChangeFeed(0, 100);
  for (let i = 0; i < 5; i++) append(feed);
  t.strictSame(revisions(feed, 0), [1, 2, 3, 4, 5]);
  t.strictSame(revisions(feed, 3), [4, 5]);
  t.strictSame(feed.read(5), { kind: 'changes', changes: [], revision: 5 });
  t.end();
});

t.test('what its writer does to a list of events afterwards does not reach a reader', (t) => {
  const feed = new ChangeFeed(0, 100);
  const events = [event];
  feed.append({ owner, origin: 'peer', events });
  events.push(event);
  const answer = feed.read(0);
  t.match(answer, { changes: [{ revision: 1, owner, origin: 'peer', events: { length: 1 } }] });
  t.end();
});

t.test('a reader in steps gets the same as one at once, and at least one change a step', (t) => {
  const feed = new ChangeFeed(0, 1_000);
  for (const events of [0, 3, 1, 50, 2]) append(feed, events);
  t.strictSame(revisions(feed, 0, 1), [1]);
  t.strictSame(revisions(feed, 0, 2), [1, 2], 'a change is never cut');
  t.strictSame(revisions(feed, 3, 1), [4]);
  let cursor = 0;
  for (let steps = 0; steps < 5; steps++) {
    const answer = feed.read(cursor, 1);
    t.match(answer, { kind: 'changes', revision: cursor + 1 });
    cursor += 1;
  }
  t.end();
});

t.test('what is over the bound is gone, and who has not read it is told so', (t) => {
  const feed = new ChangeFeed(10, 3);
  for (let i = 0; i < 5; i++) append(feed);
  t.strictSame(revisions(feed, 12), [13, 14, 15]);
  t.equal(revisions(feed, 11), 'lost');
  t.equal(revisions(feed, 0), 'lost');
  t.equal(revisions(feed, 16), 'lost', 'a cursor from a future that never was');
  t.equal(revisions(feed, -1), 'lost');
  t.equal(revisions(feed, NaN), 'lost');
  t.equal(revisions(feed, 13.5), 'lost');
  t.end();
});

t.test('a change without events counts for one, one with many for each', (t) => {
  const feed = new ChangeFeed(0, 3);
  append(feed, 0);
  append(feed, 2);
  t.strictSame(revisions(feed, 0), [1, 2]);
  append(feed, 0);
  t.equal(revisions(feed, 0), 'lost');
  t.strictSame(revisions(feed, 1), [2, 3]);
  append(feed, 4);
  t.equal(revisions(feed, 3), 'lost', 'larger than the bound all by itself');
  t.strictSame(revisions(feed, 4), []);
  t.end();
});

t.test('a long life keeps its bound and its order', (t) => {
  const feed = new ChangeFeed(0, 100);
  for (let i = 1; i <= 10_000; i++) append(feed);
  t.strictSame(
    revisions(feed, 9_900),
    Array.from({ length: 100 }, (_, i) => 9_901 + i),
  );
  t.equal(revisions(feed, 9_899), 'lost');
  t.end();
});

t.test('followers are woken after each append, until they stop following', (t) => {
  const feed = new ChangeFeed(0, 10);
  const seen: string[] = [];
  const stop = feed.follow(() => seen.push(`a${feed.revision}`));
  feed.follow(() => seen.push(`b${feed.revision}`));
  append(feed);
  stop();
  stop();
  append(feed);
  t.strictSame(seen, ['a1', 'b1', 'b2']);
  t.end();
});

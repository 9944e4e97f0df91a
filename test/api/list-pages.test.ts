/** Pages of List while instances come, go and change: through the API, with a filter. */
import fc from 'fast-check';
import t from 'tap';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

const ids = Array.from({ length: 12 }, (_, index) => `i${index}`);
/** What one node says at one time: instances, each in a zone. */
const anySaid = fc.dictionary(fc.constantFrom(...ids), fc.constantFrom('eu-1', 'us-1'), {
  minKeys: 4,
});

function say(node: Node, key: number, said: Readonly<Record<string, string>>): void {
  const { owner } = signerOf(key);
  const make = ([instanceId, zone]: [string, string]) =>
    makeSealed({ owner, group: 'math', name: `s${key}`, instanceId, zone });
  node.hear(key, Object.entries(said).map(make));
}

t.test('what stays and matches is on the pages exactly once, whatever changes between', (t) => {
  let pages = 0;
  const property = fc.property(
    fc.array(fc.tuple(anySaid, anySaid), { minLength: 2, maxLength: 9 }),
    fc.integer({ min: 1, max: 4 }),
    (turns, pageSize) => {
      const node = new Node();
      const [first] = turns;
      const speak = ([one, other]: (typeof turns)[number]): void => {
        say(node, 2, one);
        say(node, 3, other);
      };
      if (first !== undefined) speak(first);
      const listed: string[] = [];
      const views: Set<string>[] = [];
      const matching = (): string[] =>
        node.registry.index
          .list()
          .filter(({ record }) => record.zone === 'eu-1')
          .map(({ record }) => `${record.name}/${record.instanceId}`);
      let pageToken = '';
      for (let turn = 1; turn === 1 || pageToken !== ''; turn++) {
        views.push(new Set(matching()));
        const answer = node.service.list({ zone: 'eu-1', pageSize, pageToken });
        for (const { name, instanceId } of answer.instances ?? [])
          listed.push(`${name}/${instanceId}`);
        pageToken = answer.nextPageToken ?? '';
        pages += 1;
        const next = turns[turn];
        if (next !== undefined) speak(next);
      }
      t.equal(new Set(listed).size, listed.length, 'none comes twice');
      const stayed = [...(views[0] ?? [])].filter((key) => views.every((view) => view.has(key)));
      t.strictSame(
        stayed.filter((key) => !listed.includes(key)),
        [],
        'none that stays is left out',
      );
      t.strictSame(listed.toSorted(byName), listed, 'all in the order of lists');
    },
  );
  fc.assert(property, { seed: 20_250_604, numRuns: 100 });
  t.ok(pages > 200, `${pages} pages`);
  t.end();
});

function byName(one: string, other: string): number {
  return one < other ? -1 : 1;
}

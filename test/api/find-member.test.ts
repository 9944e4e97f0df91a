import t from 'tap';
import { findMember } from '../../src/api/find-member.ts';
import { makeFacts, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

const idOf = (key: number): string => signerOf(key).owner;

function known(...names: string[]): Node {
  const node = new Node();
  for (const [index, name] of names.entries()) node.hear(2 + index, [], makeFacts({ name }));
  return node;
}

t.test('a member is found by its name and by its peer id', (t) => {
  const { registry } = known('bob', 'eve');
  for (const word of ['eve', idOf(3)]) {
    const found = findMember(registry, word);
    t.match(found, { name: 'eve', member: { owner: idOf(3), state: 'alive' } });
  }
  t.equal(findMember(registry, 'node-1').member.owner, registry.self, 'this node too');
  t.end();
});

t.test('of several with one name the peer id is asked for, with what they are', (t) => {
  const { registry, clock } = known('bob', 'bob');
  registry.observe(idOf(3), { kind: 'unreachable', why: 'refused' }, clock.now());
  t.throws(() => findMember(registry, 'bob'), {
    code: 'INVALID_ARGUMENT',
    reason: 'AMBIGUOUS_MEMBER',
    message: `2 members have the name "bob": give the peer id of one (${idOf(2)} is alive, ${idOf(3)} is dead)`,
  });
  t.equal(findMember(registry, idOf(3)).name, 'bob');
  t.end();
});

t.test('of many with one name five are shown', (t) => {
  const { registry } = known(...Array.from({ length: 6 }, () => 'bob'));
  t.throws(() => findMember(registry, 'bob'), { message: /^6 members .* is alive, …\)$/ });
  t.end();
});

t.test('an unknown name comes with those that are close', (t) => {
  const { registry } = known('node-2', 'node-3', 'node-3', 'other');
  t.throws(() => findMember(registry, 'node3'), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_MEMBER',
    message: 'this node knows no member "node3": did you mean "node-3"?',
  });
  t.throws(() => findMember(registry, 'node-4'), {
    message: 'this node knows no member "node-4": did you mean "node-1" or "node-2" or "node-3"?',
  });
  t.throws(() => findMember(registry, 'zzzzzz'), {
    message: 'this node knows no member "zzzzzz": "disco members --all" shows whom it knows',
  });
  t.end();
});

t.test('what can be no name is refused, and shown safely', (t) => {
  const { registry } = known();
  for (const word of ['', 'x'.repeat(257)])
    t.throws(() => findMember(registry, word), { message: /^name is empty or too long: / });
  t.throws(() => findMember(registry, 'x'.repeat(256)), { message: /^this node knows no member / });
  t.throws(() => findMember(registry, '\u001b[2J'), { message: /no member "\\u001b\[2J":/ });
  t.end();
});

/** ForceLeave, over gRPC: for the dead alone. */
import t from 'tap';
import { makeFacts, signerOf } from '../record/fixtures.ts';
import { serve } from './fixture.ts';

const bob = signerOf(2).owner;

/** A node that knows bob, and whose daemon does with a dismissal what a daemon does. */
async function serveBob(t: Parameters<typeof serve>[0]) {
  const served = await serve(t);
  const { node } = served;
  node.hear(2, [], makeFacts({ name: 'bob' }));
  const observe = (event: Parameters<typeof node.registry.observe>[1]): void =>
    node.registry.observe(bob, event, node.clock.now());
  node.control.onDismiss = () => observe({ kind: 'dismissed', incarnation: 1 });
  return { ...served, observe };
}

t.test('ForceLeave dismisses a dead member, by its name or its peer id', async (t) => {
  for (const name of ['bob', bob]) {
    const { client, node, observe } = await serveBob(t);
    observe({ kind: 'unreachable', why: 'refused' });
    t.match(await client.call('ForceLeave', { name }), { peerId: bob, name: 'bob' });
    t.strictSame(node.control.dismissed, [bob]);
    t.equal(node.registry.member(bob)?.state, 'left');
    t.match(await client.call('ForceLeave', { name }), { peerId: bob, name: 'bob' });
    t.equal(node.control.dismissed.length, 1, 'who is gone already needs no dismissal');
  }
});

t.test('ForceLeave refuses a member that lives, this node itself, and one unknown', async (t) => {
  const { client, node } = await serveBob(t);
  for (const name of ['bob', 'node-1'])
    t.strictSame(await client.refusal('ForceLeave', { name }), {
      code: 'FAILED_PRECONDITION',
      reason: 'MEMBER_ALIVE',
      sentence: `"${name}" is alive: stop it with "disco leave" there, or end the process`,
    });
  t.match(await client.refusal('ForceLeave', { name: 'bobb' }), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_MEMBER',
    sentence: /did you mean "bob"\?$/,
  });
  t.match(await client.refusal('ForceLeave', {}), { reason: 'INVALID_NAME' });
  t.strictSame(node.control.dismissed, []);
});

t.test('ForceLeave says when this node has dismissed too many', async (t) => {
  const { client, node, observe } = await serveBob(t);
  node.control.onDismiss = () => undefined;
  observe({ kind: 'unreachable', why: 'refused' });
  t.match(await client.refusal('ForceLeave', { name: 'bob' }), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_DISMISSALS',
    sentence: /^"bob" cannot be dismissed now: /,
  });
});

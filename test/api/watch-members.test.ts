/** WatchMembers: from a session with a sink that a test holds, and over gRPC. */
import t from 'tap';
import { MembersSession } from '../../src/api/watch-members.ts';
import type { MembersMessage } from '../../src/api/watch-members.ts';
import { discoveryDefinition } from '../../src/base/grpc-methods.ts';
import { disco } from '../../src/gen/discovery.js';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { Node, refusalOf, serve } from './fixture.ts';

const { Kind } = disco.v1.MembersEvent;
const { State } = disco.v1.Member;
const owner = signerOf(2).owner;

/** `MEMBER node-2 ALIVE`: an event as a line. */
function lineOf({ kind, member }: MembersMessage): string {
  const name = Kind[kind ?? 0] as string;
  return member == null ? name : `${name} ${member.name} ${State[member.state ?? 0]}`;
}

/** A session whose events a test takes; it takes `room` of them, and more once it is given. */
function watch(node: Node, room = Infinity) {
  const events: MembersMessage[] = [];
  const sink = {
    room,
    write(event: MembersMessage): boolean {
      events.push(event);
      return --sink.room > 0;
    },
  };
  const session = new MembersSession(node.registry, node.control, sink);
  session.start();
  /** What came since the last call, once the present turn is over. */
  const news = async (): Promise<MembersMessage[]> => {
    await Promise.resolve();
    return events.splice(0);
  };
  const lines = async (): Promise<string[]> => (await news()).map(lineOf);
  return { session, sink, news, lines };
}

const kill = ({ registry, clock }: Node): void =>
  registry.observe(owner, { kind: 'unreachable', why: 'refused' }, clock.now());

t.test('all members, an end mark, then whoever changed', async (t) => {
  const node = new Node();
  node.hear(2, []);
  const { lines } = watch(node);
  t.strictSame(await lines(), ['MEMBER node-1 ALIVE', 'MEMBER node-2 ALIVE', 'SNAPSHOT_END']);
  node.hear(3, []);
  t.strictSame(await lines(), ['MEMBER node-3 ALIVE']);
  kill(node);
  t.strictSame(await lines(), ['MEMBER node-2 DEAD']);
  node.hear(3, [], makeFacts({ name: 'node-3', left: true }));
  t.strictSame(await lines(), ['MEMBER node-3 LEFT']);
});

t.test('links and accusers are news as well, though no feed tells of them', async (t) => {
  const node = new Node();
  node.hear(2, []);
  node.hear(3, []);
  const { news } = watch(node);
  await news();
  const wake = (): void => {
    for (const follower of node.control.memberFollowers) follower(owner);
  };
  node.control.linked = [owner];
  node.control.rtts = { [owner]: 0.35 };
  wake();
  t.match(await news(), [
    { kind: Kind.MEMBER, member: { peerId: owner, linked: true, rttMicros: 350 } },
  ]);
  const accuser = signerOf(3).owner;
  const said = { reason: 'silent' as const, since: 1_750_000_000_000_000, confirmed: false };
  node.control.accusers = { [owner]: [{ accuser, ...said }] };
  wake();
  const accusers = [{ peerId: accuser, name: 'node-3', ...said }];
  t.match(await news(), [{ member: { peerId: owner, accusers } }]);
  wake();
  t.strictSame(await news(), [], 'the same again is no news');
});

t.test('what changes all the time is no news by itself, and comes along', async (t) => {
  const node = new Node();
  node.hear(2, []);
  const { news } = watch(node);
  await news();
  node.control.rtts = { [owner]: 7 };
  node.hear(2, [makeSealed({ owner })]);
  t.strictSame(await news(), []);
  node.hear(2, [makeSealed({ owner })], makeFacts({ name: 'node-2', version: '9.9.9' }));
  t.match(await news(), [{ member: { version: '9.9.9', instances: 1, rttMicros: 7_000 } }]);
});

t.test('a member that is forgotten is told as it was last', async (t) => {
  const node = new Node();
  node.hear(2, []);
  const { lines } = watch(node);
  kill(node);
  await lines();
  node.clock.advance(3 * 86_400_000);
  node.registry.tick(node.clock.now());
  t.equal(node.registry.member(owner), undefined);
  t.strictSame(await lines(), ['FORGOTTEN node-2 DEAD']);
});

t.test('a slow reader is told the newest state of each, and nothing piles up', async (t) => {
  const node = new Node();
  node.hear(2, []);
  const { session, sink, lines } = watch(node, 1);
  t.strictSame(await lines(), ['MEMBER node-1 ALIVE'], 'no room for more');
  kill(node);
  node.registry.observe(owner, { kind: 'linked' }, node.clock.now());
  kill(node);
  node.hear(3, []);
  sink.room = Infinity;
  session.resume();
  t.strictSame(await lines(), [
    'MEMBER node-2 ALIVE',
    'SNAPSHOT_END',
    'MEMBER node-2 DEAD',
    'MEMBER node-3 ALIVE',
  ]);
});

t.test('whoever slept through more than the feed keeps learns the present state', async (t) => {
  const node = new Node({ changeFeedMax: 5 });
  node.hear(2, []);
  const { session, sink, lines } = watch(node, 3);
  t.equal((await lines()).length, 3);
  kill(node);
  for (let time = 0; time < 10; time++) node.hear(3, [makeSealed({ owner: signerOf(3).owner })]);
  sink.room = Infinity;
  session.resume();
  t.strictSame(await lines(), ['MEMBER node-2 DEAD', 'MEMBER node-3 ALIVE']);
});

t.test('a closed session follows nothing any more', async (t) => {
  const node = new Node();
  const { session, lines } = watch(node);
  await lines();
  session.close();
  t.equal(node.control.memberFollowers.size, 0);
  node.hear(2, []);
  t.strictSame(await lines(), []);
});

t.test('over gRPC, within the bound on watchers', async (t) => {
  const { client, node, server } = await serve(t, { watchersMax: 1 });
  const { path, requestSerialize, responseDeserialize } = discoveryDefinition.WatchMembers;
  const open = () =>
    client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
  const call = open();
  const events = call[Symbol.asyncIterator]();
  const next = async (): Promise<string> => lineOf((await events.next()).value as MembersMessage);
  t.equal(await next(), 'MEMBER node-1 ALIVE');
  t.equal(await next(), 'SNAPSHOT_END');
  node.hear(2, []);
  t.equal(await next(), 'MEMBER node-2 ALIVE');
  const over = open()[Symbol.asyncIterator]().next();
  const refusal = refusalOf(await over.catch((error: unknown) => error));
  t.match(refusal, { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_WATCHERS' });
  const ended = events.next().catch((error: unknown) => error);
  await server.stop(1_000);
  t.match(refusalOf(await ended), { code: 'UNAVAILABLE', reason: 'STOPPING' });
  t.equal(node.control.memberFollowers.size, 0);
});

/** From messages to JSON. */
import t from 'tap';
import {
  instanceJson,
  listJson,
  memberJson,
  membersEventJson,
  watchEventJson,
} from '../../src/api/json-answer.ts';
import { disco } from '../../src/gen/discovery.js';

const { Health, Member, Check, WatchEvent, MembersEvent } = disco.v1;

t.test('enums are words, all other fields stay as they are and where they are', (t) => {
  const message = {
    group: 'math',
    health: Health.HEALTH_MAINTENANCE,
    lastUpdate: 1_795_252_417_909_001,
    ownerState: Member.State.SUSPECT,
    maintenance: { reason: 'disk', health: Health.HEALTH_WARNING },
    checks: [
      {
        check: { kind: Check.Kind.GRPC, path: 'a.B' },
        health: Health.HEALTH_CRITICAL,
        results: [{ time: 1, durationMicros: 2, status: Health.HEALTH_PASSING, output: 'SERVING' }],
      },
    ],
  };
  t.equal(
    JSON.stringify(instanceJson(message)),
    '{"group":"math","health":"maintenance","lastUpdate":1795252417909001,"ownerState":"suspect",' +
      '"maintenance":{"reason":"disk","health":"warning"},' +
      '"checks":[{"check":{"kind":"grpc","path":"a.B"},"health":"critical",' +
      '"results":[{"time":1,"durationMicros":2,"status":"passing","output":"SERVING"}]}]}',
  );
  t.end();
});

t.test('what a message does not say, JSON does not say either', (t) => {
  t.strictSame(instanceJson({ health: Health.HEALTH_PASSING }), { health: 'passing' });
  const end = { kind: WatchEvent.Kind.SNAPSHOT_END, cursor: 'x-1' };
  t.strictSame(watchEventJson(end), { kind: 'snapshot_end', cursor: 'x-1' });
  t.strictSame(membersEventJson({ kind: MembersEvent.Kind.SNAPSHOT_END }), {
    kind: 'snapshot_end',
  });
  t.end();
});

t.test('a list leaves its age to a header', (t) => {
  const instances = [{ health: Health.HEALTH_WARNING }];
  const list = { instances, nextPageToken: '', sinceReconcileMs: 5 };
  t.strictSame(listJson(list), { instances: [{ health: 'warning' }], nextPageToken: '' });
  t.end();
});

t.test('events are told with what they are about', (t) => {
  const instance = { health: Health.HEALTH_PASSING };
  const down = { kind: WatchEvent.Kind.DOWN, instance, cursor: 'x-2', reason: 'expired' };
  t.strictSame(watchEventJson(down), {
    kind: 'down',
    instance: { health: 'passing' },
    cursor: 'x-2',
    reason: 'expired',
  });
  const member = { name: 'a', state: Member.State.LEFT };
  t.strictSame(memberJson(member), { name: 'a', state: 'left' });
  t.strictSame(membersEventJson({ kind: MembersEvent.Kind.FORGOTTEN, member }), {
    kind: 'forgotten',
    member: { name: 'a', state: 'left' },
  });
  t.end();
});

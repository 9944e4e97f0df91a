/** What /v1 is asked, against the messages of the proto. */
import t from 'tap';
import {
  bodies,
  paths,
  queries,
  requestFields,
  requestSchemas,
} from '../../src/api/v1-requests.ts';
import { protoFields, schemaFields } from './proto-fields.ts';

t.test('a body has the fields of its message, by their names in camelCase', (t) => {
  for (const [schema, message] of [
    [requestSchemas['Registration'], 'RegisterRequest'],
    [requestSchemas['NewCheck'], 'Check'],
    [requestSchemas['NewEndpoint'], 'Endpoint'],
    [bodies.deregister, 'DeregisterRequest'],
    [bodies.heartbeat, 'HeartbeatRequest'],
    [bodies.setMaintenance, 'SetMaintenanceRequest'],
    [bodies.forceLeave, 'ForceLeaveRequest'],
    [bodies.gossip, 'GossipRequest'],
    [bodies.setLogLevels, 'SetLogLevelsRequest'],
    [bodies.leave, 'LeaveRequest'],
  ] as const)
    t.strictSame(schemaFields(schema), protoFields(message), message);
  t.end();
});

t.test('a query has them too, with what stands in the path', (t) => {
  const all = (...schemas: object[]): string[] => schemas.flatMap(schemaFields).sort();
  // In a query, health may be given several times.
  const list = protoFields('ListRequest').filter((field) => field !== 'healths');
  t.strictSame(all(queries.list), list);
  t.strictSame(all(queries.listByGroup, paths.group), list);
  t.strictSame(all(queries.listByService, paths.service), list);
  t.strictSame(all(queries.get, paths.service), protoFields('GetRequest'));
  t.strictSame(all(queries.watch), protoFields('WatchRequest'));
  t.end();
});

t.test('nothing can be asked that has no name', (t) => {
  for (const schema of [...Object.values(requestSchemas), ...Object.values(queries)])
    t.equal(schema['additionalProperties'], false);
  for (const { $ref, additionalProperties } of Object.values(bodies) as Record<string, unknown>[])
    t.ok($ref === 'Registration#' || additionalProperties === false);
  for (const field of ['instanceId', 'ttlMs', 'intervalMs', 'pageToken', 'maxStaleMs', 'cursor'])
    t.ok(requestFields.includes(field), field);
  t.end();
});

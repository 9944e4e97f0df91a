/** What /v1 answers, against the messages of the proto. */
import t from 'tap';
import { answerSchemas } from '../../src/api/v1-answers.ts';
import { problemOf } from '../../src/api/problem.ts';
import { DiscoError } from '../../src/base/error.ts';
import { protoFields, schemaFields } from './proto-fields.ts';

/** By the name of the schema. */
const messages: Readonly<Record<string, string>> = {
  PickedInstance: 'ServiceInstance',
  Endpoint: 'Endpoint',
  Maintenance: 'Maintenance',
  Hold: 'Hold',
  CheckReport: 'CheckReport',
  Check: 'Check',
  CheckResult: 'CheckResult',
  Registered: 'RegisterResponse',
  Deregistered: 'DeregisterResponse',
  HeartbeatAnswer: 'HeartbeatResponse',
  MaintenanceAnswer: 'SetMaintenanceResponse',
  Member: 'Member',
  Accuser: 'Accuser',
  MemberList: 'MembersResponse',
  LeftMember: 'ForceLeaveResponse',
  GossipReport: 'GossipResponse',
  Exchange: 'GossipResponse.Exchange',
  Left: 'LeaveResponse',
  LogLevels: 'SetLogLevelsResponse',
  ServiceFiles: 'ServiceFiles',
  BadFile: 'ServiceFiles.BadFile',
  MaintenanceRule: 'MaintenanceRule',
  WatchEvent: 'WatchEvent',
  MembersEvent: 'MembersEvent',
};

t.test('an answer has the fields of its message, by their names in camelCase', (t) => {
  for (const [name, message] of Object.entries(messages))
    t.strictSame(schemaFields(answerSchemas[name]), protoFields(message), name);
  // Its age is in a header.
  const list = protoFields('ListResponse').filter((field) => field !== 'sinceReconcileMs');
  t.strictSame(schemaFields(answerSchemas['InstanceList']), list);
  const status = schemaFields(answerSchemas['Status']);
  const forgotten = protoFields('StatusResponse').filter((field) => !status.includes(field));
  t.strictSame(forgotten, [], 'of the status');
  const picked = schemaFields(answerSchemas['PickedInstance']);
  const strange = schemaFields(answerSchemas['Instance']).filter((name) => !picked.includes(name));
  t.strictSame(strange, [], 'of an instance');
  t.end();
});

t.test('a problem has the fields that are told of it', (t) => {
  const told = problemOf(new DiscoError('INTERNAL', 'BUG', ''));
  t.strictSame(schemaFields(answerSchemas['Problem']), Object.keys(told).sort());
  t.end();
});

t.test('every schema has been held against something', (t) => {
  const held = [
    ...Object.keys(messages),
    'InstanceList',
    'Status',
    'Instance',
    'Problem',
    'TargetGroup',
    'TargetGroups',
  ];
  t.strictSame(Object.keys(answerSchemas).sort(), held.sort());
  t.end();
});

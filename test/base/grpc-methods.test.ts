import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { discoveryDefinition } from '../../src/base/grpc-methods.ts';

const proto = readFileSync(
  new URL('../../proto/disco/v1/discovery.proto', import.meta.url),
  'utf8',
);
const rpcs = [...proto.matchAll(/rpc (\w+)\((\w+)\) returns \((stream )?(\w+)\)/g)];

test('the table has every method of the proto, with its path and its streams', async (t) => {
  t.ok(rpcs.length > 0, 'the proto was read');
  const expected = rpcs.map(([, name, , stream]) => ({
    name,
    path: `/disco.v1.Discovery/${name}`,
    requestStream: false,
    responseStream: stream !== undefined,
  }));
  const table = Object.entries(discoveryDefinition).map(([name, method]) => {
    const { path, requestStream, responseStream } = method;
    return { name, path, requestStream, responseStream };
  });
  t.strictSame(table, expected);
});

test('a request goes to bytes and back', async (t) => {
  const { requestSerialize, requestDeserialize } = discoveryDefinition.Register;
  const bytes = requestSerialize({ group: 'math', name: 'add', port: 4000, ttlMs: 10_000 });
  t.ok(Buffer.isBuffer(bytes));
  const request = requestDeserialize(bytes);
  t.equal(request.group, 'math');
  t.equal(request.port, 4000);
  t.equal(Number(request.ttlMs), 10_000);
  t.equal(request.version, '', 'absent fields have their default');
});

test('an answer goes to bytes and back', async (t) => {
  const { responseSerialize, responseDeserialize } = discoveryDefinition.Watch;
  const event = responseDeserialize(responseSerialize({ kind: 3, cursor: '1:2' }));
  t.equal(event.cursor, '1:2');
  t.equal(event.kind, 3);
});

test('the simplest client finds group 1 and name 2 in a request', async (t) => {
  const bytes = discoveryDefinition.Get.requestSerialize({ group: 'a', name: 'b' });
  t.equal(bytes.toString('hex'), '0a01611201' + '62');
});

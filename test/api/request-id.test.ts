import * as grpc from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { HttpServer } from '../../src/api/http-server.ts';
import { RequestIds } from '../../src/api/request-id.ts';
import { discoveryDefinition } from '../../src/base/grpc-methods.ts';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Node, serve } from './fixture.ts';
import { plainOptions } from './http-fixture.ts';

interface Entry {
  readonly requestId?: string;
  readonly method?: string;
  readonly reason?: string;
}

function recorder() {
  const entries: Entry[] = [];
  const keep = (entry: object): void => void entries.push(entry);
  return { entries, log: { ...silentLog, debug: keep, error: keep } };
}

/** What a call that is refused is told besides, for a request id that is sent along. */
async function refusedWith(t: Test, sent?: string) {
  const { entries, log } = recorder();
  const { client } = await serve(t, { log });
  const metadata = new grpc.Metadata();
  if (sent !== undefined) metadata.set('x-request-id', sent);
  const { path, requestSerialize, responseDeserialize } = discoveryDefinition.Get;
  const error = await new Promise<grpc.ServiceError | null>((resolve) => {
    const request = { group: 'math', name: 'add' };
    const done = (failure: grpc.ServiceError | null): void => resolve(failure);
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, done);
  });
  return { told: error?.metadata.get('x-request-id')[0], entries };
}

t.test('what a caller sent is taken when it is safe to repeat', (t) => {
  const ids = new RequestIds(seededRandom(1));
  for (const id of [
    '7',
    'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
    '1-67891233:a=b/c+d@e',
    'x'.repeat(128),
  ])
    t.equal(ids.take(id), id);
  t.end();
});

t.test('anything else gets an id of our own, and each another', (t) => {
  const ids = new RequestIds(seededRandom(1));
  const offers = [undefined, '', 'a b', 'a\nb', 'ü', '"', 'x'.repeat(129), ['a'], Buffer.from('a')];
  const given = offers.map((offered) => ids.take(offered));
  t.equal(new Set(given).size, offers.length);
  for (const id of given) t.match(id, /^[\w-]{9,20}$/);
  t.end();
});

t.test('a refused call is told its id in the metadata, and the log has the same', async (t) => {
  const { told, entries } = await refusedWith(t, 'req-7');
  t.equal(told, 'req-7');
  t.match(entries, [
    { requestId: 'req-7', method: '/disco.v1.Discovery/Get', reason: 'UNKNOWN_SERVICE' },
  ]);
});

t.test('without an id, or with one that is not safe, a refused call gets one', async (t) => {
  for (const sent of [undefined, 'not "safe"']) {
    const { told, entries } = await refusedWith(t, sent);
    t.match(told, /^[\w-]{9,20}$/);
    t.equal(entries[0]?.requestId, told);
  }
});

t.test('over HTTP it is a header', async (t) => {
  const { entries, log } = recorder();
  const server = new HttpServer(new Node().service, plainOptions, log);
  t.teardown(() => server.stop());
  const url = `http://${await server.start()}/nowhere`;
  const answer = await fetch(url, { headers: { 'x-request-id': 'req-8' } });
  t.equal(answer.status, 404);
  t.equal(answer.headers.get('x-request-id'), 'req-8');
  const other = await fetch(url);
  t.match(other.headers.get('x-request-id'), /^[\w-]{9,20}$/);
  t.match(entries, [
    { requestId: 'req-8', reason: 'UNKNOWN_PATH' },
    { requestId: other.headers.get('x-request-id') },
  ]);
});

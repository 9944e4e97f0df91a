import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { test } from 'tap';
import { OperationChannels } from '../../src/services/operation-channels.ts';
import { FakeOperation } from './fake-operation.ts';

const { signal } = new AbortController();
const call = { operation: 'add', left: 2, right: 3, signal } as const;

test('an address is called and answers who computed the value', async (t) => {
  const service = await FakeOperation.start(t, 'add');
  const channels = new OperationChannels(2);
  t.teardown(() => channels.close());
  t.strictSame(await channels.call(service.address, call), {
    value: 5,
    servedBy: service.address,
  });
  t.strictSame(service.meant, ['add'], 'and is told which operation is meant');
  await channels.call(service.address, call);
  t.equal(channels.size, 1);
});

test('the least recently used channel makes place for one more', async (t) => {
  const services = [];
  for (let index = 0; index < 3; index++) services.push(await FakeOperation.start(t, 'add'));
  const [first, second, third] = services as [FakeOperation, FakeOperation, FakeOperation];
  const channels = new OperationChannels(2);
  t.teardown(() => channels.close());
  await channels.call(first.address, call);
  await channels.call(second.address, call);
  await channels.call(first.address, call);
  const closed = once(second.events, 'disconnected');
  await channels.call(third.address, call);
  await closed;
  t.equal(channels.size, 2);
  t.equal(first.connections, 1);
});

test('a call under way on a channel that is closed ends well', async (t) => {
  const service = await FakeOperation.start(t, 'add');
  service.hold();
  const channels = new OperationChannels(2);
  const answer = channels.call(service.address, call);
  await once(service.events, 'called');
  channels.close();
  t.equal(channels.size, 0);
  service.release();
  t.match(await answer, { value: 5 });
});

test('an abort cancels the call', async (t) => {
  const service = await FakeOperation.start(t, 'add');
  service.hold();
  const channels = new OperationChannels(2);
  t.teardown(() => channels.close());
  const controller = new AbortController();
  const answer = channels.call(service.address, { ...call, signal: controller.signal });
  await once(service.events, 'called');
  controller.abort();
  await t.rejects(answer, { code: grpc.status.CANCELLED, message: /CANCELLED/ });
  const late = channels.call(service.address, { ...call, signal: controller.signal });
  await t.rejects(late, { message: /CANCELLED/ });
});

test('a call to an address where nobody listens fails at once', async (t) => {
  const service = await FakeOperation.start(t, 'add');
  const channels = new OperationChannels(2);
  t.teardown(() => channels.close());
  await service.stop();
  const gone = channels.call(service.address, call);
  await t.rejects(gone, { code: grpc.status.UNAVAILABLE, message: /UNAVAILABLE/ });
});

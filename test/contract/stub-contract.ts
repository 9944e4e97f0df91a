/**
 * What every connection to a daemon has to do, whatever carries it: discovery-stub (grpc-js) and
 * plain-stub (HTTP/2 by hand) are held to the same.
 */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import type { Test } from 'tap';
import type { DaemonAddress } from '../../src/client/daemon-address.ts';
import type { Connection } from '../../src/client/disco.ts';
import { FakeDaemon, wireInstance } from '../client/fake-daemon.ts';

export type OpenStub = (daemon: DaemonAddress, deadlineMs: number) => Connection;

const watch = (stub: Connection, signal?: AbortSignal) =>
  stub.serverStream('Watch', {}, { signal })[Symbol.asyncIterator]();

export function stubContract(t: Test, open: OpenStub): void {
  const stubFor = (each: Test, address: string, deadlineMs = 5_000): Connection => {
    const stub = open({ address, source: 'as given' }, deadlineMs);
    each.teardown(() => stub.close());
    return stub;
  };

  t.test('a unary call brings the answer', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    const answer = await stub.unary('Register', { group: 'math', name: 'add', ip: '', port: 0 });
    t.equal(answer.ip, '127.0.0.1');
    t.ok(answer.port > 0);
  });

  t.test('a TCP address works as a socket does', async (t) => {
    const daemon = await FakeDaemon.startOnTcp((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    t.equal((await stub.unary('Status', {})).name, 'node-1');
  });

  t.test('the code, the reason and the sentence of the daemon are passed on', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const message = 'the name has a blank in it';
    const codes = [
      'INVALID_ARGUMENT',
      'NOT_FOUND',
      'PERMISSION_DENIED',
      'FAILED_PRECONDITION',
      'RESOURCE_EXHAUSTED',
      'UNAVAILABLE',
      'INTERNAL',
    ] as const;
    const stub = stubFor(t, daemon.address);
    for (const code of codes) {
      daemon.refuse('Get', { code: status[code], reason: 'INVALID_NAME', message });
      const expected = { name: 'DiscoError', code, reason: 'INVALID_NAME', message };
      await t.rejects(stub.unary('Get', { group: 'a', name: 'b c' }), expected, code);
    }
  });

  t.test('without a daemon the error names the address and what to run', async (t) => {
    const stub = stubFor(t, 'unix:/nonexistent/disco.sock');
    await t.rejects(stub.unary('Status', {}), {
      code: 'UNAVAILABLE',
      reason: 'NO_DAEMON',
      message:
        /no disco daemon answers at unix:\/nonexistent\/disco\.sock \(as given\); run `disco start`/,
    });
  });

  t.test('a daemon that does not answer in time is told from one that is away', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    daemon.hang('Members');
    const stub = stubFor(t, daemon.address, 30);
    await t.rejects(stub.unary('Members', {}), {
      code: 'UNAVAILABLE',
      reason: 'TIMEOUT',
      message: /did not answer Members within 30 ms/,
    });
    await t.rejects(stub.unary('Members', {}, { deadlineMs: 20 }), { message: /within 20 ms/ });
  });

  t.test('a server that does not know the method is no disco daemon of this version', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    await t.rejects(stub.unary('ListByGroup', { group: 'math' }), {
      code: 'FAILED_PRECONDITION',
      reason: 'NO_DAEMON',
      message: /does not know ListByGroup/,
    });
  });

  t.test('a status that has no code of ours is INTERNAL', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    daemon.refuse('Get', { code: status.DATA_LOSS, message: 'all gone' });
    const stub = stubFor(t, daemon.address);
    await t.rejects(stub.unary('Get', {}), {
      code: 'INTERNAL',
      reason: 'BUG',
      message: /Get failed at unix:.*: all gone/,
    });
  });

  t.test('an abort rejects with the reason of the signal, before and during a call', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    daemon.hang('Members');
    const stub = stubFor(t, daemon.address);
    const before = AbortSignal.abort(new Error('not at all'));
    await t.rejects(stub.unary('Status', {}, { signal: before }), { message: 'not at all' });
    const during = new AbortController();
    const call = stub.unary('Members', {}, { signal: during.signal });
    during.abort(new Error('changed my mind'));
    await t.rejects(call, { message: 'changed my mind' });
  });

  t.test('a closed stub says so', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    stub.close();
    const expected = { code: 'FAILED_PRECONDITION', reason: 'STOPPING', message: /is closed/ };
    await t.rejects(stub.unary('Status', {}), expected);
    await t.rejects(watch(stub).next(), expected);
  });

  t.test('a stream brings its events, and leaving the loop ends it at the daemon', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    daemon.put(wireInstance());
    const stub = stubFor(t, daemon.address);
    const kinds: number[] = [];
    const ended = once(daemon.answered, 'watch ended');
    for await (const event of stub.serverStream('Watch', {})) {
      kinds.push(event.kind);
      if (event.kind === 2) break;
    }
    t.strictSame(kinds, [1, 3, 2]);
    await ended;
    t.equal(daemon.watchers, 0);
  });

  t.test('a stream ends with the error of the daemon, or for lack of one', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    const stream = watch(stub);
    await stream.next();
    await stream.next();
    const message = 'you are too slow';
    daemon.cutWatches({ code: status.RESOURCE_EXHAUSTED, reason: 'WATCH_TOO_SLOW', message });
    await t.rejects(stream.next(), {
      code: 'RESOURCE_EXHAUSTED',
      reason: 'WATCH_TOO_SLOW',
      message,
    });
    const second = watch(stub);
    await second.next();
    await second.next();
    await daemon.stop();
    await t.rejects(second.next(), { code: 'UNAVAILABLE', reason: 'NO_DAEMON' });
  });

  t.test('an aborted stream throws the reason of the signal', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    const controller = new AbortController();
    const stream = watch(stub, controller.signal);
    await stream.next();
    await stream.next();
    const next = stream.next();
    controller.abort(new Error('enough'));
    await t.rejects(next, { message: 'enough' });
    await t.rejects(watch(stub, controller.signal).next(), {
      message: 'enough',
    });
  });

  t.test('calls work again when the daemon is back on its address', async (t) => {
    const daemon = await FakeDaemon.start((run) => t.teardown(run));
    const stub = stubFor(t, daemon.address);
    await stub.unary('Status', {});
    await daemon.stop();
    await t.rejects(stub.unary('Status', {}), { message: /no disco daemon answers/ });
    await daemon.restart();
    const came = daemon.next('Status');
    let answered = false;
    while (!answered) {
      answered = await stub.unary('Status', {}).then(
        () => true,
        () => false,
      );
    }
    await came;
  });
}

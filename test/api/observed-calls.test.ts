import t, { type Test } from 'tap';
import type { ApiObserver } from '../../src/api/api-observer.ts';
import { GrpcServer } from '../../src/api/grpc-server.ts';
import { silentLog } from '../../src/base/log.ts';
import { ApiClient, Node } from './fixture.ts';

/** Notes what it is told, and lets a test wait for it. */
class Notes implements ApiObserver {
  readonly lines: string[] = [];
  readonly seconds: number[] = [];
  #wake: () => void = () => undefined;

  called(method: string, code: string, seconds: number): void {
    this.seconds.push(seconds);
    this.#note(`${method} ${code}`);
  }

  streamOpened(method: string): void {
    this.#note(`${method} opened`);
  }

  streamEnded(method: string, code: string): void {
    this.#note(`${method} ended ${code}`);
  }

  requested(): void {
    this.#note('never');
  }

  async until(line: string): Promise<void> {
    while (!this.lines.includes(line))
      await new Promise<void>((resolve) => void (this.#wake = resolve));
  }

  #note(line: string): void {
    this.lines.push(line);
    this.#wake();
  }
}

async function serve(t: Test, watchersMax = 10) {
  const node = new Node();
  const observer = new Notes();
  const options = { addresses: ['127.0.0.1:0'], watchersMax, watchLagMax: 10, observer };
  const server = new GrpcServer(node.service, options, silentLog);
  const [address = ''] = await server.start();
  const client = new ApiClient(address);
  t.teardown(async () => {
    client.close();
    await server.stop(0);
  });
  return { node, observer, client, server };
}

t.test('each call is told with its method, its code and the time it took', async (t) => {
  const { client, observer } = await serve(t);
  await client.call('Status', {});
  await client.refusal('Get', { group: 'math', name: 'add' });
  await client.refusal('Get', { group: 'a b', name: 'add' });
  t.strictSame(observer.lines, ['Status OK', 'Get NOT_FOUND', 'Get INVALID_ARGUMENT']);
  t.ok(observer.seconds.every((seconds) => seconds >= 0 && seconds < 10));
});

t.test('a stream is told when it opens and once when it ends, with the reason', async (t) => {
  const { node, client, observer, server } = await serve(t, 1);
  const watch = client.watch();
  await watch.snapshot();
  t.strictSame(observer.lines, ['Watch opened']);
  const { refusal } = await client.watch().rest();
  t.equal(refusal.reason, 'TOO_MANY_WATCHERS');
  await observer.until('Watch ended RESOURCE_EXHAUSTED');
  await watch.cancel(node);
  await observer.until('Watch ended CANCELLED');
  const other = client.watch();
  await other.snapshot();
  await server.stop(0);
  await observer.until('Watch ended UNAVAILABLE');
  t.equal(observer.lines.filter((line) => line === 'Watch opened').length, 3);
  t.equal(observer.lines.filter((line) => line.startsWith('Watch ended')).length, 3);
});

import * as grpc from '@grpc/grpc-js';
import { hostname } from 'node:os';
import { test, type Test } from 'tap';
import { Entrypoint, evaluateOnce } from '../../src/services/entrypoint.ts';
import { calculatorDefinition } from '../../src/services/math-methods.ts';
import { MathService } from '../../src/services/math-service.ts';
import { operations, type Operation } from '../../src/services/operation.ts';
import { FakeDaemon } from '../client/fake-daemon.ts';
import { HandClock } from '../client/hand-clock.ts';

// What grpc-js prints when it cannot bind would be noise between the results.
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

const anyPort = { host: '127.0.0.1', port: 0 };
const report = (): void => undefined;
const { signal } = new AbortController();
const expression = '(2 + 3) * 4 / 5 - 1';

function startDaemon(t: Test): Promise<FakeDaemon> {
  return FakeDaemon.start((run) => t.teardown(run));
}

async function startServices(t: Test, daemon: FakeDaemon, which: readonly Operation[]) {
  const connect = { address: daemon.address };
  const services: MathService[] = [];
  for (const operation of which) {
    const options = { operation, listen: anyPort, connect, report, signal };
    const service = await MathService.start(options);
    t.teardown(() => service.stop());
    services.push(service);
  }
  return services;
}

async function startEntrypoint(t: Test, daemon: FakeDaemon): Promise<Entrypoint> {
  const connect = { address: daemon.address };
  const options = { grpc: anyPort, http: anyPort, connect, report, signal };
  const entrypoint = await Entrypoint.start(options);
  t.teardown(() => entrypoint.stop());
  return entrypoint;
}

type Answer = ReturnType<(typeof calculatorDefinition)['Evaluate']['responseDeserialize']>;

function evaluate(t: Test, address: string, request: { expression: string; trace?: boolean }) {
  const { Evaluate } = calculatorDefinition;
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  t.teardown(() => client.close());
  return new Promise<Answer>((resolve, reject) => {
    client.makeUnaryRequest(
      Evaluate.path,
      Evaluate.requestSerialize,
      Evaluate.responseDeserialize,
      request,
      (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
    );
  });
}

/** Asks again while the entrypoint has not yet heard of the service: that takes a moment. */
async function evaluateWhenKnown(t: Test, address: string, text: string): Promise<Answer> {
  for (;;) {
    try {
      return await evaluate(t, address, { expression: text, trace: true });
    } catch (error) {
      const [reason] = (error as grpc.ServiceError).metadata.get('disco-reason');
      if (reason !== 'NO_INSTANCE') throw error;
    }
  }
}

test('an expression is evaluated over gRPC, with steps when asked for', async (t) => {
  const daemon = await startDaemon(t);
  const services = await startServices(t, daemon, operations);
  const { grpcAddress } = await startEntrypoint(t, daemon);
  const plain = await evaluate(t, grpcAddress, { expression });
  t.equal(plain.value, 3);
  t.strictSame(plain.steps, []);
  const traced = await evaluate(t, grpcAddress, { expression, trace: true });
  t.strictSame(
    traced.steps.map(({ operation, value, servedBy }) => ({ operation, value, servedBy })),
    [
      { operation: 'add', value: 5, servedBy: services[0]?.address },
      { operation: 'mul', value: 20, servedBy: services[2]?.address },
      { operation: 'div', value: 4, servedBy: services[3]?.address },
      { operation: 'sub', value: 3, servedBy: services[1]?.address },
    ],
  );
});

test('an expression is evaluated over HTTP', async (t) => {
  const daemon = await startDaemon(t);
  await startServices(t, daemon, operations);
  const { httpAddress } = await startEntrypoint(t, daemon);
  const query = encodeURIComponent(expression);
  const answer = await fetch(`http://${httpAddress}/evaluate?expression=${query}`);
  t.strictSame(await answer.json(), { expression, value: 3 });
});

test('the entrypoint is found as math/entrypoint, with the address of its HTTP', async (t) => {
  const daemon = await startDaemon(t);
  const { grpcAddress, httpAddress, stop } = await startEntrypoint(t, daemon);
  const [instance] = daemon.instances.values();
  t.match(instance, { group: 'math', name: 'entrypoint', metadata: { http: httpAddress } });
  t.equal(grpcAddress, `127.0.0.1:${instance?.port}`);
  t.type(stop, 'function');
});

test('behind a wildcard the name of the host stands for the address of HTTP', async (t) => {
  const daemon = await startDaemon(t);
  const connect = { address: daemon.address };
  const wildcard = { host: '0.0.0.0', port: 0 };
  const options = { grpc: wildcard, http: wildcard, connect, report, signal };
  const entrypoint = await Entrypoint.start(options);
  t.teardown(() => entrypoint.stop());
  const [instance] = daemon.instances.values();
  const port = entrypoint.httpAddress.split(':')[1];
  t.match(instance, { ip: '127.0.0.1', metadata: { http: `${hostname()}:${port}` } });
});

test('errors over gRPC have a code, a reason and a sentence', async (t) => {
  const daemon = await startDaemon(t);
  await startServices(t, daemon, ['div']);
  const { grpcAddress } = await startEntrypoint(t, daemon);
  const cases = [
    ['2 +', grpc.status.INVALID_ARGUMENT, 'SYNTAX', /2 \+\n {3}\^/],
    ['1 / 0', grpc.status.INVALID_ARGUMENT, 'ARITHMETIC', /cannot be divided by zero/],
    ['1 + 1', grpc.status.UNAVAILABLE, 'NO_INSTANCE', /no instance of math\/add is registered/],
  ] as const;
  for (const [text, code, reason, details] of cases) {
    const error = await evaluate(t, grpcAddress, { expression: text }).then(
      () => t.fail('has a value'),
      (thrown: unknown) => thrown as grpc.ServiceError,
    );
    t.match(error, { code, details });
    t.strictSame((error as grpc.ServiceError).metadata.get('disco-reason'), [reason]);
  }
});

test('services that come and go are followed', async (t) => {
  const daemon = await startDaemon(t);
  const { grpcAddress } = await startEntrypoint(t, daemon);
  const [first] = await startServices(t, daemon, ['add']);
  const one = await evaluateWhenKnown(t, grpcAddress, '1 + 1');
  t.equal(one.steps[0]?.servedBy, first?.address);
  const [second] = await startServices(t, daemon, ['add']);
  await first?.stop();
  const two = await evaluateWhenKnown(t, grpcAddress, '1 + 1');
  t.equal(two.steps[0]?.servedBy, second?.address);
  await daemon.stop();
  const three = await evaluate(t, grpcAddress, { expression: '1 + 1' });
  t.equal(three.value, 2, 'without the daemon too');
});

test('stopping deregisters, and both doors are closed', async (t) => {
  const daemon = await startDaemon(t);
  const entrypoint = await startEntrypoint(t, daemon);
  await entrypoint.stop();
  await entrypoint.stop();
  t.equal(daemon.instances.size, 0);
  await t.rejects(fetch(`http://${entrypoint.httpAddress}/evaluate`), { message: /fetch failed/ });
  await t.rejects(evaluate(t, entrypoint.grpcAddress, { expression }), { message: /UNAVAILABLE/ });
});

test('the entrypoint evaluates on for a while after it is deregistered', async (t) => {
  const daemon = await startDaemon(t);
  await startServices(t, daemon, ['add']);
  const clock = new HandClock();
  const connect = { address: daemon.address, clock };
  const options = { grpc: anyPort, http: anyPort, connect, lingerMs: 250, report, signal };
  const entrypoint = await Entrypoint.start(options);
  const deregistered = daemon.next('Deregister');
  const stopped = entrypoint.stop();
  await deregistered;
  const answer = await fetch(`http://${entrypoint.httpAddress}/evaluate?expression=1%2B1`);
  t.match(await answer.json(), { value: 2 });
  t.equal((await evaluate(t, entrypoint.grpcAddress, { expression: '1 + 1' })).value, 2);
  await clock.advanceUntil(stopped, 250);
  await t.rejects(fetch(`http://${entrypoint.httpAddress}/evaluate`), { message: /fetch failed/ });
});

test('when one door cannot be opened nothing stays behind', async (t) => {
  const daemon = await startDaemon(t);
  const first = await startEntrypoint(t, daemon);
  const taken = { host: '127.0.0.1', port: Number(first.httpAddress.split(':')[1]) };
  const connect = { address: daemon.address };
  const options = { grpc: anyPort, http: taken, connect, report, signal };
  const watchEnds = new Promise((resolve) => daemon.answered.once('watch ended', resolve));
  await t.rejects(Entrypoint.start(options), { code: 'EADDRINUSE', message: /EADDRINUSE/ });
  await watchEnds;
  t.equal(daemon.instances.size, 1);
});

test('an expression is evaluated once, without a server', async (t) => {
  const daemon = await startDaemon(t);
  const services = await startServices(t, daemon, operations);
  const connect = { address: daemon.address };
  t.strictSame(await evaluateOnce(` ${expression}\n`, { trace: false, connect }), [
    '(2 + 3) * 4 / 5 - 1 = 3',
  ]);
  const [add, sub, mul, div] = services.map(({ address }) => address);
  t.strictSame(await evaluateOnce(expression, { trace: true, connect }), [
    `2 + 3 = 5  (math/add at ${add})`,
    `5 * 4 = 20  (math/mul at ${mul})`,
    `20 / 5 = 4  (math/div at ${div})`,
    `4 - 1 = 3  (math/sub at ${sub})`,
    '(2 + 3) * 4 / 5 - 1 = 3',
  ]);
  t.equal(daemon.instances.size, operations.length, 'and nothing else is registered');
});

test('the trace says how many instances failed before', async (t) => {
  const daemon = await startDaemon(t);
  const [dead, alive] = await startServices(t, daemon, ['add', 'add']);
  const [registered] = daemon.instances.values();
  t.equal(dead?.address, `127.0.0.1:${registered?.port}`);
  // Dead, but not yet gone from the list; the other one is worse off, so it is tried second.
  const [first, second] = [...daemon.instances.values()];
  await dead?.stop();
  daemon.put(first ?? {});
  daemon.put({ ...second, health: 2 });
  const lines = await evaluateOnce('1 + 1', {
    trace: true,
    connect: { address: daemon.address },
  });
  t.equal(lines[0], `1 + 1 = 2  (math/add at ${alive?.address}, after 1 that failed)`);
});

test('once, a mistake in the text is told even without a daemon', async (t) => {
  const connect = { address: 'unix:/nonexistent/disco.sock' };
  await t.rejects(evaluateOnce('2 +', { trace: false, connect }), { name: 'SyntaxProblem' });
  await t.rejects(evaluateOnce('2', { trace: false, connect }), {
    reason: 'NO_DAEMON',
    message: /no disco daemon answers/,
  });
});

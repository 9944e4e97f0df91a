import * as grpc from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { DiscoError, type Health } from '../../src/client/index.ts';
import { Calculator, operationBalancers } from '../../src/services/calculator.ts';
import type { CalculatorOptions, OperationBalancers } from '../../src/services/calculator.ts';
import { operations, type Operation } from '../../src/services/operation.ts';
import { connected } from '../client/connected.ts';
import { wireInstance } from '../client/fake-daemon.ts';
import { FakeSource, instanceOf } from '../client/fake-source.ts';
import { FakeOperation } from './fake-operation.ts';

/** What is registered, by operation. */
class Registered {
  readonly #sources = new Map<Operation, FakeSource>();

  of(name: Operation): FakeSource {
    const source = this.#sources.get(name) ?? Object.assign(new FakeSource(), { name });
    this.#sources.set(name, source);
    return source;
  }

  add(service: FakeOperation, health: Health = 'passing'): void {
    this.of(service.operation).put(instanceAt(service, health));
  }

  remove(service: FakeOperation): void {
    this.of(service.operation).drop(instanceAt(service));
  }

  balancers(): OperationBalancers {
    const of = (name: Operation) => this.of(name).balancer('round_robin');
    return { add: of('add'), sub: of('sub'), mul: of('mul'), div: of('div') };
  }
}

function instanceAt({ operation: name, port, address }: FakeOperation, health?: Health) {
  return instanceOf(port, { name, port, instanceId: address, ...(health && { health }) });
}

function calculatorOf(t: Test, registered: Registered, options?: CalculatorOptions): Calculator {
  const calculator = new Calculator(registered.balancers(), options);
  t.teardown(() => calculator.close());
  return calculator;
}

/** One service of each operation, and a calculator that knows them. */
async function setUp(t: Test, options?: CalculatorOptions) {
  const registered = new Registered();
  const services = new Map<Operation, FakeOperation>();
  for (const operation of operations) {
    const service = await FakeOperation.start(t, operation);
    services.set(operation, service);
    registered.add(service);
  }
  const serviceOf = (operation: Operation): FakeOperation =>
    services.get(operation) as FakeOperation;
  /** A further one, which is asked when the first does not answer. */
  const addSecond = async (operation: Operation): Promise<FakeOperation> => {
    const second = await FakeOperation.start(t, operation);
    registered.add(second, 'warning');
    return second;
  };
  return { registered, serviceOf, addSecond, calculator: calculatorOf(t, registered, options) };
}

test('an expression is computed by the services, step by step', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  t.strictSame(await calculator.evaluate('(2 + 3) * 4 / 5 - 1'), {
    value: 3,
    steps: [
      { operation: 'add', left: 2, right: 3, value: 5, servedBy: serviceOf('add').address },
      { operation: 'mul', left: 5, right: 4, value: 20, servedBy: serviceOf('mul').address },
      { operation: 'div', left: 20, right: 5, value: 4, servedBy: serviceOf('div').address },
      { operation: 'sub', left: 4, right: 1, value: 3, servedBy: serviceOf('sub').address },
    ].map((step) => ({ ...step, attempts: 0 })),
  });
});

test('numbers and signs need no service', async (t) => {
  const calculator = calculatorOf(t, new Registered());
  t.strictSame(await calculator.evaluate('-(2.5)'), { value: -2.5, steps: [] });
});

test('a sign before a service is applied to its result', async (t) => {
  const { calculator } = await setUp(t);
  t.equal((await calculator.evaluate('-(1 + 2)')).value, -3);
});

test('independent branches run at once', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  const add = serviceOf('add');
  add.hold();
  const evaluating = calculator.evaluate('(1 + 2) * (3 + 4)');
  while (add.meant.length < 2) await new Promise((resolve) => add.events.once('called', resolve));
  add.release();
  t.match(await evaluating, { value: 21, steps: [{ value: 3 }, { value: 7 }, { value: 21 }] });
});

test('a wide expression warns of nothing', async (t) => {
  const { calculator } = await setUp(t);
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const wide = Array.from({ length: 60 }, () => '(1+1)').join('*');
  t.equal((await calculator.evaluate(wide)).steps.length, 119);
  t.strictSame(warnings, []);
});

test('the longest chain is evaluated', async (t) => {
  const { calculator } = await setUp(t);
  const { value, steps } = await calculator.evaluate(`1${'+1'.repeat(499)}`);
  t.equal(value, 500);
  t.equal(steps.length, 499);
});

test('the replicas of an operation share its work', async (t) => {
  const { calculator, serviceOf, registered } = await setUp(t);
  const second = await FakeOperation.start(t, 'add');
  registered.add(second);
  await calculator.evaluate(`1${'+1'.repeat(20)}`);
  t.equal(serviceOf('add').meant.length, 10);
  t.equal(second.meant.length, 10);
});

test('when an instance dies another one answers, and it counts as an attempt', async (t) => {
  const { calculator, serviceOf, addSecond } = await setUp(t);
  const second = await addSecond('add');
  t.match(await calculator.evaluate('1 + 1'), { steps: [{ attempts: 0 }] });
  await serviceOf('add').stop();
  for (let nth = 0; nth < 5; nth++) {
    const { steps } = await calculator.evaluate('1 + 1');
    t.match(steps, [{ value: 2, servedBy: second.address, attempts: 1 }]);
  }
  const { steps } = await calculator.evaluate('1 + 1');
  t.match(steps, [{ servedBy: second.address, attempts: 0 }], 'and then it is left alone');
});

test('an instance that takes too long is given up for another', async (t) => {
  const { calculator, serviceOf, addSecond } = await setUp(t, { attemptTimeoutMs: 30 });
  const second = await addSecond('add');
  const { events } = serviceOf('add');
  const cancelled = new Promise((resolve) => events.once('cancelled', resolve));
  serviceOf('add').hold();
  t.match(await calculator.evaluate('1 + 1'), { steps: [{ servedBy: second.address }] });
  await cancelled;
});

test('an instance that answers no finite number has failed', async (t) => {
  const { calculator, serviceOf, addSecond } = await setUp(t);
  serviceOf('add').value = Number.NaN;
  await addSecond('add');
  t.match(await calculator.evaluate('1 + 1'), { steps: [{ value: 2, attempts: 1 }] });
});

test('an instance that fails again and again is better than none', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  const add = serviceOf('add');
  add.failure = { code: grpc.status.UNAVAILABLE, details: 'busy' };
  for (let nth = 0; nth < 10; nth++) {
    await t.rejects(calculator.evaluate('1 + 1'), { reason: 'NO_ANSWER', message: /busy/ });
  }
  add.failure = undefined;
  t.match(await calculator.evaluate('1 + 1'), { value: 2 });
});

test('three instances are tried, and the last one says what is wrong', async (t) => {
  const { calculator, serviceOf, registered } = await setUp(t);
  const all = [serviceOf('add')];
  for (let index = 0; index < 3; index++) all.push(await FakeOperation.start(t, 'add'));
  for (const service of all) {
    service.failure = { code: grpc.status.INTERNAL, details: 'broken' };
    registered.add(service);
  }
  await t.rejects(calculator.evaluate('1 + 1'), {
    reason: 'NO_ANSWER',
    message:
      /^math\/add did not answer: tried \S+, \S+, \S+; the last one failed with: 13 INTERNAL: broken$/,
  });
  t.equal(all.filter(({ meant }) => meant.length === 1).length, 3);
});

test('what the numbers make impossible is not tried elsewhere', async (t) => {
  const { calculator, serviceOf, addSecond } = await setUp(t);
  const second = await addSecond('div');
  const details = '1 cannot be divided by zero; change the divisor';
  serviceOf('div').failure = { code: grpc.status.INVALID_ARGUMENT, details };
  await t.rejects(calculator.evaluate('1 / 0'), { reason: 'ARITHMETIC', message: details });
  t.strictSame(second.meant, []);
});

test('a service that is missing is named', async (t) => {
  await t.rejects(calculatorOf(t, new Registered()).evaluate('2 * 3'), {
    name: 'EvaluationError',
    reason: 'NO_INSTANCE',
    message: /^no instance of math\/mul is registered, as far as this node knows; start one/,
  });
});

test('a service that is there but unwell is told from one that is missing', async (t) => {
  const registered = new Registered();
  registered.add(await FakeOperation.start(t, 'mul'), 'critical');
  await t.rejects(calculatorOf(t, registered).evaluate('2 * 3'), {
    reason: 'NO_INSTANCE',
    message: /^math\/mul has 1 instances, but none that could be picked is passing or warning/,
  });
});

test('before anything is known of a service the evaluation says why', async (t) => {
  const registered = new Registered();
  const mul = registered.of('mul');
  mul.loaded = false;
  mul.whenReady = async () => {
    throw new DiscoError('UNAVAILABLE', 'NO_DAEMON', 'no disco daemon answers');
  };
  await t.rejects(calculatorOf(t, registered).evaluate('2 * 3'), {
    reason: 'NO_INSTANCE',
    message: 'no disco daemon answers',
  });
});

test('the operations are followed, each by itself', async (t) => {
  const { daemon, disco } = await connected(t);
  for (const name of operations) daemon.put(wireInstance({ name, instanceId: name }));
  for (const [name, balancer] of Object.entries(operationBalancers(disco))) {
    await balancer.ready();
    t.equal(balancer.next()?.instanceId, name);
  }
});

test('a syntax error needs no service', async (t) => {
  await t.rejects(calculatorOf(t, new Registered()).evaluate('2 *'), {
    name: 'SyntaxProblem',
    reason: 'SYNTAX',
    message: /2 \*\n {3}\^/,
  });
});

test('when one branch fails the others are cancelled', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  const add = serviceOf('add');
  add.hold();
  serviceOf('div').failure = { code: grpc.status.INVALID_ARGUMENT, details: 'not by zero' };
  const cancelled = new Promise((resolve) => add.events.once('cancelled', resolve));
  await t.rejects(calculator.evaluate('(1 + 2) * (1 / 0)'), { message: 'not by zero' });
  await cancelled;
});

test('an abort by the caller ends the evaluation', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  const add = serviceOf('add');
  add.hold();
  const controller = new AbortController();
  add.events.once('called', () => controller.abort());
  await t.rejects(calculator.evaluate('1 + 2', controller.signal), {
    reason: 'CANCELLED',
    message: /was cancelled, or took longer than 30 s/,
  });
});

test('the number of channels is bounded', async (t) => {
  const { calculator } = await setUp(t, { channelsMax: 2 });
  t.equal((await calculator.evaluate('(2 + 3) * 4 / 5 - 1')).value, 3);
  t.equal(calculator.channels, 2);
});

test('an instance that is gone is not asked', async (t) => {
  const { calculator, serviceOf, registered } = await setUp(t);
  const [first, second] = [serviceOf('add'), await FakeOperation.start(t, 'add')];
  await calculator.evaluate('1 + 2');
  registered.add(second);
  registered.remove(first);
  await calculator.evaluate('1 + 2 + 3');
  t.equal(first.meant.length, 1);
  t.equal(second.meant.length, 2);
});

test('close closes the channels', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  await calculator.evaluate('1 + 2');
  t.equal(calculator.channels, 1);
  const closed = new Promise((resolve) => serviceOf('add').events.once('disconnected', resolve));
  calculator.close();
  await closed;
  t.equal(calculator.channels, 0);
});

import * as grpc from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { instanceAddress, type Instance, type ViewChange } from '../../src/client/index.ts';
import { Calculator, type CalculatorOptions } from '../../src/services/calculator.ts';
import type { OperationView } from '../../src/services/calculator.ts';
import { operations, type Operation } from '../../src/services/operation.ts';
import { instanceFromProto } from '../../src/client/instance.ts';
import { DiscoError } from '../../src/client/index.ts';
import { wireInstance } from '../client/fake-daemon.ts';
import { FakeOperation } from './fake-operation.ts';

/** A view that holds what it is told, and picks the first. */
class HeldView implements OperationView {
  readonly group = 'math';
  loaded = true;
  #instances: readonly Instance[] = [];
  readonly #listeners = new Set<(change: ViewChange) => void>();

  add(...services: FakeOperation[]): void {
    const added = services.map(({ operation, port }) =>
      instanceFromProto(wireInstance({ name: operation, port })),
    );
    this.#instances = [...this.#instances, ...added];
  }

  remove({ address }: FakeOperation): void {
    const gone = this.#instances.filter((instance) => instanceAddress(instance) === address);
    this.#instances = this.#instances.filter((instance) => !gone.includes(instance));
    for (const instance of gone) this.tell({ kind: 'down', instance, reason: 'expired' });
  }

  tell(change: ViewChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  instances(): readonly Instance[] {
    return this.#instances;
  }

  pick(accept: (instance: Instance) => boolean = () => true): Instance | undefined {
    return this.#instances.find((instance) => instance.health === 'passing' && accept(instance));
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ready(): Promise<void> {
    throw new DiscoError('UNAVAILABLE', 'TIMEOUT', 'no first snapshot');
  }
}

function calculatorOf(t: Test, view: OperationView, options?: CalculatorOptions): Calculator {
  const calculator = new Calculator(view, options);
  t.teardown(() => calculator.close());
  return calculator;
}

/** One service of each operation, and a calculator that knows them. */
async function setUp(t: Test, options?: CalculatorOptions) {
  const view = new HeldView();
  const services = new Map<Operation, FakeOperation>();
  for (const operation of operations) {
    const service = await FakeOperation.start(t, operation);
    services.set(operation, service);
    view.add(service);
  }
  const serviceOf = (operation: Operation): FakeOperation =>
    services.get(operation) as FakeOperation;
  return { view, serviceOf, calculator: calculatorOf(t, view, options) };
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
  const view = new HeldView();
  view.loaded = false;
  const calculator = calculatorOf(t, view);
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

test('when an instance dies another one answers, and it counts as an attempt', async (t) => {
  const { calculator, serviceOf, view } = await setUp(t);
  const second = await FakeOperation.start(t, 'add');
  view.add(second);
  await calculator.evaluate('1 + 1');
  await serviceOf('add').stop();
  const { steps } = await calculator.evaluate('1 + 1');
  t.match(steps, [{ value: 2, servedBy: second.address, attempts: 1 }]);
  const again = await calculator.evaluate('1 + 1');
  t.match(again.steps, [{ servedBy: second.address, attempts: 0 }], 'and the dead one is avoided');
});

test('an instance that takes too long is given up for another', async (t) => {
  const { calculator, serviceOf, view } = await setUp(t, { attemptTimeoutMs: 30 });
  const second = await FakeOperation.start(t, 'add');
  view.add(second);
  serviceOf('add').hold();
  t.match(await calculator.evaluate('1 + 1'), { steps: [{ servedBy: second.address }] });
});

test('an instance that answers no finite number has failed', async (t) => {
  const { calculator, serviceOf, view } = await setUp(t);
  serviceOf('add').value = Number.NaN;
  const second = await FakeOperation.start(t, 'add');
  view.add(second);
  t.match(await calculator.evaluate('1 + 1'), { steps: [{ value: 2, attempts: 1 }] });
});

test('an avoided instance is better than none', async (t) => {
  const { calculator, serviceOf } = await setUp(t);
  const add = serviceOf('add');
  add.failure = { code: grpc.status.UNAVAILABLE, details: 'busy' };
  await t.rejects(calculator.evaluate('1 + 1'), { reason: 'NO_ANSWER', message: /busy/ });
  add.failure = undefined;
  t.match(await calculator.evaluate('1 + 1'), { value: 2 });
});

test('at most so many instances are tried', async (t) => {
  const { calculator, serviceOf, view } = await setUp(t, { attemptsMax: 2 });
  const all = [serviceOf('add')];
  for (let index = 0; index < 2; index++) all.push(await FakeOperation.start(t, 'add'));
  view.add(...all.slice(1));
  for (const service of all) service.failure = { code: grpc.status.INTERNAL, details: 'broken' };
  const [first, second] = all.map(({ address }) => address);
  await t.rejects(calculator.evaluate('1 + 1'), {
    reason: 'NO_ANSWER',
    message:
      `math/add did not answer: tried ${first}, ${second}; ` +
      'the last one failed with: 13 INTERNAL: broken',
  });
});

test('what the numbers make impossible is not tried elsewhere', async (t) => {
  const { calculator, serviceOf, view } = await setUp(t);
  const second = await FakeOperation.start(t, 'div');
  view.add(second);
  const details = '1 cannot be divided by zero; change the divisor';
  serviceOf('div').failure = { code: grpc.status.INVALID_ARGUMENT, details };
  await t.rejects(calculator.evaluate('1 / 0'), { reason: 'ARITHMETIC', message: details });
  t.strictSame(second.meant, []);
});

test('a service that is missing is named, with the way to start it', async (t) => {
  const view = new HeldView();
  await t.rejects(calculatorOf(t, view).evaluate('2 * 3'), {
    name: 'EvaluationError',
    reason: 'NO_INSTANCE',
    message: 'no instance of math/mul is registered; start one with bin/math-service.js mul',
  });
});

test('a service that is there but unwell is told from one that is missing', async (t) => {
  const { calculator, view } = await setUp(t);
  view.pick = () => undefined;
  await t.rejects(calculator.evaluate('2 * 3'), {
    reason: 'NO_INSTANCE',
    message: /none of the 1 instances of math\/mul is passing or warning/,
  });
});

test('before anything is known of the services the evaluation says so', async (t) => {
  const view = new HeldView();
  view.loaded = false;
  await t.rejects(calculatorOf(t, view).evaluate('2 * 3'), {
    reason: 'NO_INSTANCE',
    message: 'no service is known yet: no first snapshot',
  });
});

test('a syntax error needs no service', async (t) => {
  await t.rejects(calculatorOf(t, new HeldView()).evaluate('2 *'), {
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

test('the channel of an instance is closed when it is gone, or has moved', async (t) => {
  const { calculator, serviceOf, view } = await setUp(t);
  await calculator.evaluate('1 + 2 - 3');
  t.equal(calculator.channels, 2);
  const closed = new Promise((resolve) => serviceOf('add').events.once('disconnected', resolve));
  view.remove(serviceOf('add'));
  await closed;
  t.equal(calculator.channels, 1);
  const moved = view.instances().find(({ name }) => name === 'sub') as Instance;
  view.tell({ kind: 'up', instance: { ...moved, port: 1 }, previous: { ...moved, port: 9 } });
  t.equal(calculator.channels, 1, 'its address is still that of an instance');
});

test('the number of channels is bounded', async (t) => {
  const { calculator } = await setUp(t, { channelsMax: 2 });
  t.equal((await calculator.evaluate('(2 + 3) * 4 / 5 - 1')).value, 3);
  t.equal(calculator.channels, 2);
});

test('close closes the channels and listens no more', async (t) => {
  const { calculator, view } = await setUp(t);
  await calculator.evaluate('1 + 2');
  calculator.close();
  t.equal(calculator.channels, 0);
  t.equal(view.listeners, 0);
});

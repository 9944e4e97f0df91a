import t from 'tap';
import { PacketNetwork } from '../../../bench/models/packet-network.ts';
import type { StreamMessage } from '../../../bench/models/packet-network.ts';
import type { Message } from '../../../bench/models/swim-wire.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { VirtualClock } from '../../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../../src/sim/node-process.ts';

/** Nodes 1 and 2, five ms from each other. */
function lab(loss = 0) {
  const clock = new VirtualClock();
  const conditions = { latencyMs: 5, latencyJitter: 0, loss };
  const network = new PacketNetwork(clock, seededRandom(1), conditions);
  const heard: { readonly node: number; readonly messages: readonly Message[] }[] = [];
  const processes = [1, 2].map((node) => {
    const process = new NodeProcess(clock);
    const asked = (): StreamMessage => {
      return { kind: 'ack', bytes: 3 };
    };
    network.join(node, process, {
      packet: (messages) => heard.push({ node, messages }),
      asked,
    });
    return process;
  }) as [NodeProcess, NodeProcess];
  return { clock, network, heard, processes };
}

const nack: readonly Message[] = [{ kind: 'nack', seq: 1 }];

t.test('a packet arrives after its delay and is counted', (t) => {
  const { clock, network, heard, processes } = lab();
  network.send(processes[0], 2, nack, 8);
  clock.advance(4.9);
  t.strictSame(heard, []);
  clock.advance(0.2);
  t.strictSame(heard, [{ node: 2, messages: nack }]);
  t.strictSame(network.sent, { messages: 1, bytes: 8 });
  t.end();
});

t.test('packets get lost as often as the network is told, and count all the same', (t) => {
  const { clock, network, heard, processes } = lab(0.3);
  for (let i = 0; i < 1_000; i++) network.send(processes[0], 2, nack, 8);
  clock.advance(10);
  t.ok(heard.length > 650 && heard.length < 750, String(heard.length));
  t.equal(network.sent.messages, 1_000);
  t.end();
});

t.test('a blocked node sends and hears when it is free again', (t) => {
  const { clock, network, heard, processes } = lab();
  processes[0].block();
  network.send(processes[0], 2, nack, 8);
  network.send(processes[1], 1, nack, 8);
  clock.advance(100);
  t.strictSame(heard, []);
  t.equal(network.sent.messages, 1);
  processes[0].unblock();
  t.strictSame(heard, [{ node: 1, messages: nack }]);
  clock.advance(5);
  t.equal(heard.length, 2);
  t.end();
});

t.test('a connection is answered after four delays', (t) => {
  const { clock, network, processes } = lab();
  const answers: unknown[] = [];
  const note = (answer: unknown): number => answers.push([clock.now().monoMs, answer]);
  network.ask(processes[0], 2, { kind: 'ping', bytes: 10 }, 1_000, note);
  clock.advance(2_000);
  t.strictSame(answers, [[20, { kind: 'ack', bytes: 3 }]]);
  t.strictSame(network.sent, { messages: 2, bytes: 13 });
  t.end();
});

t.test('a blocked node answers no connection in time, and not too late either', (t) => {
  const { clock, network, processes } = lab();
  const answers: unknown[] = [];
  processes[1].block();
  const request = { kind: 'ping', bytes: 10 } as const;
  network.ask(processes[0], 2, request, 50, (answer) => answers.push(answer));
  clock.advance(100);
  processes[1].unblock();
  clock.advance(100);
  t.strictSame(answers, [undefined]);
  t.equal(network.sent.messages, 1);
  t.end();
});

import t from 'tap';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { MemoryNetwork } from '../../src/gossip/memory-transport.ts';
import { Recorder, settleOn, transportContract } from '../contract/transport-contract.ts';

t.test('the transport contract', (t) => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  let created = 0;
  transportContract(t, {
    nowhere: 'mem/nowhere',
    create: (at = []) => {
      created += 1;
      const owner = `peer-${created}`;
      const transport = network.join(owner, at[0] ?? `mem/${created}`);
      return Promise.resolve({ owner, transport });
    },
    settle: (promise) => settleOn(clock, promise),
  });
  t.end();
});

t.test('a cut breaks links and lets no dial through until it is healed', async (t) => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const [a, b] = [network.join('a', 'mem/a'), network.join('b', 'mem/b')];
  const heard = new Recorder();
  await a.start(heard);
  await b.start(new Recorder());
  a.dial({ addresses: ['mem/b'] }, 1_000, () => undefined);
  clock.advance(10);
  network.rules.isCut = () => true;
  network.applyCuts();
  t.strictSame(heard.said, ['linked b', 'unlinked b']);
  const outcomes: unknown[] = [];
  a.dial({ addresses: ['mem/b'] }, 1_000, (outcome) => outcomes.push(outcome));
  clock.advance(999);
  t.strictSame(outcomes, []);
  clock.advance(1);
  t.strictSame(outcomes, [{ kind: 'failed', how: 'timeout' }]);
  network.rules.isCut = () => false;
  a.dial({ addresses: ['mem/b'] }, 1_000, (outcome) => outcomes.push(outcome));
  clock.advance(10);
  t.strictSame(outcomes[1], { kind: 'dialed', peer: 'b' });
});

t.test(
  'who hangs up across a cut is still linked at the other end, until that speaks',
  async (t) => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock);
    const [a, b] = [network.join('a', 'mem/a'), network.join('b', 'mem/b')];
    const [heardByA, heardByB] = [new Recorder(), new Recorder()];
    await a.start(heardByA);
    await b.start(heardByB);
    const dial = (): void => {
      a.dial({ addresses: ['mem/b'] }, 1_000, () => undefined);
      clock.advance(10);
    };
    const hangUpUnheard = (): void => {
      network.rules.isCut = () => true;
      a.hangUp('b');
      clock.advance(10);
      network.rules.isCut = () => false;
    };
    dial();
    hangUpUnheard();
    t.strictSame(heardByA.said, ['linked b', 'unlinked b']);
    t.strictSame(heardByB.said, ['linked a']);
    b.send('a', Buffer.from('?'));
    clock.advance(10);
    t.strictSame(heardByB.said, ['linked a', 'unlinked a'], 'nobody is there');

    dial();
    hangUpUnheard();
    dial();
    b.send('a', Buffer.from('!'));
    clock.advance(10);
    t.strictSame(heardByA.said.slice(-3), ['unlinked b', 'linked b', 'message b !']);
    t.strictSame(heardByB.said.slice(2), ['linked a'], 'to whom one more dial is the same link');
  },
);

t.test('a rumor is passed on only by those who accept it', async (t) => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const peers = ['a', 'b', 'c'].map((owner) => network.join(owner, `mem/${owner}`));
  const heard = peers.map(() => new Recorder());
  await Promise.all(peers.map((peer, index) => peer.start(heard[index] as Recorder)));
  peers[0]?.dial({ addresses: ['mem/b'] }, 1_000, () => undefined);
  peers[1]?.dial({ addresses: ['mem/c'] }, 1_000, () => undefined);
  clock.advance(10);
  (heard[1] as Recorder).verdict = 'ignore';
  peers[0]?.publish(Buffer.from('one'));
  clock.advance(10);
  (heard[1] as Recorder).verdict = 'accept';
  peers[0]?.publish(Buffer.from('two'));
  clock.advance(10);
  t.strictSame(heard[2]?.said, ['linked b', 'rumor b two']);
});

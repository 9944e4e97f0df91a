/** Channels under load while instances come and go, and the daemon too: no call may fail. */
import { test, type Test } from 'tap';
import { drain, leastLoad, Load, openChannel, pickFirst, setUp, startBackend } from './backends.ts';
import type { Backend } from './backends.ts';

const policies = {
  pick_first: { options: pickFirst, isSpread: false },
  round_robin: { options: {}, isSpread: true },
  disco_least_load: { options: leastLoad, isSpread: true },
};

/** Ends the load, of which no call may have failed. */
async function endWell(t: Test, load: Load): Promise<void> {
  await load.stop();
  t.strictSame(load.failures, []);
  t.ok(load.calls > 40, `${load.calls} calls`);
}

for (const [policy, { options, isSpread }] of Object.entries(policies)) {
  /** A daemon that knows these, and a channel under load that has heard of them. */
  const setUpUnderLoad = async (t: Test, ...ids: readonly string[]) => {
    const { daemon, backends } = await setUp(t, ...ids);
    const { who } = openChannel(t, options);
    await who();
    const load = new Load(t, who);
    await untilSpread(load, backends);
    return { daemon, backends, load };
  };

  /** Until the channel calls all of these and no other, or, with pick_first, one of them. */
  const untilSpread = (load: Load, backends: readonly Backend[]): Promise<void> => {
    const ids = new Set(backends.map(({ id }) => id));
    const isAmong = (answers: ReadonlySet<string>): boolean =>
      [...answers].every((id) => ids.has(id));
    return load.until((answers) => isAmong(answers) && (!isSpread || answers.size === ids.size));
  };

  test(`${policy}: one instance becomes three and one again without a failed call`, async (t) => {
    const { daemon, backends, load } = await setUpUnderLoad(t, 'a');
    const running = [...backends];
    for (const id of ['b', 'c']) {
      const more = await startBackend(t, id);
      running.push(more);
      daemon.put(more.stated);
      await untilSpread(load, running);
    }
    for (const fewer of running.splice(0, 2)) {
      daemon.drop(fewer.stated);
      await load.until((answers) => !answers.has(fewer.id));
      await drain(fewer);
    }
    await load.until((answers) => [...answers].join() === 'c');
    await endWell(t, load);
  });

  test(`${policy}: four instances are replaced one by one without a failed call`, async (t) => {
    const { daemon, backends, load } = await setUpUnderLoad(t, 'a1', 'b1', 'c1', 'd1');
    const running = [...backends];
    for (const old of backends) {
      const next = await startBackend(t, old.id.replace('1', '2'));
      running.push(next);
      daemon.put(next.stated);
      await untilSpread(load, running);
      running.shift();
      daemon.drop(old.stated);
      await untilSpread(load, running);
      await drain(old);
    }
    await load.until((answers) => [...answers].every((id) => id.endsWith('2')));
    await endWell(t, load);
  });

  test(`${policy}: instances that drain before the channel hears of it fail no call`, async (t) => {
    const { daemon, backends, load } = await setUpUnderLoad(t, 'a1', 'b1', 'c1', 'd1');
    for (const old of backends) {
      const next = await startBackend(t, old.id.replace('1', '2'));
      daemon.put(next.stated);
      daemon.drop(old.stated);
      await drain(old);
      await load.until((answers) => !answers.has(old.id));
    }
    await endWell(t, load);
  });

  test(`${policy}: what changes while the daemon is away holds when it is back`, async (t) => {
    const { daemon, backends, load } = await setUpUnderLoad(t, 'a', 'b');
    const [a, b] = backends as [Backend, Backend];
    await daemon.stop();
    const c = await startBackend(t, 'c');
    daemon.put(c.stated);
    daemon.drop(a.stated);
    await untilSpread(load, [a, b]);
    await daemon.restart();
    await untilSpread(load, [b, c]);
    await drain(a);
    await endWell(t, load);
  });
}

/**
 * That nobody is called silent who is not: nine probers in a mesh, on virtual time, with processes
 * that stand still for a moment, links that break down and packets that are lost.
 */
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { ProbeNet } from '../membership/probe-net.ts';
import type { ProbeNetOptions, Verdict } from '../membership/probe-net.ts';

const nodes = 9;
const freezes = 10_000;
const hourMs = 3_600_000;

const netOf = (options: Partial<ProbeNetOptions>): ProbeNet => {
  const net = new ProbeNet({ nodes, randomSeed: 1, rttMs: 25, ...options });
  net.run(5_000);
  return net;
};

const silences = (net: ProbeNet, does: (verdict: Verdict) => boolean = () => true): Verdict[] =>
  net.verdicts.filter((verdict) => verdict.kind === 'silent' && does(verdict));

for (const rttMs of [0.4, 25, 300])
  t.test(`of ${freezes} freezes of 1 s none leads to a verdict, with ${rttMs} ms`, (t) => {
    const net = netOf({ rttMs, randomSeed: 2 });
    const random = seededRandom(8);
    for (let i = 0; i < freezes; i++) {
      net.run(random.next() * 1_000);
      net.stop(i % nodes);
      net.run(1_000);
      net.resume(i % nodes);
    }
    net.run(5_000);
    t.strictSame(net.verdicts, []);
    t.end();
  });

t.test('a node that was frozen itself, for however long, calls nobody silent', (t) => {
  const net = netOf({ randomSeed: 3 });
  const random = seededRandom(9);
  const wrong: Verdict[] = [];
  let longestMs = 0;
  for (let i = 0; i < 1_000; i++) {
    net.run(random.next() * 10_000);
    const node = i % nodes;
    const frozenForMs = random.next() ** 3 * 60_000;
    longestMs = Math.max(longestMs, frozenForMs);
    net.stop(node);
    net.run(frozenForMs);
    net.resume(node);
    net.run(3_000);
    wrong.push(...silences(net, ({ subject }) => subject !== node));
    net.verdicts.length = 0;
  }
  t.strictSame(wrong, []);
  t.ok(longestMs > 50_000);
  t.end();
});

/** Times the length of the outage that the links come back after, one by one. */
for (const spread of [0, 2])
  t.test(`a node that is cut off calls nobody silent, with a spread of ${spread}`, (t) => {
    const net = netOf({ randomSeed: 4 });
    const random = seededRandom(10);
    let isolated = 0;
    for (let i = 0; i < 300; i++) {
      net.run(10_000 + random.next() * 1_000);
      net.verdicts.length = 0;
      const node = i % nodes;
      const outageMs = 200 + random.next() * 10_000;
      for (let peer = 0; peer < nodes; peer++) {
        if (peer === node) continue;
        net.block(node, peer, outageMs * (1 + spread * random.next()));
        net.block(peer, node, outageMs * (1 + spread * random.next()));
      }
      net.run(outageMs - 1);
      if (net.proberOf(node).isIsolated) isolated += 1;
      net.run(outageMs * spread + 5_000);
      t.notOk(net.proberOf(node).isIsolated);
      t.strictSame(
        silences(net, ({ observer, subject }) => observer === node || subject !== node),
        [],
      );
    }
    t.ok(isolated > 60, `${isolated} of 300 outages were long enough to be seen from inside`);
    t.end();
  });

t.test('when one way between two nodes is blocked for an hour, nobody is silent', (t) => {
  const net = netOf({ randomSeed: 5 });
  net.block(0, 1, hourMs);
  net.run(hourMs + 5_000);
  t.strictSame(net.verdicts, []);
  t.ok(net.sent.vouch > 3_000, 'since others vouched');
  t.end();
});

t.test('without faults nobody is asked for a vouch in an hour, nor silent', (t) => {
  const net = netOf({ randomSeed: 6 });
  net.run(hourMs);
  t.strictSame(net.verdicts, []);
  t.equal(net.sent.askVouch, 0);
  const links = nodes * (nodes - 1);
  const pings = net.sent.ping / links;
  t.ok(pings < 300, `${pings} pings a link: mostly what is asked anyway spares them`);
  t.end();
});

t.test('with 20 % of packets lost, a link is called silent less than once in two hours', (t) => {
  const net = netOf({ randomSeed: 7, loss: 0.2 });
  const hours = 4;
  net.run(hours * hourMs);
  const rate = silences(net).length / hours / (nodes * (nodes - 1));
  t.comment(`${rate} false verdicts an hour and link`);
  t.ok(rate < 0.5, `${rate}`);
  t.end();
});

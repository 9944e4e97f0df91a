/** How soon eight observers notice that a process stands still: nine probers, on virtual time. */
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { ProbeNet } from '../membership/probe-net.ts';
import type { Verdict } from '../membership/probe-net.ts';

const nodes = 9;
const freezes = 10_000;
/** The links of a data center, and of a country. */
const rtts = [0.4, 25];

const silences = (net: ProbeNet, does: (verdict: Verdict) => boolean): Verdict[] =>
  net.verdicts.filter((verdict) => verdict.kind === 'silent' && does(verdict));

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] as number;
}

for (const rttMs of rtts)
  t.test(`after ${freezes} freezes the third of eight speaks up soon, with ${rttMs} ms`, (t) => {
    const net = new ProbeNet({ nodes, randomSeed: 1, rttMs });
    net.run(5_000);
    const random = seededRandom(7);
    const thirdMs: number[] = [];
    let wrong = 0;
    let backMs = 0;
    for (let i = 0; i < freezes; i++) {
      net.run(1_000 + random.next() * 1_000);
      const subject = i % nodes;
      const frozenMs = net.nowMs;
      net.stop(subject);
      net.run(3_500);
      thirdMs.push((silences(net, (v) => v.subject === subject)[2]?.atMs ?? Infinity) - frozenMs);
      wrong += silences(net, (v) => v.subject !== subject).length;
      net.verdicts.length = 0;
      const resumedMs = net.nowMs;
      net.resume(subject);
      net.run(500);
      // Until its first word is there, who was late to judge may still do so.
      const isLate = ({ atMs }: Verdict): boolean => atMs > resumedMs + rttMs;
      wrong += silences(net, (v) => v.subject !== subject || isLate(v)).length;
      for (const { atMs } of net.verdicts) backMs = Math.max(backMs, atMs - resumedMs);
      net.verdicts.length = 0;
    }
    const [p50, p99] = [quantile(thirdMs, 0.5), quantile(thirdMs, 0.99)];
    const most = quantile(thirdMs, 1);
    t.comment(`third verdict: p50 ${p50} ms, p99 ${p99} ms, most ${most} ms; back ${backMs} ms`);
    t.ok(p50 <= 1_900, `p50 ${p50} ms`);
    t.ok(p99 <= 3_000, `p99 ${p99} ms`);
    t.ok(most < Infinity, 'none is missed');
    t.ok(quantile(thirdMs, 0) >= 1_200, 'none is hasty');
    t.equal(wrong, 0, 'nobody else is called silent');
    t.ok(backMs <= 100, `back after ${backMs} ms`);
    t.end();
  });

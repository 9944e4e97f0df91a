import t from 'tap';
import { Lookout } from '../../src/gossip/lookout.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { testConfig } from './cluster.ts';
import { self, VigilBench } from './vigil-bench.ts';

interface Look {
  readonly known?: readonly number[];
  readonly atMs?: number;
  readonly isIsolated?: boolean;
}

function look(
  others: number,
  { known = [], atMs = 0, isIsolated = false }: Look = {},
): { dialed: OwnerId[]; doubted: OwnerId[]; bench: VigilBench } {
  const bench = new VigilBench(others);
  const dialed: OwnerId[] = [];
  const doubted: OwnerId[] = [];
  const lookout = new Lookout(bench.context, {
    isStranger: (peer) => !known.some((index) => bench.peers[index] === peer),
    doubt: (peer) => void doubted.push(peer),
    dial: (peer) => void dialed.push(peer),
  });
  bench.setTime(atMs);
  lookout.look(isIsolated);
  return { dialed, doubted, bench };
}

t.test('one of those without a link is dialed', (t) => {
  const { dialed, doubted, bench } = look(5, { known: [0, 1, 2] });
  t.equal(dialed.length, 1);
  t.ok([bench.peers[3], bench.peers[4]].includes(dialed[0]));
  t.strictSame(doubted, []);
  t.end();
});

t.test('nobody is dialed when all are linked, or there is nobody, and never ourselves', (t) => {
  t.strictSame(look(3, { known: [0, 1, 2] }).dialed, []);
  t.strictSame(look(0).dialed, []);
  for (let others = 1; others < 5; others++) t.notOk(look(others).dialed.includes(self));
  t.end();
});

t.test('a node that hears nobody dials two at once', (t) => {
  const { dialed } = look(5, { known: [0], isIsolated: true });
  t.equal(new Set(dialed).size, 2);
  t.equal(look(2, { known: [0], isIsolated: true }).dialed.length, 1, 'there is one');
  t.end();
});

t.test('who has signed nothing for twice the time of a refresh is doubted instead', (t) => {
  const atMs = 2 * testConfig.headRefreshMs + 60_000;
  const { dialed, doubted, bench } = look(5, { known: [0], atMs });
  t.strictSame(dialed, []);
  t.strictSame(doubted.sort(), bench.peers.slice(1).sort());
  t.end();
});

t.test('of many at most 64 are looked at', (t) => {
  const atMs = 2 * testConfig.headRefreshMs + 60_000;
  t.ok(look(150, { atMs }).doubted.length <= 64);
  t.end();
});

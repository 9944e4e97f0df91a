import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { saltIntervalMs, Salts } from '../../src/gossip/salts.ts';

t.test('a salt is drawn once in about ten minutes, the first at a random moment', (t) => {
  const firsts = new Set<number>();
  for (let seed = 1; seed <= 20; seed++) {
    const salts = new Salts(seededRandom(seed));
    const drawnAtMs: number[] = [];
    const keys = new Set<string>();
    for (let nowMs = 0; nowMs < 10 * saltIntervalMs; nowMs += 1_000) {
      const salt = salts.draw(nowMs);
      if (salt === undefined) continue;
      t.equal(salt.length, 16);
      keys.add(Buffer.from(salt).toString('hex'));
      drawnAtMs.push(nowMs);
    }
    t.ok(drawnAtMs.length >= 8 && drawnAtMs.length <= 12, `${drawnAtMs.length} in 100 minutes`);
    t.equal(keys.size, drawnAtMs.length, 'each another one');
    firsts.add(drawnAtMs[0] ?? -1);
  }
  t.ok(firsts.size > 15, `${firsts.size} different beginnings of 20`);
  t.end();
});

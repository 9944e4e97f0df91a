/** Where nothing is wrong nobody may be suspected. */
import t from 'tap';
import { TestCluster } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { countOf, MemberLog } from './member-log.ts';

t.test('25 nodes for 10 minutes without faults: nobody suspects anybody', async (t) => {
  const cluster = await TestCluster.of(25, 1, { signatures: hashedSignatures });
  const log = new MemberLog(cluster);
  cluster.run(600_000);
  t.strictSame(log.changes, []);
  for (const counter of ['accusations_made', 'accusations_withheld', 'peers_silent', 'refutations'])
    t.equal(countOf(cluster, counter), 0, counter);
  t.ok(cluster.isConverged());
});

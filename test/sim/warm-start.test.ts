import { test } from 'tap';
import { keyedHashSigner, keyedHashVerifier } from '../../src/sim/keyed-hash.ts';
import { SharedValues } from '../../src/sim/sharing.ts';
import { factsOf, identityOf } from '../../src/sim/sim-node.ts';
import { warmNodes } from '../../src/sim/warm-start.ts';
import { simConfig } from '../../src/sim/world.ts';
import { registration } from './state-fixtures.ts';

const startMicros = 1_750_000_000_000_000;
const now = { monoMs: 0, wallMicros: startMicros };

const specs = [1, 2, 3].map((number) => {
  const signer = keyedHashSigner(`node ${number}`);
  const wallMicros = startMicros - number * 1_000_000;
  return {
    identity: identityOf({ signer, bootId: String(number).padStart(16, '0') }),
    facts: factsOf(number, `sim/${number}`, wallMicros),
    registrations: [registration(`service-${number}`)],
    wallMicros,
  };
});

test('each node holds all owners, its own life, and a disk that says the same', (t) => {
  const nodes = warmNodes(specs, keyedHashVerifier, simConfig(1), new SharedValues(100), now);
  t.equal(nodes.length, 3);
  nodes.forEach(({ registry, store }, index) => {
    const owner = specs[index]?.identity.signer.owner ?? '';
    t.equal(registry.self, owner);
    t.equal([...registry.owners()].length, 3);
    t.equal(registry.index.count, 3);
    t.ok(registry.registration(`sim/service-${index + 1}/service-${index + 1}`));
    const stored = store.load();
    t.equal(stored.owners.length, 3);
    t.strictSame(
      stored.registrations.map(({ name }) => name),
      [`service-${index + 1}`],
    );
  });
  t.end();
});

test('what one node changes afterwards, the others do not see', (t) => {
  const [one, two] = warmNodes(specs, keyedHashVerifier, simConfig(1), new SharedValues(100), now);
  one?.registry.commit([{ kind: 'register', registration: registration('new') }], now);
  t.equal(one?.registry.index.count, 4);
  t.equal(two?.registry.index.count, 3);
  t.equal(two?.store.load().registrations.length, 1);
  t.end();
});

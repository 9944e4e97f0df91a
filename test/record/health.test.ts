import t from 'tap';
import { healthBeneath, withHealth, withMaintenance } from '../../src/record/health.ts';
import { withoutReason } from '../../src/record/health.ts';
import { healths } from '../../src/record/record.ts';
import { makeRecord } from './fixtures.ts';

const real = healths.filter((health) => health !== 'maintenance');

t.test('maintenance is told as the health, and what was there comes back with its end', (t) => {
  for (const health of real) {
    const record = makeRecord({ health });
    const moved = withMaintenance(record, 'kernel update');
    t.match(moved, { health: 'maintenance', maintenance: { reason: 'kernel update', health } });
    t.equal(healthBeneath(moved), health);
    t.strictSame(withMaintenance(moved, undefined), record);
  }
  t.end();
});

t.test('in maintenance the health beneath goes on changing', (t) => {
  const moved = withMaintenance(makeRecord(), 'why');
  const sick = withHealth(moved, 'critical');
  t.match(sick, { health: 'maintenance', maintenance: { reason: 'why', health: 'critical' } });
  t.equal(withMaintenance(sick, undefined).health, 'critical');
  t.equal(withHealth(makeRecord(), 'warning').health, 'warning');
  t.end();
});

t.test('another reason changes the reason alone; the same one nothing at all', (t) => {
  const moved = withMaintenance(makeRecord({ health: 'warning' }), 'one');
  t.equal(withMaintenance(moved, 'one'), moved);
  t.strictSame(withMaintenance(moved, 'two').maintenance, { reason: 'two', health: 'warning' });
  const plain = makeRecord();
  t.equal(withMaintenance(plain, undefined), plain);
  t.end();
});

t.test('without its reason a record is in maintenance all the same, and passing after it', (t) => {
  const short = withoutReason(withMaintenance(makeRecord({ health: 'critical' }), 'why'));
  t.equal(short.health, 'maintenance');
  t.notOk('maintenance' in short);
  t.equal(withHealth(short, 'critical'), short);
  t.strictSame(withMaintenance(short, undefined), makeRecord());
  t.end();
});

import t from 'tap';
import { sha256 } from '../../src/record/hash.ts';
import { BootPins, bootPinsMax, pinWindowMs } from '../../src/registry/boot-pins.ts';
import { makeHead, signerOf } from '../record/fixtures.ts';

const boots = ['0a', '0b', '0c'].map((id) => id.padStart(16, '0'));
const rank = (id: string) => Buffer.from(sha256(Buffer.from(id, 'hex'))).toString('hex');
/** The one that stays comes first. */
const [stays, goes] = boots.slice(0, 2).sort((a, b) => (rank(a) < rank(b) ? -1 : 1)) as [
  string,
  string,
];
const third = boots[2] as string;

const headOf = (bootId: string, lastUpdate: number) =>
  makeHead(undefined, { bootId, lastUpdate }).head;

/** Tells heads with rising lastUpdate, one a second, to who holds one of `first`. */
function tell(pins: BootPins, first: string, ...bootIds: string[]): boolean[] {
  const held = headOf(first, 1);
  return bootIds.map((bootId, i) => pins.isRefused(headOf(bootId, i + 2), held, i * 1_000));
}

t.test('of two clones the one with the larger hash of its boot id is refused', (t) => {
  const pins = new BootPins();
  t.strictSame(tell(pins, stays, goes, stays, goes, stays, goes, stays), [
    false,
    false,
    false,
    false,
    true,
    false,
  ]);
  t.strictSame(tell(new BootPins(), goes, stays, goes, stays, goes), [false, false, false, true]);
  t.end();
});

t.test('restarts never pin, however many and however fast', (t) => {
  const ids = Array.from({ length: 50 }, (_, i) => i.toString(16).padStart(16, '1'));
  const told = ids.flatMap((id) => [id, id, id]);
  t.notOk(tell(new BootPins(), stays, ...told).includes(true));
  const two = tell(new BootPins(), stays, goes, third, goes);
  t.notOk(two.includes(true), 'a third boot id begins anew');
  t.end();
});

t.test('old heads of before a restart, told again, count for nothing', (t) => {
  const pins = new BootPins();
  const held = headOf(stays, 1);
  const versions = [10, 5, 10, 6, 11, 7, 12];
  const refused = versions.map((version) =>
    pins.isRefused(headOf(version >= 10 ? goes : stays, version), held, 0),
  );
  t.notOk(refused.includes(true));
  t.end();
});

t.test('turns count within the window, and a pin lasts as long', (t) => {
  const pins = new BootPins();
  const held = headOf(stays, 1);
  const say = (bootId: string, version: number, nowMs: number) =>
    pins.isRefused(headOf(bootId, version), held, nowMs);
  say(goes, 2, 0);
  say(stays, 3, 1);
  t.equal(say(goes, 4, pinWindowMs), false, 'the first turn is too long ago: a new one begins');
  say(stays, 5, pinWindowMs + 1);
  say(goes, 6, pinWindowMs + 2);
  say(stays, 7, pinWindowMs + 3);
  t.equal(say(goes, 8, pinWindowMs + 4), true);
  t.equal(say(goes, 9, 2 * pinWindowMs + 2), true);
  t.equal(say(goes, 10, 2 * pinWindowMs + 3), false, 'it may be alone by now');
  t.end();
});

t.test('owners that do not change their boot id cost nothing', (t) => {
  const pins = new BootPins();
  tell(pins, stays, stays, stays);
  t.equal(pins.isRefused(headOf(goes, 2), undefined, 0), false);
  t.equal(pins.size, 0);
  t.end();
});

t.test(`${bootPinsMax} owners are watched, and one over lets the first go`, (t) => {
  const pins = new BootPins();
  const owned = (owner: string, bootId: string, version: number) => ({
    ...headOf(bootId, version),
    owner,
  });
  for (let i = 0; i <= bootPinsMax; i++)
    pins.isRefused(owned(`o${i}`, stays, 2), owned(`o${i}`, goes, 1), 0);
  t.equal(pins.size, bootPinsMax);
  const rest = (owner: string) =>
    [goes, stays, goes].map((id, i) =>
      pins.isRefused(owned(owner, id, i + 3), owned(owner, stays, 2), 1),
    );
  t.strictSame(rest('o1'), [false, false, true]);
  t.strictSame(rest('o0'), [false, false, false], 'it was forgotten');
  t.end();
});

t.test('who is forgotten begins anew', (t) => {
  const pins = new BootPins();
  tell(pins, stays, goes, stays, goes, stays);
  pins.forget(signerOf(1).owner);
  t.equal(pins.isRefused(headOf(goes, 9), headOf(stays, 8), 3_000), false);
  t.end();
});

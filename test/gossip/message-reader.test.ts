import t from 'tap';
import { rumorAccusationsMax } from '../../src/gossip/message-reader.ts';
import { decodeFrame, decodeRumor, encodeFrame, encodeRumor } from '../../src/gossip/message.ts';
import type { Rumor } from '../../src/gossip/frame.ts';

const head = { body: Buffer.from('body'), signature: Buffer.from('signature') };

t.test('a rumor comes back as it was, with accusations or without, or with nothing else', (t) => {
  const plain = { head, previous: 1_750_000_000_000_000, records: [Buffer.from('a')] };
  const accusations = [head, { body: Buffer.from('b'), signature: Buffer.from('s') }];
  const alone = { head: undefined, previous: 0, records: [], accusations };
  for (const rumor of [plain, { ...plain, accusations }, alone] satisfies Rumor[])
    t.same(decodeRumor(encodeRumor(rumor)), { kind: 'opened', value: rumor });
  t.end();
});

t.test('without a head there are accusations and nothing else', (t) => {
  const malformed = { kind: 'refused', reason: 'MALFORMED' };
  const rumor = { head: undefined, previous: 0, records: [] };
  t.same(decodeRumor(encodeRumor(rumor)), malformed, 'nothing at all');
  const records = [Buffer.from('a')];
  t.same(decodeRumor(encodeRumor({ ...rumor, records, accusations: [head] })), malformed);
  t.end();
});

t.test(`${rumorAccusationsMax} accusations are taken in a rumor, and one more is not`, (t) => {
  const rumor = (count: number): Rumor => {
    return { head: undefined, previous: 0, records: [], accusations: Array(count).fill(head) };
  };
  const [most, tooMany] = [rumor(rumorAccusationsMax), rumor(rumorAccusationsMax + 1)];
  t.match(decodeRumor(encodeRumor(most)), { kind: 'opened' });
  t.match(decodeFrame(encodeFrame({ kind: 'rumor', rumor: most })), { kind: 'opened' });
  const malformed = { kind: 'refused', reason: 'MALFORMED' };
  t.same(decodeRumor(encodeRumor(tooMany)), malformed);
  t.same(decodeFrame(encodeFrame({ kind: 'rumor', rumor: tooMany })), malformed);
  t.end();
});

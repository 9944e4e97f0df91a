import t from 'tap';
import { Tokens } from '../../src/gossip/tokens.ts';
import { openToken, tokenLifeMs } from '../../src/membership/accusation.ts';
import { at, cluster, signerOf } from '../record/fixtures.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { self, tokenOf, VigilBench } from './vigil-bench.ts';

function make(others = 3): { bench: VigilBench; tokens: Tokens; given: () => string[] } {
  const bench = new VigilBench(others);
  const tokens = new Tokens(bench.context);
  const given = (): string[] => bench.sent().map(({ peer }) => peer);
  return { bench, tokens, given };
}

t.test('a peer is given a token that lets it, and nobody else, accuse this node', (t) => {
  const { bench, tokens } = make();
  const [peer] = bench.peers as [string];
  bench.setTime(500);
  tokens.give([peer]);
  const [sent] = bench.sent();
  t.equal(sent?.peer, peer);
  const sealed = sent?.frame.kind === 'token' ? sent.frame.sealed : tokenOf(2, self, 0);
  const names = { subject: self, observer: peer };
  const latest = at(60_000).wallMicros;
  const opened = openToken(sealed, names, latest, cluster, ed25519Verifier);
  t.match(opened, { kind: 'opened', value: { token: { issuedAt: at(500).wallMicros } } });
  t.end();
});

t.test('half its life before it ends each gets another one, as long as it is linked', (t) => {
  const { bench, tokens, given } = make();
  const [first, second] = bench.peers as [string, string];
  tokens.give([first, second]);
  t.strictSame(given(), [first, second]);
  bench.setTime(tokenLifeMs / 2 - 1);
  tokens.give([first, second]);
  t.strictSame(given(), [], 'it is not said again and again');
  bench.setTime(tokenLifeMs / 2);
  tokens.give([first]);
  t.strictSame(given(), [first]);
  t.end();
});

t.test('a new link begins with a token, however young the last one is', (t) => {
  const { bench, tokens, given } = make();
  const [peer] = bench.peers as [string];
  tokens.give([peer]);
  tokens.unlinked(peer);
  tokens.give([peer]);
  t.strictSame(given(), [peer, peer]);
  t.end();
});

t.test('what a peer gave is kept when its link is gone, and replaced by the next', (t) => {
  const { bench, tokens } = make();
  const [peer] = bench.peers as [string];
  t.equal(tokens.of(peer), undefined);
  t.equal(tokens.take(peer, tokenOf(2, self, 0)), undefined);
  tokens.unlinked(peer);
  t.equal(tokens.of(peer)?.token.issuedAt, at(0).wallMicros);
  t.equal(tokens.take(peer, tokenOf(2, self, 1_000)), undefined);
  t.equal(tokens.of(peer)?.token.issuedAt, at(1_000).wallMicros);
  t.end();
});

t.test('a token of or for somebody else, from the future, or forged is refused by name', (t) => {
  const { bench, tokens } = make();
  const [peer, other] = bench.peers as [string, string];
  const good = tokenOf(2, self, 0);
  const { clockAheadMs } = bench.context.config;
  const faults = [
    tokenOf(3, self, 0),
    tokenOf(2, other, 0),
    tokenOf(2, self, clockAheadMs + 1),
    { ...good, signature: new Uint8Array(64) },
    { ...good, body: Buffer.from('noise') },
  ].map((sealed) => tokens.take(peer, sealed));
  const mismatches = ['OWNER_MISMATCH', 'OWNER_MISMATCH'];
  t.strictSame(faults, [...mismatches, 'CLOCK_AHEAD', 'BAD_SIGNATURE', 'MALFORMED']);
  t.equal(tokens.of(peer), undefined);
  t.equal(tokens.take(peer, tokenOf(2, self, clockAheadMs)), undefined, 'a clock may be ahead');
  t.end();
});

t.test('a thousand tokens are kept, and one over lets the oldest go', (t) => {
  const { tokens } = make();
  const take = (key: number): void => {
    const reason = tokens.take(signerOf(key).owner, tokenOf(key, self, 0));
    if (reason !== undefined) t.fail(reason);
  };
  for (let key = 2; key <= 1_001; key++) take(key);
  take(2);
  take(1_002);
  t.equal(tokens.of(signerOf(3).owner), undefined, 'it was given longest ago');
  for (const key of [2, 4, 1_001, 1_002]) t.ok(tokens.of(signerOf(key).owner));
  t.end();
});

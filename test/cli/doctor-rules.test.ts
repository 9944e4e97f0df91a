import t from 'tap';
import type { Facts } from '../../src/cli/doctor-facts.ts';
import { judge } from '../../src/cli/doctor-rules.ts';
import type { Verdict } from '../../src/cli/finding.ts';
import { defaults } from '../../src/daemon/config-options.ts';
import { away, found, member, saying, seed, sound } from './doctor-fixture.ts';

/** Facts, and what has to be said of them. */
type Case = readonly [what: string, facts: Facts, verdict: Verdict, text: RegExp];

function hold(check: string, cases: readonly Case[]): void {
  t.test(`${check}: ${cases.map(([what]) => what).join('; ')}`, (t) => {
    for (const [what, facts, verdict, text] of cases) {
      const finding = found(check, facts);
      t.equal(finding.verdict, verdict, what);
      t.match(finding.what, text, what);
      const isMended = finding.verdict === 'wrong' || finding.verdict === 'warning';
      t.equal(finding.mend !== '', isMended, `${what}: a mend where there is one to do`);
    }
    t.end();
  });
}

const local = '/ip4/127.0.0.1/tcp/7001';
const trouble =
  "the clock of this host is 5 minutes behind its peers', so they and this node refuse each other's news: set it";
const broken: Facts = { ...away, settings: { kind: 'bad', problem: 'file x: 1:2: no' } };

t.test('where nothing is wrong, each question has one answer, and each is ok', (t) => {
  const findings = judge(sound);
  t.strictSame(
    findings.filter(({ verdict }) => verdict !== 'ok'),
    [],
  );
  const checks = findings.map(({ check }) => check);
  t.equal(new Set(checks).size, checks.length);
  t.ok(checks.length >= 12);
  t.end();
});

t.test('without a daemon and without a configuration there is an answer to each, too', (t) => {
  const facts = { ...broken, dataDir: undefined, disk: undefined, ports: [], seeds: [] };
  const findings = judge({ ...facts, openFiles: undefined, isClockKept: undefined });
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong').map(({ check }) => check);
  t.strictSame(wrong, ['config', 'daemon']);
  t.end();
});

hold('config', [
  ['sound', sound, 'ok', /sound/],
  ['a mistake in a file', broken, 'wrong', /^file x: 1:2: no$/],
]);

const noHolder: Facts = { ...away, dataDir: { ...sound.dataDir, holder: undefined } as never };

hold('daemon', [
  ['ready', sound, 'ok', /^node-1 runs with pid 4711, reconciled with a peer$/],
  [
    'not ready',
    saying({ ready: false, readiness: 'joining' }),
    'warning',
    /is not ready: joining$/,
  ],
  ['none', noHolder, 'wrong', /^no disco daemon answers at unix:\/s$/],
  ['one that does not answer', away, 'wrong', /the process with pid 4711 holds the data dir$/],
]);

const lost = seed({ isReached: false, problem: 'nobody listens there' });
const unlinked = saying({ links: 0 });

hold('seeds', [
  ['all answer', { ...sound, seeds: [seed()] }, 'ok', /^1 seed node answered$/],
  ['none set', { ...unlinked, seeds: [] }, 'warning', /only when they dial it$/],
  ['none set and none needed', { ...sound, seeds: [] }, 'ok', /1 node linked all the same/],
  [
    'none answers, and nobody is linked',
    { ...unlinked, seeds: [lost] },
    'wrong',
    /^1 of 1 seed node did not answer: 10\.0\.0\.6:7001 \(nobody listens there\)$/,
  ],
  ['none answers, and others are linked', { ...sound, seeds: [lost] }, 'warning', /did not answer/],
  ['one of two', { ...unlinked, seeds: [lost, seed()] }, 'warning', /^1 of 2 seed nodes/],
  ['no configuration', broken, 'unknown', /cannot be read/],
]);

const nameless = seed({
  address: { host: 'seed-1', port: 7001 },
  ips: [],
  isReached: false,
  problem: 'there is no such name',
});

hold('dns', [
  ['addresses alone', sound, 'ok', /no seed node has a name/],
  [
    'names that are known',
    { ...sound, seeds: [{ ...nameless, ips: ['10.0.0.6'] }] },
    'ok',
    /known$/,
  ],
  [
    'a name that is not',
    { ...sound, seeds: [seed(), nameless] },
    'wrong',
    /not known here: seed-1 \(there is no such name\)$/,
  ],
]);

const onLoopback = saying({ advertise: [local] });
const there = { listen: ['127.0.0.1:7001'], advertise: [] };
const unstarted: Facts = {
  ...away,
  settings: { kind: 'read', config: { ...defaults, ...there }, seeds: [] },
};
const here = seed({ address: { host: 'localhost', port: 7001 }, ips: ['127.0.0.1', '::1'] });
const localMember = member({ addresses: [local] });

hold('advertise', [
  ['an address of the network', sound, 'ok', /10\.0\.0\.5:7001$/],
  [
    'loopback, and a seed elsewhere',
    onLoopback,
    'wrong',
    /only this host can, while the seed node 10\.0\.0\.6:7001 is on another$/,
  ],
  [
    'loopback, and a member elsewhere',
    { ...onLoopback, seeds: [] },
    'wrong',
    /while the member node-2 is on another$/,
  ],
  [
    'loopback, and all others here',
    { ...saying({ advertise: [local] }, [localMember]), seeds: [here] },
    'ok',
    /127\.0\.0\.1:7001$/,
  ],
  ['before the start', unstarted, 'wrong', /127\.0\.0\.1:7001, which only this host can/],
  ['a name of nobody is not here', { ...unstarted, seeds: [nameless] }, 'wrong', /seed-1/],
  ['no configuration', broken, 'unknown', /cannot be read/],
]);

const strange = { WRONG_CLUSTER: 3 };

hold('cluster', [
  ['nobody of another', sound, 'ok', /"default"/],
  ['refused by all', saying({ refused: strange, links: 0 }), 'wrong', /^3 greetings .*"default"/],
  ['refused by some', saying({ refused: strange }), 'warning', /were refused$/],
  ['nobody to ask', away, 'unknown', /no daemon/],
]);

hold('clock', [
  ['kept, and as the peers say', sound, 'ok', /kept by NTP, and it agrees with the peers'$/],
  ['kept, and alone', away, 'ok', /^the clock is kept by NTP$/],
  [
    'not as the peers say',
    saying({ readiness: `reconciled; ${trouble}` }),
    'wrong',
    /^the clock of.*set it$/,
  ],
  ['others ahead', saying({ refused: { CLOCK_AHEAD: 1 } }), 'warning', /^1 head of other nodes/],
  ['not kept', { ...sound, isClockKept: false }, 'warning', /not kept/],
  ['as the peers say', { ...sound, isClockKept: undefined }, 'ok', /^the clock agrees/],
  ['nobody to ask', { ...away, isClockKept: undefined }, 'unknown', /no peer/],
]);

t.test('trouble with the clock is told of the clock, and not again of the daemon', (t) => {
  const facts = saying({ readiness: `reconciled with a peer; ${trouble}` });
  t.equal(found('daemon', facts).what, 'node-1 runs with pid 4711, reconciled with a peer');
  t.end();
});

const many = ['0.2.0', '0.3.1', '0.2.9', '0.2.0', '0.2.0', '0.2.0', '0.1.9'].map((version, index) =>
  member({ name: `m${index}`, version }),
);

hold('versions', [
  ['all equal', sound, 'ok', /0\.1\.0$/],
  ['a patch apart', saying({}, [member({ version: '0.1.7' })]), 'ok', /0\.1\.0$/],
  [
    'members of another release',
    saying({}, many),
    'warning',
    /^6 members not of .* m0 0\.2\.0, .*…$/,
  ],
  ['dead ones do not count', saying({}, [member({ state: 'dead', version: '9.0.0' })]), 'ok', /./],
  [
    'this program is another',
    { ...sound, version: '0.2.0' },
    'warning',
    /of release 0\.2\.0, the daemon of 0\.1\.0/,
  ],
  [
    'another protocol',
    saying({ refused: { PROTOCOL_VERSION: 2 }, links: 0 }),
    'wrong',
    /^2 greetings/,
  ],
  [
    'another protocol of some',
    saying({ refused: { PROTOCOL_VERSION: 2 } }),
    'warning',
    /^2 greetings/,
  ],
  ['nobody to ask', away, 'unknown', /no daemon/],
]);

import t from 'tap';
import type { DataDirFacts, Facts, PortFacts } from '../../src/cli/doctor-facts.ts';
import {
  dataDirFinding,
  diskFinding,
  nodeFinding,
  openFilesFinding,
  portsFinding,
} from '../../src/cli/doctor-host-rules.ts';
import type { Finding, Verdict } from '../../src/cli/finding.ts';
import { sound } from './doctor-fixture.ts';

type Case = readonly [what: string, finding: Finding, verdict: Verdict, what: RegExp, mend: RegExp];

function hold(title: string, cases: readonly Case[]): void {
  t.test(title, (t) => {
    for (const [what, finding, verdict, said, mend] of cases) {
      t.equal(finding.verdict, verdict, what);
      t.match(finding.what, said, what);
      t.match(finding.mend, mend, what);
    }
    t.end();
  });
}

const none = /^$/;

hold('Node.js is new enough from 22.13', [
  ['24', nodeFinding('24.21.0'), 'ok', /24\.21\.0/, none],
  ['22.13', nodeFinding('22.13.0'), 'ok', /22\.13\.0/, none],
  ['22.12', nodeFinding('22.12.9'), 'wrong', /older than 22\.13/, /install Node\.js 24/],
  ['20', nodeFinding('20.20.2'), 'wrong', /older than 22\.13/, /install Node\.js 24/],
]);

const dataDir = (change: Partial<DataDirFacts>): Finding =>
  dataDirFinding({ ...(sound.dataDir as DataDirFacts), ...change });
const absent = { state: 'absent', keyMode: undefined } as const;

hold('the data dir is writable, private, and so is the key', [
  ['as it should be', dataDir({}), 'ok', /writable, and private$/, none],
  ['not yet made', dataDir(absent), 'ok', /will be made/, none],
  [
    'cannot be made',
    dataDir({ ...absent, isWritable: false }),
    'wrong',
    /cannot be made/,
    /--data-dir/,
  ],
  ['not writable', dataDir({ isWritable: false }), 'wrong', /cannot be written/, /--data-dir/],
  ['a file', dataDir({ state: 'no-folder' }), 'wrong', /is no folder/, /move it away/],
  [
    'of another user',
    dataDir({ state: 'hidden' }),
    'unknown',
    /cannot be looked at/,
    /as the user/,
  ],
  ['writable by others', dataDir({ mode: 0o40770 }), 'wrong', /mode 0770/, /^chmod go-w \/var/],
  ['readable by others', dataDir({ mode: 0o40755 }), 'ok', /private/, none],
  ['a key for all', dataDir({ keyMode: 0o100644 }), 'wrong', /mode 0644/, /^chmod 600 .*\/key;/],
  ['unknown', dataDirFinding(undefined), 'unknown', /not known/, none],
]);

const mebibyte = 2 ** 20;
const disk = (freeBytes: number, freeFiles: number | undefined = 10_000): Finding =>
  diskFinding({ path: '/d', freeBytes, freeFiles });

hold('the disk has room for the database', [
  ['plenty', disk(512 * mebibyte), 'ok', /^512 MiB left at \/d$/, none],
  ['little', disk(512 * mebibyte - 1), 'warning', /^511 MiB left/, /free some space/],
  ['enough', disk(64 * mebibyte), 'warning', /^64 MiB/, /free some space/],
  ['full', disk(64 * mebibyte - 1), 'wrong', /is full: 63 MiB left/, /free some space/],
  ['no more files', disk(2 ** 34, 99), 'wrong', /only 99 more files/, /delete files/],
  ['files are not counted', disk(2 ** 34, undefined), 'ok', /left/, none],
  ['unknown', diskFinding(undefined), 'unknown', /cannot be looked at/, none],
]);

const files = (limit: number, open?: number): Finding =>
  openFilesFinding({ ...sound, openFiles: { limit, open } });
const unread: Facts = { ...sound, settings: { kind: 'bad', problem: 'x' } };

hold('as many files may be open as connections may come, and some', [
  ['enough', files(556, 40), 'ok', /^556 files and sockets may be open, 40 are$/, none],
  [
    'one too few',
    files(555),
    'wrong',
    /^only 555 .* may need 556$/,
    /raise it to 4096: LimitNOFILE=/,
  ],
  ['nearly all in use', files(1_000, 901), 'wrong', /^of 1000 .*, 901 are$/, /raise it/],
  [
    'without a configuration',
    openFilesFinding({ ...unread, openFiles: { limit: 300, open: undefined } }),
    'ok',
    /300/,
    none,
  ],
  ['no limit', files(Infinity, 3), 'ok', /^any number of files/, none],
  [
    'unknown',
    openFilesFinding({ ...sound, openFiles: undefined }),
    'unknown',
    /does not say/,
    none,
  ],
]);

const port = (change: Partial<PortFacts>): PortFacts => ({
  what: 'HTTP',
  flag: '--http',
  address: '127.0.0.1:7003',
  state: 'free',
  problem: '',
  ...change,
});

hold('each port is free before the start, and answers after it', [
  ['free', portsFinding([port({})]), 'ok', /^free: HTTP 127\.0\.0\.1:7003$/, none],
  ['answers', portsFinding([port({ state: 'answers' })]), 'ok', /^reached: HTTP/, none],
  [
    'taken',
    portsFinding([port({}), port({ state: 'taken' })]),
    'wrong',
    /taken by another/,
    /ss -ltnp.*--http/,
  ],
  [
    'of another host',
    portsFinding([port({ state: 'unusable', problem: 'no such address' })]),
    'wrong',
    /nothing can listen at HTTP 127\.0\.0\.1:7003: no such address/,
    /address and port of this host with --http/,
  ],
  [
    'silent',
    portsFinding([port({ state: 'silent', problem: 'no answer' })]),
    'wrong',
    /nobody answers/,
    /firewall/,
  ],
  ['none', portsFinding([]), 'unknown', /none/, none],
]);

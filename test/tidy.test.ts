/** The code about itself: what the house asks for and a machine can see. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import * as rules from './tidy-rules.ts';
import { makeSource, type Source } from './tidy-source.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const read = (pattern: string): Source[] =>
  globSync(pattern, { cwd: root, exclude: (path) => path.endsWith('node_modules') })
    .filter((path) => !path.startsWith('src/gen/'))
    .toSorted()
    .map((path) => makeSource(path, readFileSync(`${root}/${path}`, 'utf8')));

const sources = read('src/**/*.ts');
const tests = read('test/**/*.ts');
const scripts = read('{bin,proto,test}/**/*.js');
const everything = [...sources, ...tests, ...scripts];

/** Sources that have no test of their own, each with the reason. */
const withoutTwin = new Map<string, string>([
  ['src/api/api-observer.ts', 'types alone; the daemon implements them'],
  ['src/api/node-control.ts', 'types alone; the daemon implements it'],
  ['src/gossip/context.ts', 'types alone'],
  ['src/registry/registry-options.ts', 'types alone'],
  ['src/gossip/frame.ts', 'types alone'],
  ['src/membership/probe-action.ts', 'types alone'],
  ['src/health/target.ts', 'types alone'],
  ['src/gossip/transport.ts', 'types alone; test/contract/transport-contract.ts is its test'],
  ['src/store/store.ts', 'types alone; test/contract/store-contract.ts is its test'],
  ['src/registry/registry-options.ts', 'types alone'],
  ['src/cli/doctor-facts.ts', 'types alone'],
  ['src/sim/page-style.ts', 'a style sheet; test/sim/page.test.ts looks for its classes'],
  ['src/sim/campaign-worker.ts', 'test/sim/campaign-run.test.ts runs it in its thread'],
  ['src/sim/run.ts', 'types alone'],
  ['src/client/index.ts', 'the barrel: what it gives out is tested where it is made'],
  ['src/cli/demo.ts', 'test/e2e/demo.test.ts runs it whole'],
  ['src/cli/demo-cluster.ts', 'test/e2e/demo.test.ts runs it whole'],
  ['src/services/math-methods.ts', 'a table; every service test calls through it'],
]);

/** Tests that only read these ports as text and bind none of them. */
const namesPorts = /^test\/(tidy|base\/address|client\/daemon-address|daemon\/(config|seeds))/;

const isEndToEnd = ({ path }: Source): boolean => path.startsWith('test/e2e/');

interface Rule {
  readonly say: string;
  readonly subjects: readonly Source[];
  readonly find: (source: Source) => string[];
  /** What the rule has to find, so that it is known to look. */
  readonly broken: readonly { readonly path: string; readonly text: string }[];
  /** What it has to let pass although it looks alike. */
  readonly sound?: readonly { readonly path: string; readonly text: string }[];
}

const all: readonly Rule[] = [
  {
    say: 'an import only goes down',
    subjects: sources,
    find: rules.upwardImports,
    broken: [
      { path: 'src/record/a.ts', text: "import { b } from '../store/b.ts';" },
      { path: 'src/gossip/a.ts', text: "import type { b } from '../api/b.ts';" },
      { path: 'src/client/a.ts', text: "export {\n  b,\n} from '../record/b.ts';" },
      { path: 'src/base/a.ts', text: "const b = await import('../cli/b.ts');" },
      { path: 'src/store/a.ts', text: "import '../gen/b.js';" },
      { path: 'src/attic/a.ts', text: '' },
    ],
    sound: [
      { path: 'src/api/a.ts', text: "import { b } from '../registry/b.ts';" },
      { path: 'src/record/a.ts', text: "// import { b } from '../store/b.ts';" },
      { path: 'src/record/a.ts', text: "const a = `\nimport { b } from '../store/b.ts';`;" },
    ],
  },
  {
    say: 'the pure floors know no time, chance, disk or network',
    subjects: sources.filter(({ path }) => rules.isPure(path)),
    find: rules.impurities,
    broken: [
      { path: 'src/record/a.ts', text: 'const a = await b;' },
      { path: 'src/record/a.ts', text: 'setTimeout(a, 1);' },
      { path: 'src/membership/a.ts', text: 'const a = new Date();' },
      { path: 'src/registry/a.ts', text: 'const a = Math.random();' },
      { path: 'src/gossip/engine.ts', text: 'const a = performance.now();' },
      { path: 'src/gossip/engine.ts', text: 'const a = `${Date.now()}`;' },
      { path: 'src/record/a.ts', text: "import { readFileSync } from 'node:fs';" },
      { path: 'src/record/a.ts', text: "import { isIP, connect } from 'node:net';" },
      { path: 'src/gossip/a.ts', text: "import { createGzip } from 'node:zlib';" },
    ],
    sound: [
      { path: 'src/gossip/libp2p-transport.ts', text: 'const a = await b;' },
      { path: 'src/gossip/agent.ts', text: 'setTimeout(a, 1);' },
      { path: 'src/gossip/knock.ts', text: "import { connect } from 'node:net';" },
      { path: 'src/record/a.ts', text: "import { isIP } from 'node:net';" },
      { path: 'src/gossip/a.ts', text: "import { inflateRawSync } from 'node:zlib';" },
      { path: 'src/record/a.ts', text: "/* await Date */ const a = 'Math.random'; // setTimeout" },
      { path: 'src/record/a.ts', text: 'const a = /[/"]Date/.test(`await`);' },
    ],
  },
  {
    say: 'node:crypto is imported where keys, hashes and random ids are made, and nowhere else',
    subjects: sources,
    find: rules.strayCrypto,
    broken: [{ path: 'src/record/head.ts', text: "import { hash } from 'node:crypto';" }],
    sound: [{ path: 'src/record/hash.ts', text: "import { hash } from 'node:crypto';" }],
  },
  {
    say: 'types can be stripped, and nothing is exported as default',
    subjects: sources,
    find: rules.bannedSyntax,
    broken: [
      { path: 'src/base/a.ts', text: 'export default 1;' },
      { path: 'src/base/a.ts', text: 'export const enum A { b }' },
      { path: 'src/base/a.ts', text: 'namespace A.B { }' },
      { path: 'src/base/a.ts', text: 'class A { constructor(b: () => void, readonly c: 1) {} }' },
    ],
    sound: [
      { path: 'src/base/a.ts', text: "const a = 'export default'; // enum A" },
      { path: 'src/base/a.ts', text: 'class A { constructor(b: readonly string[]) {} }' },
    ],
  },
  {
    say: 'a file is named in kebab-case after what it holds',
    subjects: everything,
    find: ({ path }) => rules.badName(path),
    broken: [
      { path: 'src/base/string-utils.ts', text: '' },
      { path: 'src/common/a.ts', text: '' },
      { path: 'src/base/camelCase.ts', text: '' },
      { path: 'test/base/snake_case.test.ts', text: '' },
    ],
  },
  {
    say: `no folder lies deeper than ${rules.folderDepthMax} levels under src`,
    subjects: sources,
    find: ({ path }) => rules.tooDeep(path),
    broken: [{ path: 'src/a/b/c/d.ts', text: '' }],
  },
  {
    say: `no file is longer than ${rules.linesMax} lines`,
    subjects: everything,
    find: rules.tooLong,
    broken: [{ path: 'src/base/a.ts', text: 'a\n'.repeat(rules.linesMax + 1) }],
    sound: [{ path: 'src/base/a.ts', text: 'a\n'.repeat(rules.linesMax) }],
  },
  {
    say: 'nothing is left for later in a comment',
    subjects: everything,
    find: rules.unfinished,
    broken: [{ path: 'src/base/a.ts', text: `// ${'to'.toUpperCase()}DO: mend` }],
  },
  {
    say: 'no test is left out without a reason',
    subjects: tests,
    find: rules.mutedTests,
    broken: [
      { path: 'test/a.test.ts', text: `t.${'only'}('a', () => {});` },
      { path: 'test/a.test.ts', text: `test.${'skip'}('a', () => {});` },
      { path: 'test/a.test.ts', text: `test('a', { ${'skip'}: true }, () => {});` },
    ],
    sound: [{ path: 'test/a.test.ts', text: "test('a', { skip: 'needs an older Node.js' });" }],
  },
  {
    say: 'no test sleeps',
    subjects: tests.filter((source) => !isEndToEnd(source)),
    find: rules.sleeps,
    broken: [
      { path: 'test/a.test.ts', text: 'await new Promise((done) => setTimeout(done, 100));' },
      { path: 'test/a.test.ts', text: "import { setTimeout } from 'node:timers/promises';" },
      { path: 'test/a.test.ts', text: `await ${'sleep'}(100);` },
    ],
    sound: [
      {
        path: 'test/a.test.ts',
        text: "import { setImmediate as turn } from 'node:timers/promises';",
      },
    ],
  },
  {
    say: 'no test binds the ports of a running daemon',
    subjects: tests.filter(({ path }) => !namesPorts.test(path)),
    find: rules.fixedPorts,
    broken: [{ path: 'test/a.test.ts', text: "listen('127.0.0.1:7947');" }],
  },
];

for (const { say, subjects, find, broken, sound = [] } of all) {
  test(`${say} (${subjects.length} files)`, (t) => {
    t.not(subjects.length, 0);
    t.strictSame(subjects.flatMap(find), []);
    t.end();
  });

  test(`it is noticed when it does not hold that ${say}`, (t) => {
    for (const { path, text } of broken) t.not(find(makeSource(path, text)).length, 0, text);
    for (const { path, text } of sound) t.strictSame(find(makeSource(path, text)), [], text);
    t.end();
  });
}

test('the scanner keeps its way: outside of comments and strings all brackets pair up', (t) => {
  const count = (code: string, bracket: string): number => code.split(bracket).length;
  const lost = everything.filter(({ code }) =>
    ['{}', '()', '[]'].some(([open = '', close = '']) => count(code, open) !== count(code, close)),
  );
  t.not(everything.length, 0);
  t.strictSame(
    lost.map(({ path }) => path),
    [],
  );
  t.end();
});

const twinOf = (path: string): string =>
  path.replace(/^src\//, 'test/').replace(/\.ts$/, '.test.ts');

const hasTwin = (path: string): boolean => existsSync(`${root}/${twinOf(path)}`);

test(`each of ${sources.length} sources has its twin among the tests`, (t) => {
  const paths = sources.map(({ path }) => path);
  t.not(paths.length, 0);
  t.strictSame(
    paths.filter((path) => !withoutTwin.has(path) && !hasTwin(path)),
    [],
  );
  t.end();
});

test('no source is excused from a twin that it has, or that is gone itself', (t) => {
  const paths = new Set(sources.map(({ path }) => path));
  t.strictSame(
    [...withoutTwin.keys()].filter((path) => !paths.has(path) || hasTwin(path)),
    [],
  );
  t.end();
});

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly gypfile?: boolean;
}

const lock = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

test('npm ci compiles nothing: the lock file says that better-sqlite3 brings its binding', (t) => {
  // npm forgets this line whenever it writes the file, and then npm ci asks for Python and a
  // compiler. Put `"gypfile": false` back into the entry of better-sqlite3.
  t.equal(lock.packages['node_modules/better-sqlite3']?.gypfile, false);
  t.end();
});

test('each dependency in the lock file is locked itself, those of other platforms too', (t) => {
  const names = Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''));
  const locked = new Set(names);
  const wanted = Object.values(lock.packages).flatMap((entry) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }),
  );
  t.not(wanted.length, 0);
  t.strictSame(
    wanted.filter((name) => !locked.has(name)),
    [],
  );
  t.end();
});

test('the lock file names no registry', (t) => {
  t.notMatch(readFileSync(`${root}/package-lock.json`, 'utf8'), /"resolved": "\w+:/);
  t.end();
});

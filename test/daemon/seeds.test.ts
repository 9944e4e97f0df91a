import { test } from 'tap';
import { defaults } from '../../src/daemon/config-options.ts';
import type { LoadedConfig } from '../../src/daemon/config-sources.ts';
import type { Config } from '../../src/daemon/config.ts';
import { loadSeeds, parseSeedsFile } from '../../src/daemon/seeds.ts';

const path = '/etc/disco/seeds.json';

function loaded(change: Partial<Config>, clusterSource = 'default'): LoadedConfig {
  const sources = Object.fromEntries(Object.keys(defaults).map((key) => [key, 'default']));
  return {
    config: { ...defaults, ...change },
    sources: { ...sources, cluster: clusterSource } as LoadedConfig['sources'],
  };
}

const noFile = (file: string): string => {
  throw Object.assign(new Error(`ENOENT: no such file, open '${file}'`), { code: 'ENOENT' });
};

test('none is no seed node at all', (t) => {
  t.strictSame(loadSeeds(loaded({ seeds: 'none' }), noFile).seeds, []);
  t.end();
});

test('a list of addresses needs no file', (t) => {
  const { seeds, config } = loadSeeds(loaded({ seeds: 'seed-1:7947,[::1]:80' }), noFile);
  t.strictSame(seeds, [
    { host: 'seed-1', port: 7947 },
    { host: '::1', port: 80 },
  ]);
  t.equal(config.cluster, 'default');
  t.end();
});

test('a file gives addresses in either form, without duplicates', (t) => {
  const written = ['/dns4/seed-1/tcp/7947', '10.0.0.7:7947', 'SEED-1:7947'];
  const text = JSON.stringify({ cluster: 'default', seeds: written });
  t.strictSame(loadSeeds(loaded({ seeds: path }), () => text).seeds, [
    { host: 'seed-1', port: 7947 },
    { host: '10.0.0.7', port: 7947 },
  ]);
  t.end();
});

test("the file's cluster becomes the cluster when nobody named one", (t) => {
  const text = '{"cluster": "prod", "seeds": []}';
  const { config, sources } = loadSeeds(loaded({ seeds: path }), () => text);
  t.equal(config.cluster, 'prod');
  t.equal(sources.cluster, `file ${path}`);
  t.end();
});

test('a file without a cluster leaves the cluster as it was', (t) => {
  const given = loaded({ seeds: path, cluster: 'prod' }, 'flag --cluster');
  const { config, sources } = loadSeeds(given, () => '{"seeds": []}');
  t.equal(config.cluster, 'prod');
  t.equal(sources.cluster, 'flag --cluster');
  t.end();
});

test('a file for another cluster than the one named is refused, naming both', (t) => {
  const given = loaded({ seeds: path, cluster: 'staging' }, 'flag --cluster');
  const read = (): unknown => loadSeeds(given, () => '{"cluster": "prod", "seeds": []}');
  const message =
    `cluster is staging (flag --cluster) but seeds file ${path} (default) is for cluster prod: ` +
    'name the seeds file of staging, or drop one of the two';
  t.throws(read, { code: 'INVALID_ARGUMENT', reason: 'CONFIG', message });
  t.end();
});

test('a file that is not there is refused with what else could have been meant', (t) => {
  const message =
    `default: seeds file ${path} cannot be read: ENOENT: no such file, open '${path}'; ` +
    'expected a file, host:port addresses with commas between them, or none';
  t.throws(() => loadSeeds(loaded({ seeds: path }), noFile), { reason: 'CONFIG', message });
  t.end();
});

const broken = [
  {
    text: '[]',
    message: 'line 1, column 1: got a list, expected {"cluster": NAME, "seeds": [ADDR, …]}',
  },
  { text: '{}', message: 'line 1, column 1: there is no key seeds' },
  {
    text: '{"seeds": ["a:1"]',
    message: "line 1, column 18: got the end of the file, expected ',' or '}'",
  },
  {
    text: '{"seed": []}',
    message: 'line 1, column 10: key seed is not known; did you mean seeds?',
  },
  {
    text: '{"peers": []}',
    message: 'line 1, column 11: key peers is not known; did you mean cluster or seeds?',
  },
  {
    text: '{"seeds": "a:1"}',
    message: 'line 1, column 11, key seeds: got "a:1", expected a list of addresses',
  },
  {
    text: '{\n  "seeds": [\n    "a:1",\n    7947\n  ]\n}',
    message:
      'line 4, column 5, key seeds[1]: got 7947, expected an address such as "10.0.0.7:7947"',
  },
  {
    text: '{"seeds": ["a"]}',
    message: "line 1, column 12, key seeds[0]: 'a' is not an address: there is no port",
  },
  {
    text: '{"seeds": ["a:0"]}',
    message: 'line 1, column 12, key seeds[0]: got "a:0", expected a port to dial, from 1 to 65535',
  },
  {
    text: '{"cluster": 1, "seeds": []}',
    message: 'line 1, column 13, key cluster: got 1, expected 1 to 128 letters, digits',
  },
  {
    text: '{"cluster": "a b", "seeds": []}',
    message: 'line 1, column 13, key cluster: got "a b", expected 1 to 128 letters, digits',
  },
];

for (const { text, message } of broken) {
  test(`${JSON.stringify(text)} is refused: ${message}`, (t) => {
    const expected = { code: 'INVALID_ARGUMENT', reason: 'CONFIG' };
    const error = t.throws(() => parseSeedsFile(path, text), expected) as Error;
    t.ok(error.message.startsWith(`seeds file ${path}, ${message}`), error.message);
    t.end();
  });
}

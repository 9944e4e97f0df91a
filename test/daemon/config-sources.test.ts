import { test } from 'tap';
import { loadConfig, type ConfigInputs } from '../../src/daemon/config-sources.ts';

type Given = Partial<ConfigInputs> & { readonly files?: Readonly<Record<string, string>> };

function inputs({ files = {}, ...given }: Given = {}): ConfigInputs {
  const readFile = (path: string): string => {
    const content = files[path];
    if (content !== undefined) return content;
    throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
  };
  const host = { cwd: '/here', hostname: 'box', homedir: '/home/u' };
  return { flags: {}, env: {}, readFile, ...host, ...given };
}

test('with nothing set all comes from the defaults and the host', (t) => {
  const { config, sources } = loadConfig(inputs());
  t.match(config, {
    dataDir: '/home/u/.local/state/disco',
    config: '',
    name: 'box',
    cluster: 'default',
    seeds: 'none',
    services: '/home/u/.local/state/disco/services.d',
    listen: ['127.0.0.1:7947'],
    grpc: ['127.0.0.1:7948', 'unix:/home/u/.local/state/disco/disco.sock'],
    http: '127.0.0.1:7949',
  });
  t.strictSame(new Set(Object.values(sources)), new Set(['default']));
  t.strictSame(Object.keys(sources), Object.keys(config));
  t.end();
});

test('a flag goes before the environment, that before the file, that before the default', (t) => {
  const path = '/etc/disco.json';
  const files = { [path]: '{"name": "file", "cluster": "file", "gossipK": 4, "logLevel": "warn"}' };
  const env = { DISCO_NAME: 'env', DISCO_CLUSTER: 'env', DISCO_GOSSIP_K: '5', DISCO_CONFIG: path };
  const { config, sources } = loadConfig(inputs({ files, env, flags: { name: 'flag' } }));
  t.match(config, { name: 'flag', cluster: 'env', gossipK: 5, logLevel: 'warn', neighborsK: 8 });
  t.match(sources, {
    name: 'flag --name',
    cluster: 'environment DISCO_CLUSTER',
    gossipK: 'environment DISCO_GOSSIP_K',
    logLevel: 'file /etc/disco.json',
    neighborsK: 'default',
    config: 'environment DISCO_CONFIG',
  });
  t.end();
});

test('registration files are in the data dir, or where they are said to be', (t) => {
  const flags = { dataDir: '/data' };
  t.equal(loadConfig(inputs({ flags })).config.services, '/data/services.d');
  const { config, sources } = loadConfig(inputs({ flags, env: { DISCO_SERVICES: 'mine' } }));
  t.equal(config.services, '/here/mine');
  t.equal(sources.services, 'environment DISCO_SERVICES');
  t.end();
});

test('an empty environment variable is as good as none', (t) => {
  const { config, sources } = loadConfig(inputs({ env: { DISCO_CLUSTER: '', DISCO_CONFIG: '' } }));
  t.equal(config.cluster, 'default');
  t.equal(sources.cluster, 'default');
  t.end();
});

test('a list that is set replaces the list below it', (t) => {
  const { config } = loadConfig(inputs({ flags: { grpc: ['127.0.0.1:0'] } }));
  t.strictSame(config.grpc, ['127.0.0.1:0']);
  t.end();
});

test('flags of the command line that are no option are left alone', (t) => {
  const { config } = loadConfig(inputs({ flags: { printConfig: true, output: 'json' } }));
  t.notOk('printConfig' in config);
  t.end();
});

test('the state directory is that of XDG, when it is set', (t) => {
  const { config } = loadConfig(inputs({ env: { XDG_STATE_HOME: '/state' } }));
  t.equal(config.dataDir, '/state/disco');
  t.strictSame(config.grpc[1], 'unix:/state/disco/disco.sock');
  t.end();
});

test('sockets move with the data directory', (t) => {
  const { config } = loadConfig(inputs({ flags: { dataDir: 'd' } }));
  t.strictSame(config.grpc, ['127.0.0.1:7948', 'unix:/here/d/disco.sock']);
  t.end();
});

test('a host name that is no name is made one', (t) => {
  const nameOn = (hostname: string): string => loadConfig(inputs({ hostname })).config.name;
  t.equal(nameOn("Ann's box"), 'Ann-s-box');
  t.equal(nameOn('h'.repeat(200)), 'h'.repeat(128));
  t.equal(nameOn(''), 'node');
  t.end();
});

test('./seeds.json is taken when there is one', (t) => {
  const { config, sources } = loadConfig(inputs({ files: { '/here/seeds.json': '{}' } }));
  t.equal(config.seeds, '/here/seeds.json');
  t.equal(sources.seeds, 'default');
  t.end();
});

test('a ./seeds.json that cannot be read is not passed over', (t) => {
  const readFile = (): string => {
    throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  };
  t.equal(loadConfig({ ...inputs(), readFile }).config.seeds, '/here/seeds.json');
  t.end();
});

const refused: readonly {
  readonly say: string;
  readonly given: Given;
  readonly message: string;
}[] = [
  {
    say: 'a bad flag is named',
    given: { flags: { gossipK: '99' } },
    message: 'flag --gossip-k: got "99", expected a whole number from 1 to 16',
  },
  {
    say: 'a bad variable is named',
    given: { env: { DISCO_INSECURE_OPEN: 'perhaps' } },
    message: 'environment DISCO_INSECURE_OPEN: got "perhaps", expected true or false',
  },
  {
    say: 'a bad value in a file is named with line, column and key',
    given: { flags: { config: 'c.json' }, files: { '/here/c.json': '{\n  "gossipK": "3"\n}' } },
    message:
      'file /here/c.json, line 2, column 14, key gossipK: got "3", ' +
      'expected a whole number from 1 to 16',
  },
  {
    say: 'broken JSON is named with line and column',
    given: { flags: { config: '/c.json' }, files: { '/c.json': '{\n  "name": "n",\n}' } },
    message: "file /c.json, line 3, column 1: got '}', expected a key in double quotes",
  },
  {
    say: 'a file that holds no object is refused',
    given: { flags: { config: '/c.json' }, files: { '/c.json': '[]' } },
    message: 'file /c.json: got a list, expected an object of options',
  },
  {
    say: 'an unknown key is refused with the nearest name',
    given: { flags: { config: '/c.json' }, files: { '/c.json': '{"gossip_k": 3}' } },
    message: 'file /c.json, line 1, column 14: gossip_k is no option; did you mean gossipK?',
  },
  {
    say: 'an unknown key unlike all others is refused with a way to list them',
    given: { flags: { config: '/c.json' }, files: { '/c.json': '{"colour": 3}' } },
    message:
      'file /c.json, line 1, column 12: colour is no option; disco start --print-config lists them',
  },
  {
    say: 'a file does not name another file',
    given: { flags: { config: '/c.json' }, files: { '/c.json': '{"config": "/d.json"}' } },
    message: 'file /c.json, line 1, column 12: config is no option',
  },
  {
    say: 'a config file that is not there is refused, not passed over',
    given: { env: { DISCO_CONFIG: '/c.json' } },
    message:
      "environment DISCO_CONFIG: /c.json cannot be read: ENOENT: no such file, open '/c.json'",
  },
  {
    say: 'two values that do not fit are both named with their sources',
    given: { flags: { watchLagMax: '20' }, env: { DISCO_CHANGE_FEED_MAX: '10' } },
    message:
      'changeFeedMax 10 (environment DISCO_CHANGE_FEED_MAX) must be at least ' +
      'watchLagMax 20 (flag --watch-lag-max)',
  },
];

for (const { say, given, message } of refused) {
  test(say, (t) => {
    const expected = { code: 'INVALID_ARGUMENT', reason: 'CONFIG' };
    const error = t.throws(() => loadConfig(inputs(given)), expected) as Error;
    t.ok(error.message.startsWith(message), error.message);
    t.end();
  });
}

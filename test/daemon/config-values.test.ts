import { test } from 'tap';
import { options, type Option } from '../../src/daemon/config-options.ts';
import {
  isSeedList,
  valueOfJson,
  valueOfText,
  type Value,
} from '../../src/daemon/config-values.ts';
import type { Config } from '../../src/daemon/config.ts';
import { parseJsonFile } from '../../src/daemon/json-file.ts';

const optionOf = (key: keyof Config): Option =>
  options.find((option) => option.key === key) as Option;

const ofText = (key: keyof Config, ...texts: string[]): Value =>
  valueOfText(optionOf(key), texts, { source: 'flag', where: 'flag', folder: '/here' });

const ofJson = (key: keyof Config, text: string): Value =>
  valueOfJson(optionOf(key), parseJsonFile('file', text), {
    source: 'file',
    where: 'file x, key k',
    folder: '/etc/disco',
  });

const good: readonly { readonly read: () => Value; readonly value: Value; readonly say: string }[] =
  [
    { say: 'digits are a number', read: () => ofText('gossipK', '5'), value: 5 },
    { say: 'a bare flag is true', read: () => ofText('insecureOpen', 'true'), value: true },
    { say: 'yes is true', read: () => ofText('insecureOpen', 'YES'), value: true },
    { say: '1 is true', read: () => ofText('insecureOpen', '1'), value: true },
    { say: 'off is false', read: () => ofText('insecureOpen', 'off'), value: false },
    { say: 'the last of two flags counts', read: () => ofText('name', 'a', 'b'), value: 'b' },
    { say: 'a path begins at its folder', read: () => ofText('dataDir', 'd'), value: '/here/d' },
    { say: 'an absolute path stays', read: () => ofText('dataDir', '/d'), value: '/d' },
    {
      say: 'a path in a file begins beside the file',
      read: () => ofJson('dataDir', '"d"'),
      value: '/etc/disco/d',
    },
    {
      say: 'a list may come with commas and in several flags, and loses duplicates',
      read: () => ofText('listen', '[::1]:1, 127.0.0.1:2', '127.0.0.1:2'),
      value: ['[::1]:1', '127.0.0.1:2'],
    },
    {
      say: 'a multiaddr becomes host:port',
      read: () => ofText('listen', '/ip4/127.0.0.1/tcp/0'),
      value: ['127.0.0.1:0'],
    },
    {
      say: 'one text in a file is a list of one',
      read: () => ofJson('advertise', '"10.0.0.7:1"'),
      value: ['10.0.0.7:1'],
    },
    { say: 'advertise may be empty', read: () => ofJson('advertise', '[]'), value: [] },
    { say: 'grpc off is an empty list', read: () => ofText('grpc', 'off'), value: [] },
    { say: 'http off stays off', read: () => ofText('http', 'off'), value: 'off' },
    {
      say: 'unix:///path is unix:/path',
      read: () => ofText('grpc', 'unix:///run/d.sock', 'unix:d.sock'),
      value: ['unix:/run/d.sock', 'unix:d.sock'],
    },
    { say: 'seeds may be none', read: () => ofText('seeds', 'none'), value: 'none' },
    {
      say: 'seeds may be addresses',
      read: () => ofText('seeds', '/dns4/seed-1/tcp/7947, 10.0.0.7:7947'),
      value: 'seed-1:7947,10.0.0.7:7947',
    },
    { say: 'seeds may be a file', read: () => ofText('seeds', 's.json'), value: '/here/s.json' },
    { say: 'an enum takes its values', read: () => ofText('logFormat', 'pretty'), value: 'pretty' },
  ];

for (const { say, read, value } of good) {
  test(say, (t) => {
    t.strictSame(read(), value);
    t.end();
  });
}

const bad: readonly { readonly read: () => Value; readonly message: string }[] = [
  {
    read: () => ofText('gossipK', '0'),
    message: 'flag: got "0", expected a whole number from 1 to 16',
  },
  {
    read: () => ofText('gossipK', '17'),
    message: 'flag: got "17", expected a whole number from 1 to 16',
  },
  {
    read: () => ofText('gossipK', '3.5'),
    message: 'flag: got "3.5", expected a whole number from 1 to 16',
  },
  {
    read: () => ofText('gossipK', 'many'),
    message: 'flag: got "many", expected a whole number from 1 to 16',
  },
  {
    read: () => ofText('insecureOpen', 'maybe'),
    message: 'flag: got "maybe", expected true or false',
  },
  {
    read: () => ofText('logFormat', 'xml'),
    message: 'flag: got "xml", expected one of auto, json, pretty',
  },
  { read: () => ofText('name', ''), message: 'flag: got "", expected a text' },
  {
    read: () => ofText('cluster', 'a b'),
    message: 'flag: got "a b", expected 1 to 128 letters, digits',
  },
  {
    read: () => ofText('cluster', 'c'.repeat(129)),
    message: `flag: got "${'c'.repeat(129)}", expected 1 to 128`,
  },
  { read: () => ofText('listen', ''), message: "flag: '' is not an address: there is no host" },
  {
    read: () => ofText('listen', '127.0.0.1'),
    message: "flag: '127.0.0.1' is not an address: there is no port",
  },
  {
    read: () => ofText('grpc', 'off', '[::1]:1'),
    message: 'flag: got "off,[::1]:1", expected either off or addresses',
  },
  { read: () => ofText('grpc', 'unix:'), message: 'flag: got "unix:", expected unix:PATH' },
  { read: () => ofText('http', 'unix:d.sock'), message: "flag: 'unix:d.sock' is not an address" },
  {
    read: () => ofText('seeds', '10.0.0.7:0'),
    message: 'flag: seed node 10.0.0.7:0 has no port to dial',
  },
  { read: () => ofText('seeds', '10.0.0.7:1,'), message: "flag: '' is not an address" },
  {
    read: () => ofJson('gossipK', '"5"'),
    message: 'file x, key k: got "5", expected a whole number from 1 to 16',
  },
  {
    read: () => ofJson('gossipK', '1.5'),
    message: 'file x, key k: got 1.5, expected a whole number',
  },
  {
    read: () => ofJson('insecureOpen', '1'),
    message: 'file x, key k: got 1, expected true or false',
  },
  { read: () => ofJson('name', 'null'), message: 'file x, key k: got null, expected a text' },
  {
    read: () => ofJson('logLevel', '[]'),
    message: 'file x, key k: got a list, expected one of debug, info',
  },
  {
    read: () => ofJson('listen', '[1]'),
    message: 'file x, key k: got a list, expected a list of texts',
  },
  {
    read: () => ofJson('listen', '{}'),
    message: 'file x, key k: got an object, expected a list of texts',
  },
  {
    read: () => ofJson('listen', '[]'),
    message: 'file x, key k: got a list, expected at least one address',
  },
];

for (const { read, message } of bad) {
  test(`it is refused: ${message}`, (t) => {
    const error = t.throws(read, { code: 'INVALID_ARGUMENT', reason: 'CONFIG' }) as Error;
    t.ok(error.message.startsWith(message), error.message);
    t.end();
  });
}

test('what is no list of seed nodes is a file', (t) => {
  const lists = ['none', 'a:1', 'a:1,b:2', '[::1]:1', '/ip4/10.0.0.7/tcp/1', '/dns/a/tcp/1', 'a,b'];
  const files = ['seeds.json', './seeds.json', '/etc/disco/seeds.json', '/dns', '10.0.0.7', 'C:'];
  t.strictSame(lists.filter(isSeedList), lists);
  t.strictSame(files.filter(isSeedList), []);
  t.end();
});

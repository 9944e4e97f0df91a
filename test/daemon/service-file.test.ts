import t from 'tap';
import { instancesMax, parseServiceFile, problemsMax } from '../../src/daemon/service-file.ts';
import { wishName } from '../../src/daemon/service-file.ts';
import { makeRegistration } from '../contract/store-contract.ts';

const read = (content: unknown) =>
  parseServiceFile('a.json', typeof content === 'string' ? content : JSON.stringify(content));
const add = { group: 'math', name: 'add', port: 5001 };

t.test('a file is one instance, or a list of them under "services"', (t) => {
  const whole = {
    ...add,
    ip: '10.0.0.7',
    instanceId: 'add-1',
    tags: ['blue'],
    metadata: { rack: '7' },
    version: '2',
    weight: 7,
    zone: 'eu-1',
    endpoints: [{ name: 'metrics', port: 9_100, ip: '' }],
  };
  const wish = { ...whole, ttlMs: 0, deregisterAfterMs: 0 };
  t.strictSame(read({ ...whole, endpoints: [{ name: 'metrics', port: 9_100 }] }), {
    wishes: [{ wish, where: 'a.json, line 1, column 1' }],
    problems: [],
  });
  const { wishes, problems } = read({ services: [add, { ...add, port: 5002 }] });
  t.strictSame(problems, []);
  t.match(wishes, [
    { wish: { ...add, ip: '', instanceId: '' }, where: /key services\[0\]$/ },
    { wish: { port: 5002 }, where: 'a.json, line 1, column 56, key services[1]' },
  ]);
  t.strictSame(read({ services: [] }), { wishes: [], problems: [] }, 'none is allowed, too');
  t.end();
});

t.test('an instance of a file is checked, and may be deregistered when it stays critical', (t) => {
  const checks = [{ kind: 'http', path: '/healthz', expectedStatus: 204, intervalMs: 5_000 }];
  const { wishes, problems } = read({ ...add, checks, deregisterAfterMs: 60_000 });
  t.strictSame(problems, []);
  const check = { kind: 'http', path: '/healthz', method: 'GET', failuresBeforeCritical: 3 };
  t.match(wishes, [{ wish: { deregisterAfterMs: 60_000, checks: [check] } }]);
  t.end();
});

t.test('a service that proves who it is has its public key in the file', (t) => {
  const identityKey = Buffer.alloc(32, 7).toString('base64url');
  const checks = [{ kind: 'identity', path: '/proof' }];
  const { wishes, problems } = read({ ...add, checks, identityKey });
  t.strictSame(problems, []);
  t.match(wishes, [{ wish: { identityKey, checks } }]);
  t.end();
});

t.test('each mistake is told with line, column, key and what was expected', (t) => {
  const rows: readonly (readonly [object | string, string])[] = [
    ['{"group": "math",}', `line 1, column 18: got '}', expected a key in double quotes`],
    ['[1]', 'line 1, column 1: got a list, expected an instance: {"group": …}'],
    [{ ...add, port: '5001' }, 'key port: got "5001", expected a whole number from 1 to 65535'],
    [{ ...add, port: 0 }, 'key port: got 0, expected a whole number from 1 to 65535'],
    [{ ...add, group: 'a b' }, 'key group: group is "a b": names are 1 to 128 of'],
    [{ ...add, ip: '0.0.0.0' }, 'key ip: ip is "0.0.0.0": it stands for every address'],
    [{ ...add, instanceId: '' }, 'key instanceId: instance_id is ""'],
    [{ ...add, tags: 'blue' }, 'key tags: got "blue", expected a list of texts'],
    [{ ...add, tags: ['a', 1] }, 'key tags: got a list, expected a list of texts'],
    [{ ...add, tags: [''] }, 'key tags: a tag is ""'],
    [{ ...add, metadata: { a: 1 } }, 'key metadata: got an object, expected an object whose'],
    [{ ...add, metadata: { 'a b': '' } }, 'key metadata: a metadata key is "a b"'],
    [{ ...add, version: 2 }, 'key version: got 2, expected a text'],
    [{ ...add, version: 'v'.repeat(129) }, 'key version: version is'],
    [{ ...add, weight: 0 }, 'key weight: got 0, expected a whole number from 1 to 65535'],
    [{ ...add, zone: 'a b' }, 'key zone: zone is "a b"'],
    [{ ...add, endpoints: {} }, 'key endpoints: got an object, expected a list of objects'],
    [{ ...add, endpoints: [{ name: 'm' }] }, 'key endpoints: [0]: there is no key port'],
    [{ ...add, checks: [{ kind: 'ping' }] }, 'key checks: [0].kind: got "ping", expected one of'],
    [{ ...add, checks: [{ kind: 'tcp', intervalMs: 5 }] }, 'checks[0].interval_ms is 5'],
    [{ ...add, checks: [{ kind: 'tcp', intrvalMs: 5 }] }, 'did you mean intervalMs?'],
    [{ ...add, identityKey: 'x' }, 'key identityKey: got "x", expected bytes in base64url'],
    [{ ...add, checks: [{ kind: 'identity' }] }, 'identity_key is empty: a check of kind'],
    [{ ...add, ttlMs: 1_000 }, 'key ttlMs: nobody sends heartbeats for a file'],
    [
      { ...add, deregisterAfterMs: 5 },
      'deregister_after_ms is 5 and ttl_ms is 0: without a ttl or checks it would never begin',
    ],
    [{ group: 'math', name: 'add' }, 'line 1, column 1: there is no key port'],
    [{ services: [add, 7] }, 'key services[1]: got 7, expected an instance'],
    [{ services: [{ ...add, port: 1.5 }] }, 'key services[0].port: got 1.5, expected a whole'],
    [{ services: {} }, 'key services: got an object, expected a list of instances'],
    [{ services: [], group: 'math' }, 'key group: is beside "services"'],
    [{ services: [add, add] }, 'services[1]: math/add/port 5001 of this host is in this file'],
  ];
  for (const [content, expected] of rows) {
    const { wishes, problems } = read(content);
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], /^a\.json, line 1, column \d+/);
    t.ok(problems[0]?.includes(expected), `${problems[0]} says: ${expected}`);
    t.strictSame(wishes, []);
  }
  t.end();
});

t.test('an unknown key is told with the one that was meant, or with all there are', (t) => {
  t.match(read({ ...add, prot: 1 }).problems, [/, key prot: is not known; did you mean port\?$/]);
  t.match(read({ ...add, instance_id: 'x' }).problems, [/did you mean instanceId\?$/]);
  const misspelt = read({ group: 'math', nme: 'add', port: 1 }).problems;
  t.match(misspelt, [/did you mean name\?$/]);
  t.equal(misspelt.length, 1, 'and name is not said to be missing');
  t.match(read({ ...add, colour: 'blue' }).problems, [/known are group, name, ip, port, /]);
  t.match(read('{"__proto__": 1, "toString": 2}').problems, [
    /__proto__/,
    /toString/,
    /group/,
    /name/,
    /port/,
  ]);
  t.end();
});

t.test('one mistake spoils the file, and all of them are told, up to a bound', (t) => {
  const two = read({ services: [{ ...add, port: 0 }, add, { ...add, name: '' }] });
  t.strictSame(two.wishes, []);
  t.match(two.problems, [/services\[0\]\.port/, /services\[2\]\.name/]);
  const bad = Array.from({ length: problemsMax + 1 }, () => 0);
  t.equal(read({ services: bad }).problems.length, problemsMax);
  t.end();
});

t.test(`${instancesMax} instances are the most of one file`, (t) => {
  const list = (count: number) => ({
    services: Array.from({ length: count }, (_, index) => ({ ...add, port: index + 1 })),
  });
  t.equal(read(list(instancesMax)).wishes.length, instancesMax);
  t.match(read(list(instancesMax + 1)), {
    wishes: [],
    problems: [/more than the 1000 of one file/],
  });
  t.end();
});

t.test('a wish is named by its instance id, else by its address', (t) => {
  const named = makeRegistration();
  t.equal(wishName(named), 'shop/cart/cart-1');
  t.equal(wishName({ ...named, instanceId: '' }), 'shop/cart/10.0.0.7:8080');
  t.equal(wishName({ ...named, instanceId: '', ip: '' }), 'shop/cart/port 8080 of this host');
  t.end();
});

/** Weight, zone and endpoints: from a Register to what is answered of the instance. */
import t from 'tap';
import { Node, serve } from './fixture.ts';

const here = { group: 'math', name: 'add', ip: '127.0.0.1', port: 5001 };
const nameRule = 'names are 1 to 128 of letters, digits, ".", "_" and "-", and not "__proto__"';

t.test('what was registered of weight, zone and endpoints is answered', async (t) => {
  const { client, node } = await serve(t);
  const endpoints = [
    { name: 'metrics', port: 9_100 },
    { name: 'admin', port: 9_101, ip: '::1' },
  ];
  await client.call('Register', { ...here, weight: 10, zone: 'eu-1', endpoints });
  const said = {
    weight: 10,
    zone: 'eu-1',
    endpoints: [
      { name: 'metrics', ip: '127.0.0.1', port: 9_100 },
      { name: 'admin', ip: '::1', port: 9_101 },
    ],
  };
  t.match(await client.call('Get', here), said, 'with the ip of the instance where none was given');
  t.match((await client.call('List', {})).instances, [said]);
  const reader = client.watch();
  t.match((await reader.snapshot())[1], { instance: said });
  await reader.cancel(node);
});

t.test('what says nothing weighs 100, is in no zone and has no endpoints', async (t) => {
  const node = new Node();
  await node.service.register(here);
  t.match(node.service.get(here), { weight: 100, zone: '', endpoints: [] });
  await node.service.register({ ...here, weight: 1 });
  t.match(node.service.get(here), { weight: 1 });
  await node.service.register({ ...here, weight: 65_535 });
  t.match(node.service.get(here), { weight: 65_535 });
});

t.test('sixteen endpoints are registered', async (t) => {
  const node = new Node();
  const endpoints = Array.from({ length: 16 }, (_, index) => ({ name: `e${index}`, port: 80 }));
  await node.service.register({ ...here, endpoints });
  t.equal(node.service.get(here).endpoints?.length, 16);
  await t.rejects(
    node.service.register({ ...here, endpoints: [...endpoints, { name: 'more', port: 80 }] }),
    {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_ENDPOINT',
      message: 'there are 17 endpoints: at most 16 are allowed',
    },
  );
});

t.test('what nobody could use is refused, with what to give instead', async (t) => {
  const { client } = await serve(t);
  const metrics = { name: 'metrics', port: 9_100 };
  const rows = [
    [{ weight: 65_536 }, 'INVALID_WEIGHT', 'weight is 65536: give 1 to 65535, or none for 100'],
    [{ zone: 'a b' }, 'INVALID_NAME', `zone is "a b": ${nameRule}`],
    [{ endpoints: [{ port: 80 }] }, 'INVALID_NAME', `an endpoint's name is empty: ${nameRule}`],
    [
      { endpoints: [{ name: 'metrics' }] },
      'INVALID_ENDPOINT',
      'the port of endpoint metrics is 0: give 1 to 65535',
    ],
    [
      { endpoints: [{ ...metrics, port: 65_536 }] },
      'INVALID_ENDPOINT',
      'the port of endpoint metrics is 65536: give 1 to 65535',
    ],
    [
      { endpoints: [metrics, metrics] },
      'INVALID_ENDPOINT',
      'two endpoints are called "metrics": give each a name of its own',
    ],
    [
      { endpoints: [{ ...metrics, ip: '0.0.0.0' }] },
      'INVALID_ADDRESS',
      'ip is "0.0.0.0": it stands for every address of a host, and nobody can call it; leave ip out',
    ],
  ] as const;
  for (const [fields, reason, sentence] of rows)
    t.strictSame(
      await client.refusal('Register', {
        ...here,
        ...fields,
        endpoints: 'endpoints' in fields ? [...fields.endpoints] : [],
      }),
      { code: 'INVALID_ARGUMENT', reason, sentence },
    );
  t.strictSame((await client.call('List', {})).instances, []);
});

/**
 * DNS of a whole daemon, as it is asked: by Node's own resolver, and by dig, with the lines of
 * DNS.md.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promises as dns } from 'node:dns';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { safeLabel } from '../../src/api/dns-labels.ts';
import { parseAddress } from '../../src/base/address.ts';
import { startDaemon } from '../cli/fixture.ts';
import type { RunningDaemon } from '../cli/fixture.ts';

const run = promisify(execFile);
const hasDig = spawnSync('dig', ['-v']).error === undefined;
const needsDig = { skip: !hasDig && 'dig is not here: apt-get install bind9-dnsutils' };
const id = '10.0.0.5:5001';
const label = safeLabel(id);

interface Asked extends RunningDaemon {
  readonly port: number;
  /** What dig prints, line by line, without its blanks. */
  readonly dig: (...args: readonly string[]) => Promise<readonly string[]>;
}

async function start(t: Test): Promise<Asked> {
  const running = await startDaemon(t, { change: { dns: '127.0.0.1:0' } });
  const endpoints = [{ name: 'metrics', port: 9_100 }];
  const add = { group: 'math', name: 'add', weight: 10, endpoints, tags: ['blue'] };
  await running.stub.unary('Register', { ...add, ip: '10.0.0.5', port: 5_001 });
  await running.stub.unary('Register', {
    ...add,
    ip: '2001:db8::5',
    port: 5_001,
    instanceId: 'six',
  });
  const { port } = parseAddress(running.daemon.describe().dns);
  const dig = async (...args: readonly string[]): Promise<readonly string[]> => {
    const fixed = ['-4', '@127.0.0.1', '-p', String(port), '+tries=1', '+timeout=10'];
    const { stdout } = await run('dig', [...fixed, ...args]);
    return stdout.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  };
  return { ...running, port, dig };
}

t.test('a daemon answers DNS, and says where in its status and its run file', async (t) => {
  const { daemon, stub, config, port } = await start(t);
  const { dns: where, counted } = await stub.unary('Status', {});
  t.equal(where, `127.0.0.1:${port}`);
  t.equal(counted['dns_queries'], undefined);
  const file = fs.readFileSync(join(config.dataDir, 'daemon.json'), 'utf8');
  t.match(JSON.parse(file), { dns: where });
  const resolver = new dns.Resolver({ timeout: 10_000, tries: 1 });
  resolver.setServers([where]);
  t.strictSame(await resolver.resolve4('add.math.disco'), ['10.0.0.5']);
  const { counted: after } = await stub.unary('Status', {});
  t.strictSame([after['dns_queries'], after['dns_noerror']].map(Number), [1, 1]);
  await stub.unary('Deregister', { group: 'math', name: 'add', instanceId: id });
  await t.rejects(resolver.resolve4('add.math.disco'), { code: 'ENODATA' });
  await daemon.stop();
  await t.rejects(resolver.resolve4('add.math.disco'));
});

t.test('dig shows addresses, ports, texts and names', needsDig, async (t) => {
  const { dig } = await start(t);
  t.strictSame(await dig('+short', 'add.math.disco'), ['10.0.0.5', '']);
  t.strictSame(await dig('+short', 'add.math.disco', 'AAAA'), ['2001:db8::5', '']);
  const ports = await dig('+short', '_add._tcp.math.disco', 'SRV');
  t.strictSame(ports.toSorted(), [
    '',
    `0 10 5001 ${label}.add.math.disco.`,
    '0 10 5001 six.add.math.disco.',
  ]);
  const metrics = await dig('+short', '_metrics._tcp.add.math.disco', 'SRV');
  t.ok(metrics.includes('0 10 9100 six.add.math.disco.'));
  t.strictSame(await dig('+short', `${label}.add.math.disco`), ['10.0.0.5', '']);
  t.match(await dig('+short', `${label}.add.math.disco`, 'TXT'), [/^"id=10\.0\.0\.5:5001" "node=/]);
  t.strictSame(await dig('+short', '-x', '10.0.0.5'), [`${label}.add.math.disco.`, '']);
  t.strictSame(await dig('+short', '-x', '2001:db8::5'), ['six.add.math.disco.', '']);
  t.strictSame(await dig('+short', '+tcp', 'add.math.disco'), ['10.0.0.5', '']);
});

t.test(
  'dig finds nothing malformed in an answer, and what it says in order',
  needsDig,
  async (t) => {
    const { dig } = await start(t);
    const whole = await dig('aDD.math.disco', 'SRV');
    const has = (lines: readonly string[], text: string): boolean =>
      lines.some((line) => line.includes(text));
    t.ok(has(whole, 'status: NOERROR'));
    t.ok(has(whole, 'flags: qr aa rd; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 3'));
    t.ok(has(whole, 'EDNS: version: 0, flags:; udp: 1232'));
    t.ok(has(whole, ';aDD.math.disco. IN SRV'));
    t.ok(has(whole, `${label}.add.math.disco. 1 IN A 10.0.0.5`));
    t.notOk(has(whole, 'Warning') || has(whole, 'malformed') || has(whole, 'Truncated'));
    const unknown = await dig('nope.math.disco');
    t.ok(has(unknown, 'status: NXDOMAIN'));
    t.ok(has(unknown, 'disco. 1 IN SOA ns.disco. hostmaster.disco.'));
    t.ok(has(await dig('math.disco'), 'status: NOERROR'));
    t.ok(has(await dig('math.disco'), 'ANSWER: 0, AUTHORITY: 1'));
    t.ok(has(await dig('add.math.disco', 'ANY', '+notcp'), 'HINFO "RFC8482" ""'));
    t.ok(has(await dig('+edns=1', '+noednsneg', 'disco', 'SOA'), 'status: BADVERS'));
    const refused = await dig('example.com');
    t.ok(has(refused, 'status: REFUSED'));
    t.ok(has(refused, 'EDE: 20 (Not Authoritative)'));
    t.ok(has(await dig('disco', 'AXFR'), 'Transfer failed'));
  },
);

t.test('dig is told why a service has nothing to offer', needsDig, async (t) => {
  const { dig, stub } = await start(t);
  await stub.unary('SetMaintenance', { group: 'math', name: 'add', on: true, reason: 'new disk' });
  const lines = await dig('add.math.disco');
  t.ok(lines.some((line) => line.includes('status: NOERROR')));
  const note = 'math/add has no healthy instance: 0 critical, 2 in maintenance';
  t.ok(lines.some((line) => line.includes('EDE: 0 (Other)') && line.includes(note)));
});

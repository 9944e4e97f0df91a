/** examples/grpcurl: what each line asks for, asked by a client of our own in the same way. */
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { Cluster } from '../e2e/cluster.ts';
import { exampleFile } from './example-process.ts';
import { ReflectedClient } from './reflected-client.ts';

interface Line {
  readonly request: object;
  /** `list`, `describe X`, or `package.Service/Method`. */
  readonly what: string;
}

const linePattern =
  /^grpcurl -plaintext(?: -max-time \d+)?(?: -d '([^']*)')? 127\.0\.0\.1:\d+ (list|describe \S+|\S+\/\S+)(?: \|\| true)?$/;

/** Every command of the script; one that is none, or of another form, is an error. */
function linesOf(script: string): Line[] {
  const commands = script
    .replace(/^#.*$/gm, '')
    .replaceAll(/ ?\\?\n +/g, ' ')
    .split('\n')
    .filter((command) => command !== '' && command !== 'set -eu');
  return commands.map((command) => {
    const [, json = '{}', what] = linePattern.exec(command) ?? [];
    if (what === undefined) throw new Error(`not understood: ${command}`);
    return { request: JSON.parse(json) as object, what };
  });
}

const isSnapshotEnd = (answer: object): boolean =>
  'kind' in answer && answer.kind === 'SNAPSHOT_END';

test('every grpcurl line is answered, in the order of the page', async (t) => {
  const node = await new Cluster(t).start('host');
  const client = new ReflectedClient(t, node.socket);
  const lines = linesOf(readFileSync(exampleFile('grpcurl/calls.sh'), 'utf8'));
  t.ok(lines.length > 15, `${lines.length} lines`);
  const answers = new Map<string, object[]>();
  for (const { what, request } of lines) {
    const [verb = '', argument = ''] = what.split(' ');
    const answered = async (): Promise<readonly (object | string)[]> => {
      if (verb === 'list') return client.services();
      if (verb === 'describe') return client.methods(argument);
      return client.call(what, request, isSnapshotEnd);
    };
    const answer = await answered();
    t.ok(answer.length > 0, `${what} ${JSON.stringify(request)}`);
    answers.set(what, [...(answers.get(what) ?? []), ...answer] as object[]);
  }

  const of = (what: string): object[] => answers.get(what) ?? [];
  const services = of('list');
  t.ok((services as unknown as string[]).includes('disco.v1.Discovery'));
  t.match(of('grpc.health.v1.Health/Check'), [{ status: 'SERVING' }]);
  t.match(of('disco.v1.Discovery/Get'), [{ name: 'add', port: 5_001 }]);
  t.match(of('disco.v1.Discovery/ListByGroup'), [{ instances: [{ instance_id: 'sub-1' }] }]);
  t.equal(of('disco.v1.Discovery/Watch').length, 6, 'begin, four instances, end');
  t.match(of('disco.v1.Discovery/SetMaintenance'), [{ in_maintenance: 1 }, { instances: 1 }]);
  t.equal((await node.disco.list()).instances.length, 0, 'all of them are taken back');
  const called = [...new Set(lines.map(({ what }) => what.split('/')[1] ?? ''))];
  const methods = ['Register', 'Deregister', 'Get', 'List', 'ListByGroup', 'Heartbeat', 'Watch'];
  t.strictSame(
    methods.filter((method) => !called.includes(method)),
    [],
  );
});

test('a field or a method that the server does not have is noticed', async (t) => {
  const node = await new Cluster(t).start('host');
  const client = new ReflectedClient(t, node.socket);
  const register = (request: object) =>
    client.call('disco.v1.Discovery/Register', request, isSnapshotEnd);
  await t.rejects(register({ group: 'math', nmae: 'add' }), /the server would get/);
  await t.rejects(register({ group: 'math', name: 'add', ttlMs: 'soon' }));
  await t.rejects(client.call('disco.v1.Discovery/Registre', {}, isSnapshotEnd), /has no/);
  t.throws(() => linesOf('grpcurl -plaintxt 127.0.0.1:1 list\n'), /not understood/);
});

/** What reflection tells, as protobuf of another language reads it: protoc, where there is one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import descriptor from 'protobufjs/ext/descriptor.js';
import { test } from 'tap';
import { reflectedDefinitions } from '../../src/api/reflection.ts';

interface Message {
  readonly name: string;
  readonly field: readonly { readonly name: string; readonly typeName: string }[];
  readonly nestedType?: readonly Message[];
  readonly options?: { readonly mapEntry: boolean };
}

interface File {
  readonly name: string;
  readonly package: string;
  readonly messageType: readonly Message[];
  readonly service?: readonly { readonly name: string }[];
}

const files = new Map(
  Object.values(reflectedDefinitions())
    .flatMap(({ fileDescriptorProtos: each }) => (Array.isArray(each) ? (each as Buffer[]) : []))
    .map((bytes) => [descriptor.FileDescriptorProto.decode(bytes), bytes] as const)
    .map(([file, bytes]) => {
      const read = file.toJSON() as File;
      return [read.name, { ...read, bytes }] as const;
    }),
);

const withoutProtoc =
  spawnSync('protoc', ['--version']).error === undefined
    ? false
    : 'there is no protoc here: apt-get install protobuf-compiler';

test('it tells of the API and of grpc.health.v1', (t) => {
  const services = [...files.values()].flatMap(({ package: prefix, service = [] }) =>
    service.map(({ name }) => `${prefix}.${name}`),
  );
  t.strictSame(services.toSorted(), ['disco.v1.Discovery', 'grpc.health.v1.Health']);
  t.end();
});

test('the entries of each map are named after its field, in capitals, and Entry', (t) => {
  const messages = [...files.values()].flatMap(({ messageType }) => messageType);
  const maps = messages.flatMap(({ name, field, nestedType = [] }) =>
    nestedType
      .filter(({ options }) => options?.mapEntry)
      .map((entry) => {
        const owner = field.find(({ typeName }) => typeName === entry.name);
        return [`${name}.${owner?.name}`, entry.name];
      }),
  );
  t.match(Object.fromEntries(maps) as object, {
    'RegisterRequest.metadata': 'MetadataEntry',
    'StatusResponse.counted': 'CountedEntry',
  });
  for (const [field = '', entry] of maps) {
    const words = (field.split('.')[1] ?? '').split('_');
    const camel = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
    t.equal(entry, `${camel}Entry`, field);
  }
  t.end();
});

test('protoc reads and writes messages by it', { skip: withoutProtoc }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'disco-reflection-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = [...files.values()].map(({ bytes }) => descriptor.FileDescriptorProto.decode(bytes));
  const set = descriptor.FileDescriptorSet.create({ file });
  writeFileSync(join(folder, 'set'), descriptor.FileDescriptorSet.encode(set).finish());
  const name = [...files.values()].find(({ package: prefix }) => prefix === 'disco.v1')?.name ?? '';
  const protoc = (verb: string, input: string | Buffer) => {
    const args = [`--descriptor_set_in=${folder}/set`, `${verb}=disco.v1.RegisterRequest`, name];
    const { stdout, stderr } = spawnSync('protoc', args, { input });
    t.equal(stderr.toString(), '');
    return stdout;
  };

  const text = 'group: "math"\nmetadata {\n  key: "rack"\n  value: "7"\n}\n';
  t.equal(protoc('--decode', protoc('--encode', text)).toString(), text);
  t.end();
});

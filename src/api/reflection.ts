/**
 * What server reflection tells: the API and grpc.health.v1, in descriptors that clients of every
 * language take.
 *
 * protobufjs calls the entries of a map `metadata` after the field alone. Their name has to be
 * MetadataEntry (descriptor.proto, at map_entry); others refuse the whole file, grpcurl among them.
 */
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { protoPath as healthProtoPath } from 'grpc-health-check';
import descriptor from 'protobufjs/ext/descriptor.js';
import { fileURLToPath } from 'node:url';

const protoDirectory = fileURLToPath(new URL('../../proto', import.meta.url));

interface FieldShape {
  readonly name: string;
  typeName: string;
}

interface MessageShape {
  name: string;
  readonly field: readonly FieldShape[];
  readonly nestedType: readonly MessageShape[];
  readonly options?: { readonly mapEntry?: boolean } | null;
}

/** Definitions for a ReflectionService; reads the .proto files, which takes some milliseconds. */
export function reflectedDefinitions(): PackageDefinition {
  const files = ['disco/v1/discovery.proto', healthProtoPath];
  const loaded = loadSync(files, { includeDirs: [protoDirectory], longs: String, keepCase: true });
  // Every message of a file comes with the bytes of the whole file.
  const amended = new Map<string, Buffer>();
  const amend = (bytes: Buffer): Buffer => {
    const key = bytes.toString('latin1');
    const known = amended.get(key) ?? withMapEntries(bytes);
    amended.set(key, known);
    return known;
  };
  return Object.fromEntries(
    Object.entries(loaded).map(([name, definition]) => [
      name,
      Array.isArray(definition.fileDescriptorProtos)
        ? { ...definition, fileDescriptorProtos: definition.fileDescriptorProtos.map(amend) }
        : definition,
    ]),
  ) as PackageDefinition;
}

function withMapEntries(bytes: Buffer): Buffer {
  const file = descriptor.FileDescriptorProto.decode(bytes);
  const { messageType } = file as unknown as { readonly messageType: readonly MessageShape[] };
  for (const message of messageType) nameMapEntries(message);
  return Buffer.from(descriptor.FileDescriptorProto.encode(file).finish());
}

function nameMapEntries({ field, nestedType }: MessageShape): void {
  for (const nested of nestedType) {
    nameMapEntries(nested);
    const isEntry = nested.options?.mapEntry === true;
    const owner = isEntry ? field.find(({ typeName }) => typeName === nested.name) : undefined;
    if (owner === undefined) continue;
    nested.name = `${upperCamel(owner.name)}Entry`;
    owner.typeName = nested.name;
  }
}

/** As protoc makes it: `log_levels` is LogLevels. */
function upperCamel(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

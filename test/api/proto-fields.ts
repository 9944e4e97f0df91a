/** The fields of the messages of the API, as the proto has them. */
import { loadSync } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';

const includeDirs = [fileURLToPath(new URL('../../proto', import.meta.url))];
const definitions = loadSync('disco/v1/discovery.proto', { includeDirs });

interface Descriptor {
  readonly name: string;
  readonly field: readonly { readonly name: string }[];
  readonly nestedType: readonly Descriptor[];
}

/** @param message `Outer.Inner` for one within another; @returns in camelCase, sorted */
export function protoFields(message: string): string[] {
  const [outer = '', inner] = message.split('.');
  const type = definitions[`disco.v1.${outer}`]?.type as unknown as Descriptor | undefined;
  const found = inner === undefined ? type : type?.nestedType.find(({ name }) => name === inner);
  if (found === undefined) throw new Error(`the proto has no message ${message}`);
  return found.field
    .map(({ name }) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .sort();
}

/** Of a schema, sorted. */
export function schemaFields(schema: unknown): string[] {
  return Object.keys((schema as { properties?: object }).properties ?? {}).sort();
}

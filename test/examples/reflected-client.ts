/**
 * A gRPC client that knows no .proto of the server's: it asks for them by server reflection, as
 * grpcurl does, and takes and gives JSON.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { Test } from 'tap';

const deadlineMs = 20_000;
const reflectionService = 'grpc.reflection.v1.ServerReflection';

type Method = ServiceDefinition[string];

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}

export class ReflectedClient {
  readonly #client: grpc.Client;
  readonly #definitions = new Map<string, Promise<ServiceDefinition>>();

  constructor(t: Test, address: string) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure());
    t.teardown(() => this.#client.close());
  }

  async services(): Promise<readonly string[]> {
    const { listServicesResponse } = await this.#reflect({ listServices: '' });
    return (listServicesResponse?.service ?? []).map(({ name }) => name);
  }

  /** The names of a service's methods. */
  async methods(service: string): Promise<readonly string[]> {
    return Object.keys(await this.#definition(service));
  }

  /**
   * Calls `package.Service/Method`. Of a stream the answers up to the first of which `isLast` is true.
   *
   * @throws Error for a method or a field that the server does not have; what the server refused
   */
  async call(name: string, json: object, isLast: (answer: object) => boolean) {
    const [service = '', methodName = ''] = name.split('/');
    const method = (await this.#definition(service))[methodName];
    if (method === undefined) throw new Error(`the server has no ${name}`);
    const request = messageOf(method, json);
    const { path, requestSerialize, responseDeserialize, responseStream } = method;
    const deadline = Date.now() + deadlineMs;
    if (!responseStream)
      return new Promise<object[]>((resolve, reject) => {
        const take = (error: grpc.ServiceError | null, answer?: object): void =>
          error === null ? resolve([answer ?? {}]) : reject(error);
        this.#client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          { deadline },
          take,
        );
      });
    const answers: object[] = [];
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline },
    );
    for await (const answer of call as AsyncIterable<object>) {
      answers.push(answer);
      if (isLast(answer)) break;
    }
    return answers;
  }

  #definition(service: string): Promise<ServiceDefinition> {
    const known = this.#definitions.get(service) ?? this.#fetch(service);
    this.#definitions.set(service, known);
    return known;
  }

  async #fetch(service: string): Promise<ServiceDefinition> {
    const answer = await this.#reflect({ fileContainingSymbol: service });
    const files = answer.fileDescriptorResponse?.fileDescriptorProto ?? [];
    const loaded = loadFileDescriptorSetFromBuffer(descriptorSet(files), {
      enums: String,
      longs: Number,
    });
    return serviceOf(loaded, service);
  }

  async #reflect(question: object): Promise<ReflectionAnswer> {
    const entry = createRequire(import.meta.url).resolve('@grpc/reflection');
    const proto = join(entry, '../../proto/grpc/reflection/v1/reflection.proto');
    const { ServerReflectionInfo } = serviceOf(loadSync(proto), reflectionService);
    const { path, requestSerialize, responseDeserialize } = ServerReflectionInfo as Method;
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, {
      deadline: Date.now() + deadlineMs,
    });
    // `once` rejects with the first one; what comes after the answer does not matter.
    call.on('error', () => undefined);
    call.write(question);
    const [answer] = (await once(call, 'data')) as [ReflectionAnswer];
    call.end();
    return answer;
  }
}

function serviceOf(loaded: PackageDefinition, name: string): ServiceDefinition {
  const found = loaded[name];
  if (found === undefined) throw new Error(`the server has no ${name}`);
  return found as ServiceDefinition;
}

/**
 * A request as protobufjs takes it: of what was described to it, it knows fields by their proper
 * names, and of maps the entries alone.
 *
 * @throws Error for what protobufjs would leave out without a word: another name, another type
 */
function messageOf({ requestType, requestSerialize, requestDeserialize }: Method, json: object) {
  const { nestedType } = requestType.type as { nestedType: readonly { name: string }[] };
  const isMap = (field: string): boolean =>
    nestedType.some(({ name }) => name.toLowerCase() === `${field.toLowerCase()}entry`);
  const entriesOf = (map: object): object[] =>
    Object.entries(map).map(([key, value]) => ({ key, value: value as unknown }));
  const request = Object.fromEntries(
    Object.entries(json as Record<string, object>).map(([field, value]) => [
      snakeCase(field),
      isMap(field) ? entriesOf(value) : withSnakeCase(value),
    ]),
  );
  const sent = JSON.stringify(sorted(requestDeserialize(requestSerialize(request))));
  const meant = JSON.stringify(sorted(request));
  if (sent !== meant) throw new Error(`of ${meant} the server would get ${sent}`);
  return request;
}

function withSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [snakeCase(key), withSnakeCase(each)]),
  );
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== false);
  return Object.fromEntries(
    entries.map(([key, each]) => [key, sorted(each)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** google.protobuf.FileDescriptorSet: each file is field 1, with its length before it. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [Buffer.from([10]), varint(file.length), file]));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/**
 * ServiceFile: instances that an operator writes down, for services that speak to no daemon.
 *
 *   {"group": "math", "name": "add", "port": 5001}    or    {"services": [{…}, {…}]}
 *
 * The keys are those of a registration in the JSON API; each is a row of the table below. Whatever
 * is wrong is told with file, line, column and key, and a file with a mistake counts for nothing.
 */
import { checkChecks, checkKinds, checkRunsMax } from '../api/validate-checks.ts';
import { checkHost, checkInstanceId, checkMetadata, checkName } from '../api/validate.ts';
import { checkRegister, checkTags, checkVersion } from '../api/validate.ts';
import { errorText } from '../base/error.ts';
import { closestWord } from '../base/spelling.ts';
import { hostPort } from '../record/names.ts';
import { weightMax } from '../record/record.ts';
import type { Registration } from '../store/store.ts';
import { bytes, choice, flag, integer, objects, pairs, refused } from './file-row.ts';
import { required, text, texts, unknownKey, type Row } from './file-row.ts';
import { describeNode, nodePlace, parseJsonFile, type JsonNode } from './json-file.ts';

/** Instances that one file may hold. */
export const instancesMax = 1_000;
/** Problems that are told of one file. */
export const problemsMax = 20;

/** An instance as a file asks for it; an ip or an instanceId of '' is left to the daemon. */
export interface FileWish {
  readonly wish: Registration;
  /** Of its object in the file, for errors: file, line, column and key. */
  readonly where: string;
}

export interface ServiceFile {
  /** None when there is a problem. */
  readonly wishes: readonly FileWish[];
  /** A sentence each: where it is and what is wrong; 20 at most. */
  readonly problems: readonly string[];
}

type Request = Parameters<typeof checkRegister>[0];

const longestMs = 24 * 3_600_000;

const rows: { readonly [Key in keyof Request]?: Row<NonNullable<Request[Key]>> } = {
  group: required(text((value) => checkName('group', value))),
  name: required(text((value) => checkName('name', value))),
  ip: text(checkHost),
  port: required(integer(1, 65_535)),
  instanceId: text(checkInstanceId),
  tags: texts(checkTags),
  metadata: pairs(checkMetadata),
  version: text(checkVersion),
  ttlMs: refused('nobody sends heartbeats for a file, so it would only expire: leave it out'),
  deregisterAfterMs: integer(0, Number.MAX_SAFE_INTEGER),
  weight: integer(1, weightMax),
  zone: text((value) => checkName('zone', value)),
  identityKey: bytes(),
  endpoints: objects({
    name: required(text((value) => checkName("an endpoint's name", value))),
    port: required(integer(1, 65_535)),
    ip: text(checkHost),
  }),
  checks: objects({
    kind: required(choice(checkKinds)),
    path: text(),
    expectedStatus: integer(200, 599),
    method: text(),
    tls: flag(),
    intervalMs: integer(1, longestMs),
    timeoutMs: integer(1, longestMs),
    initialDelayMs: integer(0, longestMs),
    successesBeforePassing: integer(1, checkRunsMax),
    failuresBeforeWarning: integer(1, checkRunsMax),
    failuresBeforeCritical: integer(1, checkRunsMax),
  }),
};

const keys = Object.keys(rows);

/**
 * Reads the text of one file.
 *
 * @param file how errors name it
 */
export function parseServiceFile(file: string, content: string): ServiceFile {
  const reader = new FileReader(file);
  try {
    reader.read(parseJsonFile(file, content));
  } catch (error) {
    reader.problems.push(errorText(error));
  }
  const { problems, wishes } = reader;
  if (problems.length === 0) return { wishes, problems };
  return { wishes: [], problems: problems.slice(0, problemsMax) };
}

/** Equal for two wishes for one instance, as far as that is known without a daemon. */
export function wishName({ group, name, ip, port, instanceId }: Registration): string {
  const address = ip === '' ? `port ${port} of this host` : hostPort(ip, port);
  return `${group}/${name}/${instanceId === '' ? address : instanceId}`;
}

class FileReader {
  readonly problems: string[] = [];
  readonly wishes: FileWish[] = [];
  readonly #file: string;
  readonly #seen = new Set<string>();

  constructor(file: string) {
    this.#file = file;
  }

  read(root: JsonNode): void {
    const list = root.kind === 'object' ? root.entries.get('services') : undefined;
    if (root.kind !== 'object' || list === undefined) return this.#readInstance(root, '');
    for (const [key, node] of root.entries)
      if (key !== 'services')
        this.#tell(node, key, 'is beside "services": an instance stands inside that list');
    if (list.kind !== 'array')
      return this.#tell(
        list,
        'services',
        `got ${describeNode(list)}, expected a list of instances`,
      );
    if (list.items.length > instancesMax) {
      const many = `${list.items.length} instances are more than the ${instancesMax} of one file`;
      return this.#tell(list, 'services', `${many}: spread them over several`);
    }
    for (const [index, node] of list.items.entries())
      if (this.problems.length < problemsMax) this.#readInstance(node, `services[${index}]`);
  }

  #readInstance(node: JsonNode, key: string): void {
    if (node.kind !== 'object')
      return this.#tell(node, key, `got ${describeNode(node)}, expected an instance: {"group": …}`);
    const before = this.problems.length;
    const within = key === '' ? '' : `${key}.`;
    const values: Record<string, unknown> = {};
    // A key that was misspelt is not missing too.
    const meant = new Set([...node.entries.keys()].map((name) => closestWord(name, keys)));
    for (const [name, value] of node.entries) {
      const row = rowOf(name);
      if (row === undefined) this.#tell(value, `${within}${name}`, unknownKey(name, keys));
      else
        this.#try(value, `${within}${name}`, () => {
          values[name] = row.read(value);
        });
    }
    for (const name of keys)
      if (rowOf(name)?.isRequired === true && !meant.has(name))
        this.#tell(node, key, `there is no key ${name}`);
    if (this.problems.length > before) return;
    // What is wrong about several keys together.
    this.#try(node, key, () => this.#add(wishOf(values), this.#where(node, key)));
  }

  #add(wish: Registration, where: string): void {
    const name = wishName(wish);
    if (this.#seen.has(name)) throw new Error(`${name} is in this file already`);
    this.#seen.add(name);
    this.wishes.push({ wish, where });
  }

  #try(node: JsonNode, key: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#tell(node, key, errorText(error));
    }
  }

  #tell(node: JsonNode, key: string, what: string): void {
    this.problems.push(`${this.#where(node, key)}: ${what}`);
  }

  #where(node: JsonNode, key: string): string {
    const place = nodePlace(this.#file, node);
    return key === '' ? place : `${place}, key ${key}`;
  }
}

/** @throws DiscoError INVALID_ARGUMENT */
function wishOf(values: Request): Registration {
  return checkRegister(values, checkChecks(values.checks ?? []));
}

function rowOf(name: string): Row<unknown> | undefined {
  return Object.hasOwn(rows, name) ? rows[name as keyof Request] : undefined;
}

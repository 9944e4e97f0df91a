/**
 * Reads the config: flag, else environment, else file, else default, option by option.
 *
 * A list that is set replaces the list below it. An empty environment variable counts as unset.
 */
import { dirname, join, resolve } from 'node:path';
import { DiscoError, errorText } from '../base/error.ts';
import { closestWord } from '../base/spelling.ts';
import { defaults, options, type Option } from './config-options.ts';
import { valueOfJson, valueOfText, type Value } from './config-values.ts';
import { servicesFolder, validate, type Config, type ConfigSources } from './config.ts';
import { describeNode, nodePlace, parseJsonFile, type JsonNode } from './json-file.ts';

export interface ConfigInputs {
  /** By key, as a parser of command lines gives them; keys that are no option are not ours. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Throws as node:fs does. */
  readonly readFile: (path: string) => string;
  readonly cwd: string;
  readonly hostname: string;
  readonly homedir: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: ConfigSources;
}

interface Setting {
  readonly value: Value;
  readonly source: string;
}

interface ConfigFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, JsonNode>;
}

/** @throws CONFIG that says where the value stood, what it was and what was expected */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const fallback: Readonly<Record<string, Value>> = { ...defaults, ...hostDefaults(inputs) };
  const file = readConfigFile(inputs);
  const values: Record<string, Value | undefined> = {};
  const sources: Record<string, string> = {};
  for (const option of options) {
    const setting = fromOutside(option, inputs) ?? fromFile(option, file);
    values[option.key] = setting?.value ?? fallback[option.key];
    sources[option.key] = setting?.source ?? 'default';
  }
  // The table has a row for each field and nothing else: its type says so.
  const loaded = { config: values as unknown as Config, sources: sources as ConfigSources };
  const services = loaded.config.services || servicesFolder(loaded.config);
  const config = { ...loaded.config, services, grpc: placeSockets(loaded.config) };
  validate(config, loaded.sources);
  return { config, sources: loaded.sources };
}

function hostDefaults({ env, cwd, hostname, homedir, readFile }: ConfigInputs) {
  const state = env['XDG_STATE_HOME'] ?? '';
  const stateDir = state === '' ? join(homedir, '.local', 'state') : resolve(cwd, state);
  const seedsFile = join(cwd, 'seeds.json');
  return {
    dataDir: join(stateDir, 'disco'),
    name: hostname.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 128) || 'node',
    seeds: exists(seedsFile, readFile) ? seedsFile : 'none',
  };
}

/** Unreadable is there too: reading the seeds says why, instead of starting without any. */
function exists(path: string, readFile: ConfigInputs['readFile']): boolean {
  try {
    readFile(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function fromOutside(option: Option, { flags, env, cwd }: ConfigInputs): Setting | undefined {
  const given = flags[option.key];
  const variable = env[option.env] ?? '';
  if (given === undefined && variable === '') return undefined;
  const isFlag = given !== undefined;
  const source = isFlag ? `flag ${option.flag}` : `environment ${option.env}`;
  const texts = (Array.isArray(given) ? given : [given ?? variable]).map(String);
  return { source, value: valueOfText(option, texts, { source, where: source, folder: cwd }) };
}

function fromFile(option: Option, file: ConfigFile | undefined): Setting | undefined {
  const node = file?.entries.get(option.key);
  if (file === undefined || node === undefined) return undefined;
  const source = `file ${file.path}`;
  const where = `${nodePlace(source, node)}, key ${option.key}`;
  const origin = { source, where, folder: dirname(file.path) };
  return { source, value: valueOfJson(option, node, origin) };
}

function readConfigFile(inputs: ConfigInputs): ConfigFile | undefined {
  const option = options.find(({ key }) => key === 'config');
  const setting = option && fromOutside(option, inputs);
  if (setting === undefined) return undefined;
  const path = String(setting.value);
  let content: string;
  try {
    content = inputs.readFile(path);
  } catch (error) {
    throw invalid(`${setting.source}: ${path} cannot be read: ${errorText(error)}`);
  }
  const root = parseJsonFile(`file ${path}`, content);
  if (root.kind !== 'object') {
    throw invalid(`file ${path}: got ${describeNode(root)}, expected an object of options`);
  }
  refuseUnknown(path, root.entries);
  return { path, entries: root.entries };
}

function refuseUnknown(path: string, entries: ReadonlyMap<string, JsonNode>): void {
  // A file that names another file is not followed.
  const known = options.map(({ key }) => key).filter((key) => key !== 'config');
  for (const [key, node] of entries) {
    if (known.some((name) => name === key)) continue;
    const closest = closestWord(key, known);
    const advice =
      closest === undefined ? 'disco start --print-config lists them' : `did you mean ${closest}?`;
    throw invalid(`${nodePlace(`file ${path}`, node)}: ${key} is no option; ${advice}`);
  }
}

function placeSockets({ dataDir, grpc }: Config): readonly string[] {
  return grpc.map((target) =>
    target.startsWith('unix:') ? `unix:${resolve(dataDir, target.slice('unix:'.length))}` : target,
  );
}

function invalid(message: string): DiscoError {
  return new DiscoError('INVALID_ARGUMENT', 'CONFIG', message);
}

/**
 * The seed nodes: whom a node without any memory of its cluster dials first.
 *
 * They come from a seeds file, {"cluster": NAME, "seeds": [ADDR, …]}, or straight from the config.
 * A file for another cluster is refused rather than dialled: it would only be refused there.
 */
import { parseAddress, type Address } from '../base/address.ts';
import { DiscoError, errorText } from '../base/error.ts';
import { closestWord } from '../base/spelling.ts';
import { isName } from '../record/names.ts';
import type { LoadedConfig } from './config-sources.ts';
import { isSeedList } from './config-values.ts';
import { describeNode, nodePlace, parseJsonFile, type JsonNode } from './json-file.ts';

export interface LoadedSeeds extends LoadedConfig {
  /** Without duplicates, in the order written; may hold this node's own address. */
  readonly seeds: readonly Address[];
}

interface SeedsFile {
  readonly cluster: string | undefined;
  readonly seeds: readonly Address[];
}

const fileKeys = ['cluster', 'seeds'];

/**
 * Resolves `config.seeds`. When nobody named a cluster, the file's cluster becomes the cluster.
 *
 * @param readFile throws as node:fs does
 * @throws CONFIG
 */
export function loadSeeds(loaded: LoadedConfig, readFile: (path: string) => string): LoadedSeeds {
  const { config, sources } = loaded;
  if (config.seeds === 'none') return { ...loaded, seeds: [] };
  if (isSeedList(config.seeds))
    return { ...loaded, seeds: config.seeds.split(',').map(parseAddress) };
  const path = config.seeds;
  const { cluster, seeds } = parseSeedsFile(path, readSeedsFile(path, sources.seeds, readFile));
  if (cluster === undefined || cluster === config.cluster) return { ...loaded, seeds };
  if (sources.cluster !== 'default') {
    throw invalid(
      `cluster is ${config.cluster} (${sources.cluster}) but seeds file ${path} (${sources.seeds}) ` +
        `is for cluster ${cluster}: name the seeds file of ${config.cluster}, or drop one of the two`,
    );
  }
  return {
    config: { ...config, cluster },
    sources: { ...sources, cluster: `file ${path}` },
    seeds,
  };
}

function readSeedsFile(path: string, source: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (error) {
    throw invalid(
      `${source}: seeds file ${path} cannot be read: ${errorText(error)}; ` +
        'expected a file, host:port addresses with commas between them, or none',
    );
  }
}

/** @throws CONFIG that names file, line, column, key and what was expected */
export function parseSeedsFile(path: string, text: string): SeedsFile {
  const file = `seeds file ${path}`;
  const root = parseJsonFile(file, text);
  if (root.kind !== 'object') throw wrong(file, root, '', '{"cluster": NAME, "seeds": [ADDR, …]}');
  for (const [key, node] of root.entries) {
    if (fileKeys.includes(key)) continue;
    const closest = closestWord(key, fileKeys) ?? fileKeys.join(' or ');
    throw invalid(`${nodePlace(file, node)}: key ${key} is not known; did you mean ${closest}?`);
  }
  const list = root.entries.get('seeds');
  if (list === undefined) throw invalid(`${nodePlace(file, root)}: there is no key seeds`);
  if (list.kind !== 'array') throw wrong(file, list, 'seeds', 'a list of addresses');
  const seeds = list.items.map((node, index) => parseSeed(file, node, `seeds[${index}]`));
  const distinct = new Map(seeds.map((seed) => [`${seed.host} ${seed.port}`, seed]));
  return {
    cluster: parseCluster(file, root.entries.get('cluster')),
    seeds: [...distinct.values()],
  };
}

function parseCluster(file: string, node: JsonNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.kind === 'string' && isName(node.value)) return node.value;
  throw wrong(file, node, 'cluster', "1 to 128 letters, digits, '.', '-' or '_'");
}

function parseSeed(file: string, node: JsonNode, key: string): Address {
  if (node.kind !== 'string') throw wrong(file, node, key, 'an address such as "10.0.0.7:7947"');
  let seed: Address;
  try {
    seed = parseAddress(node.value);
  } catch (error) {
    throw invalid(`${nodePlace(file, node)}, key ${key}: ${errorText(error)}`);
  }
  if (seed.port === 0) throw wrong(file, node, key, 'a port to dial, from 1 to 65535');
  return seed;
}

function wrong(file: string, node: JsonNode, key: string, expected: string): DiscoError {
  const where = key === '' ? nodePlace(file, node) : `${nodePlace(file, node)}, key ${key}`;
  return invalid(`${where}: got ${describeNode(node)}, expected ${expected}`);
}

function invalid(message: string): DiscoError {
  return new DiscoError('INVALID_ARGUMENT', 'CONFIG', message);
}

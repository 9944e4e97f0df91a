/** The rules of the house that a machine can check, each as a function from a source to findings. */
import { posix } from 'node:path';
import { findAll, lineOf, type Import, type Source } from './tidy-source.ts';

/** What each floor may import from, itself aside; an import only goes down. */
export const floors: Readonly<Record<string, readonly string[]>> = {
  base: ['gen'],
  record: ['base', 'gen'],
  membership: ['base', 'record', 'gen'],
  store: ['base', 'record', 'membership'],
  registry: ['base', 'record', 'membership', 'store'],
  gossip: ['base', 'record', 'membership', 'store', 'registry', 'gen'],
  api: ['base', 'record', 'membership', 'store', 'registry', 'gen'],
  health: ['base', 'record', 'membership', 'store', 'registry'],
  daemon: ['base', 'record', 'membership', 'store', 'registry', 'gossip', 'api', 'health'],
  client: ['base', 'gen'],
  services: ['base', 'client', 'gen'],
  cli: [
    'base',
    'record',
    'membership',
    'store',
    'registry',
    'gossip',
    'api',
    'health',
    'daemon',
    'client',
    'sim',
    'gen',
  ],
  sim: ['base', 'record', 'membership', 'store', 'registry', 'gossip', 'api', 'health', 'daemon'],
};

const bannedNames = ['utils', 'helpers', 'common', 'misc', 'types', 'manager', 'handlers'];
const cryptoFiles =
  /^src\/(record\/(signature|hash)\.ts$|(client|health)\/identity\.ts$|daemon\/|store\/)/;
const pureFiles = /^src\/(record|membership|registry|gossip)\//;
const gossipHosts = /^src\/gossip\/([a-z0-9-]*transport[a-z0-9-]*|agent|knock)\.ts$/;
/** Of node:net, what only looks at a text. */
/** Functions of Node.js that compute and nothing else. */
const pureFunctions: ReadonlyMap<string, readonly string[]> = new Map([
  ['node:net', ['isIP', 'isIPv4', 'isIPv6']],
  ['node:zlib', ['deflateRawSync', 'inflateRawSync']],
]);
export const linesMax = 400;
export const folderDepthMax = 2;

/** The floor of `src/<floor>/<file>`. */
export function floorOf(path: string): string {
  return path.split('/')[1] ?? '';
}

export function isPure(path: string): boolean {
  return pureFiles.test(path) && !gossipHosts.test(path);
}

export function upwardImports({ path, imports }: Source): string[] {
  const floor = floorOf(path);
  const allowed = floors[floor];
  if (allowed === undefined) return [`${path} is on no floor that the house has`];
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .filter(({ specifier }) => {
      const target = floorOf(posix.join(posix.dirname(path), specifier));
      return target !== floor && !allowed.includes(target);
    })
    .map(({ specifier, line }) => `${path}:${line} imports ${specifier}`);
}

export function impurities(source: Source): string[] {
  if (!isPure(source.path)) return [];
  const outside =
    /\bawait\b|\basync\b|\b(?:set|clear)(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bDate\b|\bMath\.random\b|\bperformance\b|\bprocess\b|\bfetch\b/;
  const modules = source.imports
    .filter(({ specifier }) => specifier.startsWith('node:') && specifier !== 'node:crypto')
    .filter((found) => !isPureFunction(found))
    .map(({ specifier, line }) => `${source.path}:${line} imports ${specifier}`);
  return [...findAll(source, outside), ...modules];
}

function isPureFunction({ specifier, names }: Import): boolean {
  const pure = pureFunctions.get(specifier);
  return pure !== undefined && names.every((name) => pure.includes(name));
}

export function strayCrypto({ path, imports }: Source): string[] {
  return imports
    .filter(({ specifier }) => specifier === 'node:crypto' && !cryptoFiles.test(path))
    .map(({ line }) => `${path}:${line} imports node:crypto`);
}

/** What type stripping cannot do, and default exports. */
export function bannedSyntax(source: Source): string[] {
  const banned = [
    /\bexport\s+default\b/,
    /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w+/,
    /^\s*(?:export\s+)?(?:declare\s+)?(?:namespace|module)\s+[\w.]+\s*\{/,
  ];
  return [...banned.flatMap((pattern) => findAll(source, pattern)), ...parameterProperties(source)];
}

function parameterProperties({ path, text, code }: Source): string[] {
  return [...code.matchAll(/\bconstructor\s*\(/g)].flatMap((match) => {
    const parameters = upToClosing(code, match.index + match[0].length);
    const isFound = /(?:^|,)\s*(?:public|private|protected|readonly|override)\s/.test(parameters);
    return isFound ? [`${path}:${lineOf(text, match.index)} parameter property`] : [];
  });
}

function upToClosing(code: string, start: number): string {
  let depth = 1;
  let end = start;
  while (end < code.length && depth > 0) {
    depth += Number(code[end] === '(') - Number(code[end] === ')');
    end++;
  }
  return code.slice(start, end - 1);
}

export function badName(path: string): string[] {
  const segments = path.split('/').slice(1);
  const file = segments.at(-1) ?? '';
  const words = segments.flatMap((segment) => segment.replace(/\..*/, '').split('-'));
  const isKebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.(ts|js)$/.test(file);
  return [
    ...words
      .filter((word) => bannedNames.includes(word))
      .map((word) => `${path} is called ${word}`),
    ...(isKebab ? [] : [`${path} is not in kebab-case`]),
  ];
}

export function tooDeep(path: string): string[] {
  const folders = path.split('/').length - 2;
  return folders > folderDepthMax ? [`${path} lies ${folders} folders deep`] : [];
}

export function tooLong({ path, text }: Source): string[] {
  const lines = text.trimEnd().split('\n').length;
  return lines > linesMax ? [`${path} has ${lines} lines`] : [];
}

export function unfinished(source: Source): string[] {
  return findAll(source, /\b(?:TO[D]O|FIX[M]E|X[X]X)\b.*/, source.text);
}

/** Left out on the quiet: the way to leave one out is `{ skip: 'why' }`. */
export function mutedTests(source: Source): string[] {
  return findAll(source, /\.(?:only|skip|todo)\s*\(|\b(?:only|skip|todo)\s*:\s*true\b/);
}

export function sleeps(source: Source): string[] {
  const promised = /new Promise\b[^;]{0,200}?\bsetTimeout\s*\(|\b(?:sleep|delay)\s*\(/;
  const modules = source.imports
    // A turn of the event loop is no sleep.
    .filter(({ specifier, names }) => {
      return /^(node:)?timers\/promises$/.test(specifier) && names.join() !== 'setImmediate';
    })
    .map(({ specifier, line }) => `${source.path}:${line} imports ${specifier}`);
  return [...findAll(source, promised), ...modules];
}

export function fixedPorts(source: Source): string[] {
  return findAll(source, /\b794[789]\b/, source.text);
}

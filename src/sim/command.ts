/**
 * The command line of a simulation: one row an option, from which come the flag, its help, the
 * check of its value, and the command that plays a run again.
 */
import { faultForms, faultText, parseFault } from './fault-text.ts';
import {
  parseAmount,
  parseCount,
  parseShare,
  parseSpan,
  spanText,
  usageError,
} from './quantity.ts';
import type { Fault, SimOptions } from './run.ts';

type Plain = Exclude<keyof SimOptions, 'faults'>;

/** One option of the command line. */
export interface SimFlag {
  readonly key: Plain;
  /** `--changes-per-minute` */
  readonly flag: string;
  /** What stands for the value in a usage line; empty when there is none. */
  readonly placeholder: string;
  /** What the flag means without a value; undefined when it needs one. */
  readonly preset: string | undefined;
  readonly help: string;
  /** The value that a text means. @throws DiscoError CONFIG */
  readonly parse: (text: string) => number | boolean;
  /** The other way round; undefined: the flag is left out. */
  readonly print: (value: number | boolean) => string | undefined;
}

export const nodesMax = 100_000;
const durationMsMax = 366 * 86_400_000;
const timeScaleMax = 1_000_000;
const changesMax = 1_000;

export const defaultOptions: SimOptions = {
  nodes: 100,
  durationMs: 60_000,
  randomSeed: 1,
  latencyMs: 25,
  latencyJitter: 0.2,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  faults: [],
  changesPerMinute: 0.01,
  timeScale: 1,
  realSignatures: false,
  isWarm: true,
};

/** What a replay names even when it is the default: a later default must not change it. */
const alwaysNamed: readonly Plain[] = ['nodes', 'durationMs', 'randomSeed'];

export const simFlags: readonly SimFlag[] = [
  count('nodes', 'nodes', 'N', 1, nodesMax, 'how many daemons'),
  span('durationMs', 'duration', 1, durationMsMax, 'how much virtual time'),
  count('randomSeed', 'random-seed', 'N', 0, 0xffff_ffff, 'equal ones give equal runs'),
  span('latencyMs', 'latency', 0, 60_000, 'of a message, on the mean'),
  share('latencyJitter', 'latency-jitter', 'by how much it varies around the mean'),
  share('loss', 'loss', 'of the messages are lost'),
  share('duplicate', 'duplicate', 'of them come twice', '0.05'),
  share('reorder', 'reorder', 'of them are overtaken', '0.05'),
  amount('changesPerMinute', 'changes-per-minute', changesMax, 'of each node, on the mean'),
  count('timeScale', 'time-scale', 'N', 1, timeScaleMax, 'divides refresh, grace and reap times'),
  lamp('realSignatures', 'real-signatures', true, 'Ed25519 instead of a keyed hash'),
  lamp('isWarm', 'cold', false, 'nodes join through node 1 instead of knowing each other'),
];

function count(
  key: Plain,
  name: string,
  placeholder: string,
  min: number,
  max: number,
  help: string,
): SimFlag {
  const flag = `--${name}`;
  const parse = (text: string): number => parseCount(text, `${flag} ${text}`, min, max);
  return { key, flag, placeholder, preset: undefined, help, parse, print: String };
}

function span(key: Plain, name: string, minMs: number, maxMs: number, help: string): SimFlag {
  const flag = `--${name}`;
  const parse = (text: string): number => {
    const ms = parseSpan(text, `${flag} ${text}`);
    if (ms >= minMs && ms <= maxMs) return ms;
    const bound = ms > maxMs ? `most ${spanText(maxMs)}` : `least ${spanText(minMs)}`;
    throw usageError(`${flag} ${text}: write at ${bound}`);
  };
  const print = (value: number | boolean): string => spanText(Number(value));
  return { key, flag, placeholder: 'TIME', preset: undefined, help, parse, print };
}

function share(key: Plain, name: string, help: string, preset?: string): SimFlag {
  const flag = `--${name}`;
  const parse = (text: string): number => parseShare(text, `${flag} ${text}`);
  return { key, flag, placeholder: 'SHARE', preset, help, parse, print: String };
}

function amount(key: Plain, name: string, max: number, help: string): SimFlag {
  const flag = `--${name}`;
  const parse = (text: string): number => parseAmount(text, `${flag} ${text}`, max);
  return { key, flag, placeholder: 'N', preset: undefined, help, parse, print: String };
}

/** @param lit the value when the flag is given */
function lamp(key: Plain, name: string, lit: boolean, help: string): SimFlag {
  const print = (value: number | boolean): string | undefined => (value === lit ? '' : undefined);
  const parse = (): boolean => lit;
  return { key, flag: `--${name}`, placeholder: '', preset: undefined, help, parse, print };
}

/** A flag and the text behind it, in the order of the command line. */
export type GivenFlag = readonly [flag: string, text: string];

/** @throws DiscoError CONFIG, also for what does not fit together */
export function optionsOf(given: readonly GivenFlag[]): SimOptions {
  const faults: Fault[] = [];
  const plain: Record<string, number | boolean> = {};
  for (const [flag, text] of given) {
    const found = simFlags.find((each) => each.flag === flag);
    if (found === undefined) faults.push(parseFault(flag.replace(/^--/, ''), text));
    else plain[found.key] = found.parse(text);
  }
  const options: SimOptions = { ...defaultOptions, ...plain, faults };
  for (const fault of faults) checkFault(options, fault);
  return options;
}

function checkFault({ nodes, durationMs }: SimOptions, fault: Fault): void {
  const of = `--${fault.kind} ${faultText(fault)}`;
  if (fault.atMs > durationMs)
    throw usageError(`${of}: begins after the ${spanText(durationMs)} of --duration`);
  if (fault.count > nodes)
    throw usageError(`${of}: strikes ${fault.count} nodes of ${nodes}: raise --nodes`);
  const missing = fault.nodes.find((node) => node > nodes);
  if (missing !== undefined)
    throw usageError(`${of}: there is no n${missing} with --nodes ${nodes}: they begin at n1`);
}

/** The command that plays a run again: `optionsOf` reads equal options from it. */
export function commandOf(options: SimOptions): string {
  return ['disco sim', ...flagsOf(options).map(([flag, text]) => `${flag} ${text}`.trim())].join(
    ' ',
  );
}

/** The flags that differ from the defaults, those that a replay always names, and the faults. */
export function flagsOf(options: SimOptions): GivenFlag[] {
  const plain = simFlags.flatMap(({ key, flag, print }): GivenFlag[] => {
    const value = options[key];
    const text = print(value);
    const isNamed = value !== defaultOptions[key] || alwaysNamed.includes(key);
    return isNamed && text !== undefined ? [[flag, text]] : [];
  });
  const faults = options.faults.map((fault): GivenFlag => [`--${fault.kind}`, faultText(fault)]);
  return [...plain, ...faults];
}

/** The flags of the faults, for those who list options. */
export const faultFlags: readonly string[] = faultForms.map(({ kind }) => `--${kind}`);

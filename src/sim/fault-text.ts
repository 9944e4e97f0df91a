/**
 * Faults as they stand on a command line: `--KIND WHAT@FROM[-UNTIL][:DETAIL]`.
 *
 *   --partition halves@10s-40s        WHAT is the shape of a partition, which may name one side:
 *   --partition halves:n1-n4@10s-40s
 *   --crash 3@20s-30s                 else how many nodes, chosen by the random seed,
 *   --crash n3,n7-n9@20s-30s          or which nodes,
 *   --crash some@20s-30s              or as many as the kind strikes when it is not told
 *   --clock-jump 2@30s:+10y           DETAIL is how much, where a kind knows that
 *
 * Nothing in it means anything to a shell. What is printed is read back as the same fault.
 */
import { closestWord } from '../base/spelling.ts';
import { parseCount, parseShare, parseSpan, spanText, usageError } from './quantity.ts';
import type { Fault } from './run.ts';

/** How the faults of one kind are written. */
export interface FaultForm {
  readonly kind: string;
  readonly what: 'shape' | 'nodes' | 'share';
  /** Whether it needs an end; what may do without one is over at once. */
  readonly lasts: 'spans' | 'either';
  /** What may stand behind the last colon. */
  readonly detail: 'nothing' | 'shift' | 'gain' | 'rate' | 'part';
  readonly help: string;
}

export const partitionShapes = ['halves', 'thirds', 'one-way', 'flapping'] as const;

/** How much of what was not yet on disk a torn store loses. */
export const tornParts = ['batch', 'row'] as const;

/** One for each of `faultKinds`, without what it takes to make them happen. */
export const faultForms: readonly FaultForm[] = [
  {
    kind: 'partition',
    what: 'shape',
    lasts: 'spans',
    detail: 'nothing',
    help: `the network is cut: ${partitionShapes.join(', ')}`,
  },
  {
    kind: 'link-breaks',
    what: 'share',
    lasts: 'either',
    detail: 'nothing',
    help: 'so many of the connections break',
  },
  ofNodes('slow', 'spans', 'rate', 'they read so many bytes a second'),
  ofNodes('crash', 'either', 'nothing', 'killed; they start again at UNTIL'),
  ofNodes('mass-restart', 'either', 'nothing', 'the same with all nodes at once'),
  ofNodes('moved', 'either', 'nothing', 'killed; they start at another address'),
  ofNodes('lost-database', 'either', 'nothing', 'killed; they start with the key alone'),
  ofNodes('lost-data-dir', 'either', 'nothing', 'killed; they start as new owners'),
  ofNodes('torn-store', 'either', 'part', `killed amid a write: ${tornParts.join(' or ')}`),
  ofNodes('pause', 'spans', 'nothing', 'frozen as by SIGSTOP'),
  ofNodes('clock-jump', 'either', 'shift', 'their wall clocks jump, and back at UNTIL'),
  ofNodes('clock-drift', 'spans', 'gain', 'their wall clocks gain so much'),
  ofNodes('clone', 'spans', 'nothing', 'a second process has the same key'),
];

function ofNodes(
  kind: string,
  lasts: FaultForm['lasts'],
  detail: FaultForm['detail'],
  help: string,
): FaultForm {
  return { kind, what: 'nodes', lasts, detail, help };
}

/** What stands for the value in a usage line, like `nodes@from-until`. */
export function placeholderOf({ what, detail }: FaultForm): string {
  return `${what}@from-until${detail === 'nothing' ? '' : `:${detail}`}`;
}

/** One that may be copied, for help and for errors. */
export function exampleOf({ kind, what, detail }: FaultForm): string {
  const which = { shape: 'halves', nodes: '3', share: '0.3' }[what];
  const behind = { nothing: '', shift: ':+10y', gain: ':+1%', rate: ':2000', part: ':row' }[detail];
  return `--${kind} ${which}@10s${what === 'share' ? '' : '-40s'}${behind}`;
}

/**
 * @param text what stands behind `--KIND`
 * @throws DiscoError CONFIG, with a sentence that says what to write
 */
export function parseFault(kind: string, text: string): Fault {
  const found = faultForms.find((form) => form.kind === kind);
  if (found === undefined) throw usageError(`no fault is called ${JSON.stringify(kind)}`);
  const of = `--${kind} ${text}`;
  const [, what = '', from, until, detail] = specForm.exec(text) ?? [];
  if (from === undefined) throw usageError(`${of}: write it like ${exampleOf(found)}`);
  const struck = { nodes: [], count: 0, ...readWhat(found, of, what) };
  const atMs = parseSpan(from, of);
  const untilMs = readUntil(found, of, atMs, until);
  return { kind, atMs, untilMs, detail: readDetail(found, of, detail), ...struck };
}

/** As many as the kind strikes when it is not told. */
const usual = 'some';
const specForm = /^([^@]+)@([^@:-]+)(?:-([^@:]+))?(?::(.+))?$/;
const nodesMax = 100_000;
const rateMax = 1_000_000_000;

function readUntil(form: FaultForm, of: string, atMs: number, until: string | undefined): number {
  if (until === undefined) {
    if (form.lasts === 'either') return atMs;
    throw usageError(`${of}: it also needs an end, like ${exampleOf(form)}`);
  }
  const untilMs = parseSpan(until, of);
  if (untilMs > atMs) return untilMs;
  throw usageError(`${of}: it has to end after ${spanText(atMs)}, when it begins`);
}

function readWhat({ what }: FaultForm, of: string, text: string): Partial<Fault> {
  switch (what) {
    case 'nodes':
      return text === usual ? {} : readNodes(text, of);
    case 'share':
      return text === usual ? {} : { detail: parseShare(text, of) };
    case 'shape': {
      const [, shape = '', side] = /^([^:]*)(?::(.*))?$/.exec(text) ?? [];
      const detail = readWord(shape, of, 'shape', partitionShapes);
      return side === undefined ? { detail } : { detail, nodes: readNames(side, of) };
    }
  }
}

function readWord(text: string, of: string, noun: string, words: readonly string[]): string {
  if (words.includes(text)) return text;
  const closest = closestWord(text, words);
  const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
  const known = words.join(', ');
  throw usageError(`${of}: ${JSON.stringify(text)} is no ${noun}: write one of ${known}${hint}`);
}

function readNodes(text: string, of: string): Pick<Fault, 'nodes' | 'count'> {
  if (/^\d+$/.test(text)) return { nodes: [], count: parseCount(text, of, 1, nodesMax) };
  return { nodes: readNames(text, of), count: 0 };
}

function readNames(text: string, of: string): number[] {
  const nodes = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^n(\d{1,6})(?:-n?(\d{1,6}))?$/.exec(part) ?? [];
    if (first === undefined)
      throw usageError(`${of}: ${JSON.stringify(part)} names no nodes: write 3, or n3,n7-n9`);
    const [from, to] = [Number(first), Number(last)];
    if (from < 1 || to < from || to > nodesMax)
      throw usageError(`${of}: ${part}: nodes are n1, n2 and so on, the lower number first`);
    for (let node = from; node <= to; node++) nodes.add(node);
  }
  return [...nodes];
}

/** Nothing said: an empty text, and the kind takes what is usual for it. */
function readDetail(form: FaultForm, of: string, text: string | undefined): string | number {
  if (text === undefined) return '';
  if (form.detail === 'nothing')
    throw usageError(`${of}: nothing stands behind the time, like ${exampleOf(form)}`);
  if (form.detail === 'part') return readWord(text, of, 'part of a store', tornParts);
  if (form.detail === 'rate') return parseCount(text, of, 1, rateMax);
  const size = text.replace(/^[+-]/, '');
  const amount = form.detail === 'shift' ? parseSpan(size, of) : parseShare(size, of);
  return text.startsWith('-') && amount !== 0 ? -amount : amount;
}

/** What stands behind `--KIND`; `parseFault` reads the same fault from it. */
export function faultText(fault: Fault): string {
  const { kind, atMs, untilMs } = fault;
  const found = faultForms.find((form) => form.kind === kind);
  const until = untilMs === atMs ? '' : `-${spanText(untilMs)}`;
  const behind = found === undefined ? '' : detailText(found, fault);
  return `${whatText(found?.what ?? 'nodes', fault)}@${spanText(atMs)}${until}${behind}`;
}

function whatText(what: FaultForm['what'], { nodes, count, detail }: Fault): string {
  switch (what) {
    case 'nodes':
      if (nodes.length > 0) return namesText(nodes);
      return count === 0 ? usual : String(count);
    case 'share':
      return detail === '' ? usual : String(detail);
    case 'shape':
      return nodes.length > 0 ? `${detail}:${namesText(nodes)}` : String(detail);
  }
}

function namesText(nodes: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const node of nodes) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] + 1 === node) run[1] = node;
    else runs.push([node, node]);
  }
  return runs.map(([from, to]) => (from === to ? `n${from}` : `n${from}-n${to}`)).join(',');
}

function detailText({ detail: form }: FaultForm, { detail }: Fault): string {
  if (form === 'nothing' || detail === '') return '';
  if (form === 'part') return `:${detail}`;
  const amount = Number(detail);
  const sign = amount < 0 ? '-' : '+';
  switch (form) {
    case 'rate':
      return `:${amount}`;
    case 'shift':
      return `:${sign}${spanText(Math.abs(amount))}`;
    case 'gain':
      return `:${sign}${Math.abs(amount)}`;
  }
}

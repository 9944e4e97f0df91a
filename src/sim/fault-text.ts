/**
 * Faults as they stand on a command line: `--KIND WHAT@FROM[-UNTIL][:DETAIL]`.
 *
 *   --partition halves@10s-40s        WHAT is the shape of a partition,
 *   --crash 3@20s-30s                 or how many nodes, chosen by the random seed,
 *   --crash n3,n7-n9@20s-30s          or which nodes
 *   --clock-jump 2@30s:+10y           DETAIL is what the kind still needs
 *
 * Nothing in it means anything to a shell. What is printed is read back as the same fault.
 */
import { closestWord } from '../base/spelling.ts';
import { parseCount, parseShare, parseSpan, spanText, usageError } from './quantity.ts';
import type { Fault } from './run.ts';

/** How the faults of one kind are written. */
export interface FaultForm {
  readonly kind: string;
  /** `spans` have an end, `moments` have none, `either` goes on to the end of the run without one. */
  readonly lasts: 'spans' | 'moments' | 'either';
  /** What stands behind the colon. */
  readonly detail: 'nothing' | 'shift' | 'delay' | 'share';
  readonly help: string;
}

export const partitionShapes = ['halves', 'thirds', 'one-way', 'flapping'] as const;

export const faultForms: readonly FaultForm[] = [
  form('partition', 'spans', 'nothing', `links cut: ${partitionShapes.join(', ')}`),
  form('crash', 'either', 'nothing', 'killed, and back with its disk at UNTIL'),
  form('lose-disk', 'either', 'nothing', 'killed, and back with its key alone'),
  form('move', 'either', 'nothing', 'killed, and back at another address'),
  form('torn-store', 'either', 'nothing', 'killed amid a write, and back with what was whole'),
  form('pause', 'spans', 'nothing', 'stopped like by SIGSTOP, then goes on'),
  form('slow', 'spans', 'delay', 'all that it sends and gets is late by so much'),
  form('clock-jump', 'either', 'shift', 'its wall clock jumps, and back at UNTIL'),
  form('clock-drift', 'spans', 'share', 'its wall clock runs so much too fast'),
  form('clone', 'spans', 'nothing', 'a second node with the same key'),
];

function form(
  kind: string,
  lasts: FaultForm['lasts'],
  detail: FaultForm['detail'],
  help: string,
): FaultForm {
  return { kind, lasts, detail, help };
}

/** What stands for the value in a usage line, like `COUNT@FROM-UNTIL`. */
export function placeholderOf({ kind, lasts, detail }: FaultForm): string {
  const until = { spans: '-UNTIL', moments: '', either: '[-UNTIL]' }[lasts];
  const behind = { nothing: '', shift: ':SHIFT', delay: ':DELAY', share: ':SHARE' }[detail];
  return `${kind === 'partition' ? 'SHAPE' : 'NODES'}@FROM${until}${behind}`;
}

/** One that may be copied, for help and for errors. */
export function exampleOf({ kind, lasts, detail }: FaultForm): string {
  const what = kind === 'partition' ? 'halves' : '3';
  const until = lasts === 'moments' ? '' : '-40s';
  const behind = { nothing: '', shift: ':+10y', delay: ':200ms', share: ':0.01' }[detail];
  return `--${kind} ${what}@10s${until}${behind}`;
}

/**
 * @param text what stands behind `--KIND`
 * @throws DiscoError USAGE, with a sentence that says what to write
 */
export function parseFault(kind: string, text: string): Fault {
  const found = faultForms.find((form) => form.kind === kind);
  if (found === undefined) throw usageError(`no fault is called ${JSON.stringify(kind)}`);
  const of = `--${kind} ${text}`;
  const [, what = '', when, from = '', until, detail] = specForm.exec(text) ?? [];
  if (when === undefined) throw usageError(`${of}: write it like ${exampleOf(found)}`);
  const atMs = parseSpan(from, of);
  return {
    kind,
    atMs,
    untilMs: readUntil(found, of, atMs, until),
    ...(kind === 'partition' ? noNodes : readNodes(what, of)),
    detail: kind === 'partition' ? readShape(what, of) : readDetail(found, of, detail),
  };
}

const specForm = /^([^@:]+)(@)([^@:-]+)(?:-([^@:]+))?(?::(.+))?$/;
const noNodes = { nodes: [], count: 0 };
const nodesMax = 100_000;

function readUntil(form: FaultForm, of: string, atMs: number, until: string | undefined): number {
  if (until === undefined) {
    if (form.lasts !== 'spans') return atMs;
    throw usageError(`${of}: it also needs an end, like ${exampleOf(form)}`);
  }
  if (form.lasts === 'moments')
    throw usageError(`${of}: it happens at once and has no end, like ${exampleOf(form)}`);
  const untilMs = parseSpan(until, of);
  if (untilMs > atMs) return untilMs;
  throw usageError(`${of}: it has to end after ${spanText(atMs)}, when it begins`);
}

function readShape(text: string, of: string): string {
  if (partitionShapes.some((shape) => shape === text)) return text;
  const closest = closestWord(text, partitionShapes);
  const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
  const known = partitionShapes.join(', ');
  throw usageError(`${of}: ${JSON.stringify(text)} is no shape: write one of ${known}${hint}`);
}

function readNodes(text: string, of: string): Pick<Fault, 'nodes' | 'count'> {
  if (/^\d+$/.test(text)) return { nodes: [], count: parseCount(text, of, 1, nodesMax) };
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
  return { nodes: [...nodes], count: 0 };
}

function readDetail(form: FaultForm, of: string, text: string | undefined): string | number {
  if (form.detail === 'nothing') {
    if (text === undefined) return '';
    throw usageError(`${of}: nothing stands behind the time, like ${exampleOf(form)}`);
  }
  if (text === undefined)
    throw usageError(`${of}: how much stands behind a colon, like ${exampleOf(form)}`);
  if (form.detail === 'delay') return parseSpan(text, of);
  const isBack = text.startsWith('-');
  const size = text.replace(/^[+-]/, '');
  const amount = form.detail === 'shift' ? parseSpan(size, of) : parseShare(size, of);
  return isBack && amount !== 0 ? -amount : amount;
}

/** What stands behind `--KIND`; `parseFault` reads the same fault from it. */
export function faultText(fault: Fault): string {
  const { kind, atMs, untilMs, detail } = fault;
  const found = faultForms.find((form) => form.kind === kind);
  const what = kind === 'partition' ? String(detail) : struckText(fault);
  const until = untilMs === atMs ? '' : `-${spanText(untilMs)}`;
  const behind = found === undefined ? '' : detailText(found, detail);
  return `${what}@${spanText(atMs)}${until}${behind}`;
}

function struckText({ nodes, count }: Fault): string {
  if (nodes.length === 0) return String(count);
  const runs: [number, number][] = [];
  for (const node of nodes) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] + 1 === node) run[1] = node;
    else runs.push([node, node]);
  }
  return runs.map(([from, to]) => (from === to ? `n${from}` : `n${from}-n${to}`)).join(',');
}

function detailText({ detail: form }: FaultForm, detail: string | number): string {
  const amount = Number(detail);
  const sign = amount < 0 ? '-' : '+';
  switch (form) {
    case 'nothing':
      return '';
    case 'delay':
      return `:${spanText(amount)}`;
    case 'shift':
      return `:${sign}${spanText(Math.abs(amount))}`;
    case 'share':
      return `:${sign}${Math.abs(amount)}`;
  }
}

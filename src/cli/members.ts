/** The verbs about the other nodes: members, and force-leave for one that will not come back. */
import type { Command } from 'commander';
import { DiscoError } from '../base/error.ts';
import type { Accuser, Member } from '../client/daemon-status.ts';
import type { Disco } from '../client/disco.ts';
import { MemberChanges } from './member-changes.ts';
import type { MemberChange } from './member-changes.ts';
import { age, note, paint, print, printList, printOne, table, visible } from './output.ts';
import type { OutputForm } from './output.ts';
import { globalOptions, withDisco } from './session.ts';

const retryMs = 500;
const peerIdChars = 16;

const watchExamples = `
A table has those that left only with --all; programs get them in any case.

Examples:
  $ disco members
  $ disco members --watch
  $ disco members --watch -o ndjson | jq -r 'select(.member.state == "dead").member.name'`;

const forceLeaveHelp = `
Only for a dead member: one that lives is refused. All nodes stop to list and to dial it at once,
instead of when it is forgotten. Should it come back all the same, it is alive again.

Example:
  $ disco force-leave node-3`;

export function addMemberVerbs(program: Command): void {
  program
    .command('members')
    .description('the nodes, as this node sees them: who lives, since when, who says otherwise')
    .option('--all', 'in a table: those that left, too')
    .option('--watch', 'print what changes, a line each, until interrupted')
    .addHelpText('after', watchExamples)
    .action(members);
  program
    .command('force-leave')
    .argument('<node>', 'its name or its peer id')
    .description('say of a dead node that it will not come back')
    .addHelpText('after', forceLeaveHelp)
    .action(forceLeave);
}

interface MembersFlags {
  readonly all?: boolean;
  readonly watch?: boolean;
}

async function members(flags: MembersFlags, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const isWhole = flags.all === true || options.output !== 'table';
  const isListed = ({ state }: Member): boolean => isWhole || state !== 'left';
  const show = (found: readonly Member[]): void => {
    const shown = found.filter(isListed);
    const asTable = (): string => memberTable(shown);
    printList(options.output, { members: shown }, shown, asTable, 'disco: no members');
  };
  await withDisco(options, async (disco) => {
    if (flags.watch === true) await watchMembers(disco, { form: options.output, show, isListed });
    else show(await disco.members());
  });
}

async function forceLeave(word: string, _: object, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const found = await withDisco(options, (disco) => disco.forceLeave(word));
  printOne(
    options.output,
    found,
    () => `${visible(found.name)} (${found.peerId}) is listed and dialed no more`,
  );
}

interface WatchOptions {
  readonly form: OutputForm;
  /** Prints those of the beginning, for people. */
  readonly show: (members: readonly Member[]) => void;
  readonly isListed: (member: Member) => boolean;
}

/**
 * All of them, then what changes, until the program is interrupted. A daemon that goes does not end
 * it: once it is back, what changed in between is told.
 */
async function watchMembers(disco: Disco, options: WatchOptions): Promise<void> {
  const { form, show, isListed } = options;
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.abort());
  const { signal } = interrupted;
  const changes = new MemberChanges();
  let isBeginning = true;
  let told = '';
  // A daemon that is not there at the beginning is told; one that goes later is waited for.
  await disco.status();
  while (!signal.aborted) {
    try {
      for await (const event of disco.watchMembers({ signal })) {
        for (const change of changes.take(event).filter((each) => isNews(each, isListed)))
          if (form !== 'table') print(JSON.stringify(change));
          else if (!isBeginning) print(lineOf(change));
        if (event.kind !== 'snapshot_end') continue;
        if (form !== 'table') print('{"kind":"fresh"}');
        else if (isBeginning) show(changes.members());
        else note('disco: up to date');
        isBeginning = false;
        told = '';
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DiscoError) || error.code !== 'UNAVAILABLE') throw error;
      if (told !== error.reason) tellStale(form, error);
      told = error.reason;
    }
    changes.cut();
    await pause(signal);
  }
}

/** One that is not listed may leave the list, but does not come to it, nor go from it. */
function isNews(change: MemberChange, isListed: (member: Member) => boolean): boolean {
  const before = change.kind === 'member' ? change.before : undefined;
  return isListed(change.member) || (before !== undefined && isListed(before));
}

function tellStale(form: OutputForm, { code, reason, message }: DiscoError): void {
  if (form === 'table') note(`disco: ${message}`);
  else print(JSON.stringify({ kind: 'stale', problem: { code, reason, message } }));
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, retryMs);
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
  });
}

/** The time, whom it is about, and what changed; the first column of its own colour. */
function lineOf(change: MemberChange): string {
  const { member } = change;
  const isMove = change.kind === 'member' && change.before?.state !== member.state;
  const atMs = isMove ? member.stateSince / 1000 : Date.now();
  const text = visible(`${nameOf(member)} ${whatChanged(change)}`);
  return `${new Date(atMs).toISOString()} ${paint(styleOf(change), text)}`;
}

function styleOf({ kind, member }: MemberChange): 'green' | 'yellow' | 'red' | 'dim' {
  if (kind === 'forgotten' || member.state === 'left') return 'dim';
  if (member.state === 'dead') return 'red';
  return member.state === 'suspect' ? 'yellow' : 'green';
}

function whatChanged(change: MemberChange): string {
  const { kind, member } = change;
  if (kind === 'forgotten') return `${member.state} -> forgotten`;
  const { before } = change;
  if (before === undefined) return `${member.state}, new, at ${placeOf(member)}`;
  const isMoved = placeOf(before) !== placeOf(member);
  const accused = accusedBy(member);
  return [
    before.state === member.state ? member.state : `${before.state} -> ${member.state}`,
    ...(before.name === member.name ? [] : [`was ${before.name}`]),
    ...(before.incarnation === member.incarnation ? [] : [`incarnation ${member.incarnation}`]),
    ...(isMoved ? [`at ${placeOf(member)}`] : []),
    ...(before.version === member.version ? [] : [`version ${member.version}`]),
    ...(before.linked === member.linked ? [] : [member.linked ? 'linked' : 'no link']),
    ...(accused === '' ? [] : [`accused by ${accused}`]),
    ...(before.maintenance === member.maintenance ? [] : [maintenanceOf(member)]),
  ].join(', ');
}

function memberTable(found: readonly Member[]): string {
  const nowMs = Date.now();
  // In good times nobody is accused, and the lines are long enough.
  const isAccused = found.some(({ accusers }) => accusers.length > 0);
  const cells = (member: Member): string[] => [
    member.self ? `${member.name} (this)` : member.name,
    member.maintenance === '' ? member.state : `${member.state}, maintenance`,
    age(member.stateSince, nowMs),
    ...(isAccused ? [accusedBy(member) || '-'] : []),
    placeOf(member),
    String(member.instances),
    member.self ? '-' : member.linked ? 'yes' : 'no',
    rttText(member.rttMicros),
    member.version,
    member.peerId,
  ];
  const accused = isAccused ? ['ACCUSED BY'] : [];
  const contact = ['ADDRESS', 'INSTANCES', 'LINK', 'RTT', 'VERSION', 'PEER ID'];
  return table(['NODE', 'STATE', 'SINCE', ...accused, ...contact], found.map(cells));
}

function maintenanceOf({ maintenance }: Member): string {
  return maintenance === '' ? 'no longer in maintenance' : `in maintenance: ${maintenance}`;
}

function placeOf({ addresses }: Member): string {
  return addresses[0] ?? '-';
}

function accusedBy({ accusers }: Member): string {
  return accusers
    .map(
      (accuser) =>
        `${nameOf(accuser)} (${accuser.reason}${accuser.confirmed ? ', confirmed' : ''})`,
    )
    .join(', ');
}

function nameOf({ name, peerId }: Member | Accuser): string {
  return name === '' ? `${peerId.slice(0, peerIdChars)}…` : name;
}

/** `0.35ms`, `12ms`, `1.2s`: two digits that matter. */
function rttText(micros: number | undefined): string {
  if (micros === undefined) return '-';
  const ms = micros / 1000;
  if (ms >= 1_000) return `${(ms / 1000).toFixed(1)}s`;
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(ms >= 1 ? 1 : 2)}ms`;
}

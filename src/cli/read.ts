/** The verbs that only look: get, list, status. */
import type { Command } from 'commander';
import { errorText } from '../base/error.ts';
import type { DaemonStatus } from '../client/daemon-status.ts';
import type { Disco } from '../client/disco.ts';
import type { InstanceList, ListFilter } from '../client/instance-list.ts';
import { instanceAddress } from '../client/instance.ts';
import type { Health, Instance } from '../client/instance.ts';
import { checkTable, failingNotes } from './check-table.ts';
import { CliError } from './exit.ts';
import { describeHold, noteMarks } from './marks.ts';
import { age, collect, note, parsePairs, print, printList, printOne } from './output.ts';
import { sheet, table } from './output.ts';
import type { OutputForm } from './output.ts';
import { globalOptions, withDisco } from './session.ts';
import { follow } from './watch.ts';

/** `math/add` or `math add`. @throws CliError usage */
export function readService(first: string, second: string | undefined): [string, string] {
  const [group, name, ...rest] = second === undefined ? first.split('/') : [first, second];
  if (group === undefined || name === undefined || rest.length > 0)
    throw new CliError(2, `${JSON.stringify(first)} names no service: write GROUP/NAME`);
  return [group, name];
}

export function addReadVerbs(program: Command): void {
  program
    .command('get')
    .argument('<service>', 'GROUP/NAME, or GROUP')
    .argument('[name]', 'NAME, when the first was GROUP')
    .description('one healthy instance of a service, picked at random')
    .addHelpText('after', '\nExamples:\n  $ disco get math/add\n  $ disco get math add -o json')
    .action(get);
  addListOptions(program.command('list'))
    .description('all instances that this node knows')
    .addHelpText(
      'after',
      '\nExamples:\n  $ disco list\n  $ disco list --group math --watch\n  $ disco list --checks',
    )
    .action(list);
  program
    .command('status')
    .description('this node: who it is, whether it is ready, what it counted')
    .addHelpText('after', '\nExample:\n  $ disco status -o json')
    .action(status);
}

interface ListFlags {
  readonly group?: string;
  readonly name?: string;
  readonly health?: Health;
  readonly tag?: string[];
  readonly meta?: string[];
  readonly version?: string;
  readonly checks?: boolean;
  readonly watch?: boolean;
}

function addListOptions(command: Command): Command {
  return command
    .option('--group <group>', 'only this group')
    .option('--name <name>', 'only this service')
    .option('--health <health>', 'only passing, warning, critical or maintenance ones')
    .option('--tag <tag>', 'only those with this tag; may be repeated', collect)
    .option('--meta <key=value>', 'only those with this metadata; may be repeated', collect)
    .option('--version <version>', 'only this version')
    .option('--checks', 'what the checks found, of instances that were registered at this daemon')
    .option('--watch', 'print the list again whenever it changes');
}

async function get(first: string, second: string | undefined, _: object, verb: Command) {
  const [group, name] = readService(first, second);
  const options = globalOptions(verb);
  const picked = await withDisco(options, (disco) => disco.get(group, name));
  const { instance, ...rest } = picked;
  noteMarks({ ...picked, holding: picked.hold === undefined ? [] : [picked.hold] });
  printOne(options.output, { ...instance, ...rest }, () => instanceTable([instance]));
}

async function list(flags: ListFlags, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const filter: ListFilter = {
    group: flags.group,
    name: flags.name,
    health: flags.health === undefined ? undefined : checkHealth(flags.health),
    tags: flags.tag,
    metadata: flags.meta === undefined ? undefined : parsePairs('--meta', flags.meta),
    version: flags.version,
  };
  await withDisco(options, async (disco) => {
    const show = flags.checks === true ? showChecks : showList;
    if (flags.watch === true) await listAgain(disco, filter, options.output, show);
    else show(options.output, await disco.list(filter));
  });
}

function showList(form: OutputForm, answer: InstanceList): void {
  const { instances } = answer;
  noteMarks(answer);
  printList(form, answer, instances, () => instanceTable(instances), 'disco: no instances');
}

/** Programs get them with the instances, whether they ask for them or not. */
function showChecks(form: OutputForm, answer: InstanceList): void {
  if (form !== 'table') return showList(form, answer);
  const rows = checkTable(answer.instances, Date.now());
  noteMarks(answer);
  if (rows !== undefined) print(rows);
  else note('disco: no checks here: each is run by the daemon that its instance was registered at');
}

/** The list now, and whole again at each change; for programs a line (ndjson) or document each. */
async function listAgain(
  disco: Disco,
  filter: ListFilter,
  form: OutputForm,
  showOnce: typeof showList,
): Promise<void> {
  const view = disco.watch({ group: filter.group, name: filter.name });
  await view.ready();
  const show = async (): Promise<void> => {
    const answer = await disco.list(filter);
    if (form === 'ndjson') print(JSON.stringify(answer));
    else showOnce(form, answer);
  };
  let isDue = false;
  let listing = show();
  const again = async (): Promise<void> => {
    isDue = false;
    if (form === 'table') print('');
    await show();
  };
  const followed = follow(view, (change) => {
    if (change.kind === 'stale') return note(`disco: ${change.problem.message}`);
    if (isDue) return;
    isDue = true;
    // A daemon that goes in between does not end this: the view tells when it is back.
    listing = listing.then(again).catch((error: unknown) => note(`disco: ${errorText(error)}`));
  });
  await Promise.all([listing, followed]);
  await listing;
}

async function status(_: object, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const found = await withDisco(options, (disco) => disco.status());
  printOne(options.output, found, () => statusSheet(found));
}

export function instanceTable(instances: readonly Instance[]): string {
  if (instances.length === 0) return 'no instances';
  const nowMs = Date.now();
  const header = ['SERVICE', 'ADDRESS', 'HEALTH', 'NODE', 'UPDATED', 'NOTES'];
  return table(
    header,
    instances.map((instance) => [
      `${instance.group}/${instance.name}`,
      instanceAddress(instance),
      instance.health,
      instance.node,
      `${age(instance.lastUpdate, nowMs)} ago`,
      notesOf(instance),
    ]),
  );
}

function notesOf(instance: Instance): string {
  const { instanceId, tags, version, metadata, conflict, held } = instance;
  return [
    ...(instanceId === instanceAddress(instance) ? [] : [`id=${instanceId}`]),
    ...(version === '' ? [] : [`version=${version}`]),
    ...tags,
    ...Object.entries(metadata).map(([key, value]) => `${key}=${value}`),
    ...(conflict ? ['CONFLICT'] : []),
    ...(held ? ['HELD'] : []),
    ...failingNotes(instance),
  ].join(' ');
}

function statusSheet(found: DaemonStatus): string {
  const { sinceReconcileMs } = found;
  const reconciled = sinceReconcileMs === undefined ? 'never' : `${sinceReconcileMs} ms ago`;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name}=${count}`)
      .join(' ') || 'nothing';
  return sheet([
    ['node', `${found.name} (${found.peerId})`],
    ['cluster', found.cluster],
    ['version', `${found.version}, pid ${found.pid}`],
    ['up', age(found.startedAt, Date.now())],
    ['ready', `${found.ready ? 'yes' : 'no'}: ${found.readiness}`],
    ['gossip', found.listen.join(', ')],
    ['advertised', found.advertise.join(', ')],
    ['grpc', found.grpc],
    ['http', found.http],
    ['data dir', found.dataDir],
    ['members', `${found.membersAlive} alive, ${found.membersDead} dead, ${found.links} linked`],
    ['instances', `${found.instances} known, ${found.instancesOwn} registered here`],
    ...holdRows(found),
    ...(found.isolated ? [['isolated', 'yes: this node reaches no other'] as const] : []),
    ['revision', String(found.revision)],
    ['reconciled', reconciled],
    ['refused', counts(found.refused)],
    ['counted', counts(found.counted)],
  ]);
}

function holdRows({ holding, servicesHolding }: DaemonStatus): [string, string][] {
  const nowMs = Date.now();
  const more = servicesHolding - holding.length;
  return [
    ...holding.map((hold): [string, string] => ['holding', describeHold(hold, nowMs)]),
    ...(more > 0 ? [['holding', `${more} more services`] as [string, string]] : []),
  ];
}

function checkHealth(text: string): Health {
  const known: readonly Health[] = ['passing', 'warning', 'critical', 'maintenance'];
  const found = known.find((health) => health === text);
  if (found === undefined)
    throw new CliError(2, `--health ${text}: write one of ${known.join(', ')}`);
  return found;
}

/** The verbs that only look: get, list, status. */
import type { Command } from 'commander';
import { errorText } from '../base/error.ts';
import type { Policy } from '../client/disco-options.ts';
import type { Disco } from '../client/disco.ts';
import type { UnaryCaller } from '../client/discovery-stub.ts';
import { listInstances } from '../client/instance-list.ts';
import type { Freshness, InstanceList, ListFilter } from '../client/instance-list.ts';
import { instanceAddress } from '../client/instance.ts';
import type { Endpoint, Health, Instance, Maintenance } from '../client/instance.ts';
import { weightDefault } from '../record/record.ts';
import { statusFromProto } from '../client/daemon-status.ts';
import type { DaemonStatus, MaintenanceRule } from '../client/daemon-status.ts';
import { checkTable, failingNotes } from './check-table.ts';
import { CliError } from './exit.ts';
import { count } from './finding.ts';
import { describeHold, noteMarks } from './marks.ts';
import { age, collect, note, parseDuration, parsePairs, print, printList } from './output.ts';
import { printOne, sheet, table } from './output.ts';
import type { OutputForm } from './output.ts';
import { globalOptions, withDisco, withStub } from './session.ts';
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
    .description('one healthy instance of a service, picked by a policy')
    .option('--policy <policy>', `${policies.join(', ')}; default: random`)
    .option('--max-stale <duration>', maxStaleHelp)
    .option('--stale-ok', staleOkHelp)
    .addHelpText('after', getExamples)
    .action(get);
  addListOptions(program.command('list'))
    .description('all instances that this node knows')
    .addHelpText('after', listExamples)
    .action(list);
  program
    .command('status')
    .description('this node: who it is, whether it is ready, what it counted')
    .addHelpText('after', '\nExample:\n  $ disco status -o json')
    .action(status);
}

export const policies: readonly Policy[] = [
  'random',
  'round_robin',
  'nearest',
  'weighted',
  'least_load',
];
export const healths: readonly Health[] = ['passing', 'warning', 'critical', 'maintenance'];
const maxStaleHelp = 'refuse what the daemon has not compared with a peer for so long';
const staleOkHelp = 'with --max-stale: answer all the same, and say so on stderr';

const getExamples = `
Examples:
  $ disco get math/add
  $ disco get math/add --policy nearest -o json
  $ disco get math/add --max-stale 5s              exit code 5 when the daemon knows no newer`;

const listExamples = `
Examples:
  $ disco list
  $ disco list --group math --watch
  $ disco list --zone eu-1 --health passing --health warning`;

interface FreshnessFlags {
  readonly maxStale?: string;
  readonly staleOk?: boolean;
}

interface GetFlags extends FreshnessFlags {
  readonly policy?: string;
}

interface ListFlags extends FreshnessFlags {
  readonly group?: string;
  readonly name?: string;
  readonly health?: string[];
  readonly zone?: string;
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
    .option('--health <health>', `only ${healths.join(', ')} ones; may be repeated`, collect)
    .option('--tag <tag>', 'only those with this tag; may be repeated', collect)
    .option('--meta <key=value>', 'only those with this metadata; may be repeated', collect)
    .option('--version <version>', 'only this version')
    .option('--zone <zone>', 'only this zone')
    .option('--max-stale <duration>', maxStaleHelp)
    .option('--stale-ok', staleOkHelp)
    .option('--checks', 'what the checks found, of instances that were registered at this daemon')
    .option('--watch', 'print the list again whenever it changes');
}

async function get(first: string, second: string | undefined, flags: GetFlags, verb: Command) {
  const [group, name] = readService(first, second);
  const options = globalOptions(verb);
  const policy = flags.policy === undefined ? undefined : oneOf('--policy', policies, flags.policy);
  const asked = { policy, ...readFreshness(flags) };
  const picked = await withDisco(options, (disco) => disco.get(group, name, asked));
  const { instance, ...rest } = picked;
  noteMarks({ ...picked, holding: picked.hold === undefined ? [] : [picked.hold] });
  printOne(options.output, { ...instance, ...rest }, () => instanceTable([instance]));
}

async function list(flags: ListFlags, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const filter: ListFilter = {
    group: flags.group,
    name: flags.name,
    health: flags.health?.map((health) => oneOf('--health', healths, health)),
    tags: flags.tag,
    metadata: flags.meta === undefined ? undefined : parsePairs('--meta', flags.meta),
    version: flags.version,
    zone: flags.zone,
  };
  const freshness = readFreshness(flags);
  const show = flags.checks === true ? showChecks : showList;
  if (flags.watch !== true) {
    // The bare call: what a whole client can do besides would take longer to load.
    const ask = (stub: UnaryCaller) => listInstances(stub, filter, freshness);
    return show(options.output, await withStub(options, ask));
  }
  await withDisco(options, async (disco) => {
    const ask = (): Promise<InstanceList> => disco.list(filter, freshness);
    await listAgain(disco, filter, ask, options.output, show);
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
  ask: () => Promise<InstanceList>,
  form: OutputForm,
  showOnce: typeof showList,
): Promise<void> {
  // A daemon that is not there at the beginning is told; one that goes later is waited for.
  await disco.status();
  const view = disco.watch({ group: filter.group, name: filter.name });
  await view.ready();
  const show = async (): Promise<void> => {
    const answer = await ask();
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
  const found = await withStub(options, (stub) => stub.unary('Status', {}).then(statusFromProto));
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
  const { weight, zone, maintenance } = instance;
  return [
    ...(instanceId === instanceAddress(instance) ? [] : [`id=${instanceId}`]),
    ...(version === '' ? [] : [`version=${version}`]),
    ...(zone === '' ? [] : [`zone=${zone}`]),
    ...(weight === weightDefault ? [] : [`weight=${weight}`]),
    ...instance.endpoints.map((endpoint) => endpointNote(instance, endpoint)),
    ...tags,
    ...Object.entries(metadata).map(([key, value]) => `${key}=${value}`),
    ...(conflict ? ['CONFLICT'] : []),
    ...(held ? ['HELD'] : []),
    ...(instance.ownerState === 'suspect' ? ['SUSPECT'] : []),
    ...(maintenance === undefined ? [] : [maintenanceNote(maintenance)]),
    ...failingNotes(instance),
  ].join(' ');
}

/** As --endpoint takes it. */
function endpointNote({ ip }: Instance, endpoint: Endpoint): string {
  const place = endpoint.ip === ip ? String(endpoint.port) : instanceAddress(endpoint);
  return `${endpoint.name}=${place}`;
}

/** The reason, and what is wrong besides. */
function maintenanceNote({ reason, health }: Maintenance): string {
  const beneath = health === 'passing' ? '' : `, else ${health}`;
  return `maintenance=${JSON.stringify(reason)}${beneath}`;
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
    ...(found.zone === '' ? [] : [['zone', found.zone] as const]),
    ['version', `${found.version}, pid ${found.pid}`],
    ['up', age(found.startedAt, Date.now())],
    ['ready', `${found.ready ? 'yes' : 'no'}: ${found.readiness}`],
    ['gossip', found.listen.join(', ')],
    ['advertised', found.advertise.join(', ')],
    ['grpc', found.grpc],
    ['http', found.http],
    ['dns', found.dns],
    ['data dir', found.dataDir],
    ['members', `${found.membersAlive} alive, ${found.membersDead} dead, ${found.links} linked`],
    ['instances', `${found.instances} known, ${found.instancesOwn} registered here`],
    ...fileRows(found),
    ...maintenanceRows(found),
    ...holdRows(found),
    ...(found.isolated ? [['isolated', 'yes: this node reaches no other'] as const] : []),
    ['revision', String(found.revision)],
    ['reconciled', reconciled],
    ['refused', counts(found.refused)],
    ['counted', counts(found.counted)],
  ]);
}

function fileRows({ serviceFiles }: DaemonStatus): [string, string][] {
  if (serviceFiles === undefined) return [];
  const { directory, files, instances, problem, bad, filesBad } = serviceFiles;
  const counts = `${files} in ${directory}, ${count(instances, 'instance')}, ${filesBad} refused`;
  const more = filesBad - bad.length;
  return [
    ['files', counts],
    ...(problem === '' ? [] : [['files', problem] as [string, string]]),
    ...bad.map((each): [string, string] => ['bad file', `${each.file}: ${each.problem}`]),
    ...(more > 0 ? [['bad file', `${more} more`] as [string, string]] : []),
  ];
}

function maintenanceRows({ maintenance, maintenanceRules }: DaemonStatus): [string, string][] {
  const nowMs = Date.now();
  const more = maintenanceRules - maintenance.length;
  const describe = ({ group, name, instanceId, reason, since }: MaintenanceRule): string => {
    const service = instanceId === '' ? `${group}/${name}` : `${group}/${name}/${instanceId}`;
    return `${group === '' ? 'this node' : service} for ${age(since, nowMs)}: ${reason}`;
  };
  return [
    ...maintenance.map((rule): [string, string] => ['maintenance', describe(rule)]),
    ...(more > 0 ? [['maintenance', `${more} more`] as [string, string]] : []),
  ];
}

function holdRows({ holding, servicesHolding }: DaemonStatus): [string, string][] {
  const nowMs = Date.now();
  const more = servicesHolding - holding.length;
  return [
    ...holding.map((hold): [string, string] => ['holding', describeHold(hold, nowMs)]),
    ...(more > 0 ? [['holding', `${more} more services`] as [string, string]] : []),
  ];
}

function readFreshness({ maxStale, staleOk = false }: FreshnessFlags): Freshness {
  if (maxStale !== undefined) {
    const maxStaleMs = parseDuration(maxStale);
    if (maxStaleMs > 0) return { maxStaleMs, staleOk };
    throw new CliError(2, `--max-stale ${maxStale}: no answer is that fresh; write 5s, or more`);
  }
  if (!staleOk) return {};
  throw new CliError(2, '--stale-ok says nothing without --max-stale: give both, or neither');
}

function oneOf<Value extends string>(flag: string, known: readonly Value[], text: string): Value {
  const found = known.find((value) => value === text);
  if (found === undefined)
    throw new CliError(2, `${flag} ${text}: write one of ${known.join(', ')}`);
  return found;
}

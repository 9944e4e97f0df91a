/** `disco watch`: changes as they happen. */
import type { Command } from 'commander';
import { instanceAddress } from '../client/instance.ts';
import type { ServiceView, ViewChange } from '../client/service-view.ts';
import { CliError } from './exit.ts';
import { note, paint, print, visible } from './output.ts';
import type { OutputForm } from './output.ts';
import { globalOptions, withDisco } from './session.ts';

export function addWatchVerbs(program: Command): void {
  program
    .command('watch')
    .argument('[service]', 'GROUP or GROUP/NAME; default: everything')
    .description('print instances as they come and go, until interrupted')
    .addHelpText('after', '\nExamples:\n  $ disco watch\n  $ disco watch math/add -o ndjson')
    .action(watch);
}

async function watch(service: string | undefined, _: object, verb: Command): Promise<void> {
  const options = globalOptions(verb);
  const [group, name, ...rest] = service?.split('/') ?? [];
  if (group === '' || name === '' || rest.length > 0)
    throw new CliError(2, `${JSON.stringify(service)} names nothing: write GROUP or GROUP/NAME`);
  await withDisco(options, async (disco) => {
    // A daemon that is not there at the beginning is told; one that goes later is waited for.
    await disco.status();
    await follow(disco.watch({ group, name }), (change) => show(options.output, change));
  });
}

/**
 * Hands every change on until the program is interrupted.
 *
 * @throws DiscoError that ended the view
 */
export function follow(view: ServiceView, take: (change: ViewChange) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    view.onChange((change) => {
      if (change.kind !== 'stale') return take(change);
      // A view that is refused for good says why, and ends just after that.
      queueMicrotask(() => (view.ended ? reject(change.problem) : take(change)));
    });
  });
}

function show(form: OutputForm, change: ViewChange): void {
  if (form !== 'table') return print(JSON.stringify(plain(change)));
  switch (change.kind) {
    case 'stale':
      return note(`disco: ${change.problem.message}`);
    case 'fresh':
      return note('disco: up to date');
    default: {
      const { instance } = change;
      const sign = change.kind === 'down' ? paint('red', '-') : paint('green', '+');
      const { maintenance } = instance;
      const shown = maintenance ? `${instance.health} (${maintenance.reason})` : instance.health;
      const marks = [instance.held && 'held', instance.conflict && 'CONFLICT'].filter(Boolean);
      const health = [shown, ...marks].join(', ');
      const reason = change.kind === 'down' ? change.reason : health;
      const service = `${instance.group}/${instance.name}`;
      const place = `${instanceAddress(instance)} ${reason} on ${instance.node}`;
      print(`${sign} ${visible(`${service} ${place}`)}`);
    }
  }
}

function plain(change: ViewChange): object {
  if (change.kind !== 'stale') return change;
  const { code, reason, message } = change.problem;
  return { kind: 'stale', problem: { code, reason, message } };
}

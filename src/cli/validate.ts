/** `disco validate`: what is wrong with registration files, before a daemon reads them. */
import type { Command } from 'commander';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../base/error.ts';
import { wishName, type ServiceFile } from '../daemon/service-file.ts';
import { readServiceFile, readServiceFolder } from '../daemon/service-folder.ts';
import { print, printList, visible } from './output.ts';
import { globalOptions } from './session.ts';

const help = `
A folder stands for its files that end with .json. No daemon is needed, and none is asked: what an
ip that is left out would be, and what others have registered, is not known here.

Examples:
  $ disco validate services.d
  $ disco validate add.json mul.json -o json`;

/** What is said of one file. */
interface Finding {
  readonly file: string;
  /** 0 when there is a problem. */
  readonly instances: number;
  readonly problems: readonly string[];
}

export function addValidateVerb(program: Command): void {
  program
    .command('validate')
    .argument('<path...>', 'registration files, or folders of them')
    .description('say what is wrong with registration files, and where; 1 when something is')
    .addHelpText('after', help)
    .action(validate);
}

function validate(paths: string[], _: object, verb: Command): void {
  const { output } = globalOptions(verb);
  const findings = refuseTwins(paths.flatMap(readPath));
  if (output === 'table') for (const finding of findings) tell(finding);
  const notAny = 'disco: no registration files there';
  if (output !== 'table' || findings.length === 0)
    printList(output, { files: findings }, findings, () => '', notAny);
  if (findings.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

function tell({ file, instances, problems }: Finding): void {
  for (const problem of problems) print(visible(problem));
  if (problems.length > 0) return;
  print(visible(`${file}: ok, ${instances} ${instances === 1 ? 'instance' : 'instances'}`));
}

type Read = readonly [path: string, file: ServiceFile];

function readPath(path: string): Read[] {
  try {
    if (!statSync(path).isDirectory()) return [[path, readServiceFile(path)]];
    return readServiceFolder(path).map((file) => [join(path, file.name), file]);
  } catch (error) {
    const problems = [`${path}: it cannot be read: ${errorText(error)}`];
    return [[path, { wishes: [], problems }]];
  }
}

/** Of two files that say the same instance, a daemon takes one: here the second is told. */
function refuseTwins(read: readonly Read[]): Finding[] {
  const holders = new Map<string, string>();
  return read.map(([file, { wishes, problems }]) => {
    const found = [...problems];
    for (const { wish, where } of wishes) {
      const name = wishName(wish);
      const holder = holders.get(name);
      if (holder === undefined) holders.set(name, file);
      else found.push(`${where}: ${name} is in ${holder} already`);
    }
    return { file, instances: found.length === 0 ? wishes.length : 0, problems: found };
  });
}

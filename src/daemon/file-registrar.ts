/**
 * FileRegistrar: keeps what is registered here equal to what the registration files say.
 *
 *   folder changes ─▶ all files are read ─▶ plan (file-plan.ts) ─▶ one commit, when there is a change
 *
 * A file that is bad is refused alone, and a folder that cannot be read is no order to deregister:
 * in both cases what was registered stays, and log and status say what is wrong. A good file that is
 * refused, for there is no room or somebody else registered the same, is tried again and again.
 */
import * as fs from 'node:fs';
import { placedAt } from '../api/placement.ts';
import type { ServiceFilesReport } from '../api/node-control.ts';
import type { Cancel, Clock } from '../base/clock.ts';
import { DiscoError, errorText } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { Registry } from '../registry/registry.ts';
import { servicesFolder, type Config } from './config.ts';
import { planFiles, type FilePlan } from './file-plan.ts';
import { FolderWatch } from './folder-watch.ts';
import { readServiceFolder, type FolderFile } from './service-folder.ts';

export interface RegistrarTools {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  /** At which peers reach this host. */
  readonly hostAddress: () => string;
}

/** Files that one reading tells of in the log; the rest is a number. */
const linesMax = 20;
/** After the disk refused, and while something outside of a file keeps it from being registered. */
const retryMs = 5_000;

export class FileRegistrar {
  readonly #folder: string;
  readonly #tools: RegistrarTools;
  readonly #watch: FolderWatch;
  #files: readonly FolderFile[] = [];
  #bad: ReadonlyMap<string, string> = new Map();
  #problem = '';
  #cancelRetry: Cancel = () => undefined;

  /**
   * Makes the default folder when it is not there.
   *
   * @throws DiscoError INVALID_ARGUMENT/CONFIG when the folder cannot be read
   */
  constructor(config: Pick<Config, 'services' | 'dataDir'>, tools: RegistrarTools) {
    this.#folder = config.services;
    this.#tools = tools;
    this.#watch = new FolderWatch(this.#folder, tools.clock, () => this.reload());
    try {
      if (this.#folder === servicesFolder(config)) fs.mkdirSync(this.#folder, { recursive: true });
      fs.readdirSync(this.#folder);
    } catch (error) {
      const sentence = `services ${this.#folder} cannot be read (${errorText(error)}): name a folder of registration files that is there`;
      throw new DiscoError('INVALID_ARGUMENT', 'CONFIG', sentence, error);
    }
  }

  /** Registers what the files say, and follows them from now on. */
  start(): void {
    this.#watch.start();
    this.reload();
  }

  stop(): void {
    this.#watch.stop();
    this.#cancelRetry();
  }

  /** Reads all files again, now. */
  reload(): void {
    this.#cancelRetry();
    try {
      this.#files = readServiceFolder(this.#folder);
    } catch (error) {
      return this.#fail(`${this.#folder} cannot be read: ${errorText(error)}`);
    }
    this.#register();
  }

  /** As the files were read last. */
  #register(): void {
    const { registry, hostAddress } = this.#tools;
    const registered = new Map(registry.registrations());
    const plan = planFiles(this.#files, registered, (wish) => placedAt(wish, hostAddress()));
    try {
      const { unfit, deregistered } = this.#carryOut(plan);
      // What is new comes before what goes, so that nothing is away in between; now there is room.
      if (unfit.size > 0 && deregistered > 0) return this.#register();
      const bad = new Map([...plan.bad, ...unfit]);
      this.#tellBad(bad);
      this.#recover();
      const isRefused = ({ name, problems }: FolderFile): boolean =>
        problems.length === 0 && bad.has(name);
      if (this.#files.some(isRefused)) this.#retry();
    } catch (error) {
      this.#fail(errorText(error));
      this.#retry();
    }
  }

  /** Without reading: what changes in the folder is told of by the watch. */
  #retry(): void {
    this.#cancelRetry = this.#tools.clock.schedule(retryMs, () => this.#register());
  }

  report(): ServiceFilesReport {
    let instances = 0;
    for (const [, { source }] of this.#tools.registry.registrations())
      if (source !== undefined) instances += 1;
    const bad = [...this.#bad].map(([file, problem]) => ({ file, problem }));
    const directory = this.#folder;
    return { directory, files: this.#files.length, instances, problem: this.#problem, bad };
  }

  /**
   * @returns files of which an instance did not fit, and why; and how many are gone now
   * @throws DiscoError RESOURCE_EXHAUSTED/DISK; nothing has changed then
   */
  #carryOut({ steps }: FilePlan): { unfit: ReadonlyMap<string, string>; deregistered: number } {
    const unfit = new Map<string, string>();
    const counts = { registered: 0, deregistered: 0 };
    if (steps.length === 0) return { unfit, ...counts };
    const { registry, clock, log } = this.#tools;
    const mutations = steps.map(({ mutation }) => mutation);
    const results = registry.commit(mutations, clock.now());
    for (const [index, { file, mutation }] of steps.entries()) {
      const result = results[index];
      if (result?.kind === 'failed') unfit.set(file, result.error.message);
      else counts[mutation.kind === 'register' ? 'registered' : 'deregistered'] += 1;
    }
    if (counts.registered + counts.deregistered > 0)
      log.info({ directory: this.#folder, ...counts }, 'registration files changed');
    return { unfit, ...counts };
  }

  #tellBad(bad: ReadonlyMap<string, string>): void {
    const { log } = this.#tools;
    const before = this.#bad;
    this.#bad = bad;
    const news = [...bad].filter(([file, problem]) => before.get(file) !== problem);
    for (const [file, problem] of news.slice(0, linesMax))
      log.warn({ file, problem }, 'a registration file is refused; what it said before stays');
    const ended = [...before.keys()].filter((file) => !bad.has(file));
    for (const file of ended.slice(0, linesMax))
      log.info({ file }, 'a registration file is no longer refused');
    const files = Math.max(0, news.length - linesMax) + Math.max(0, ended.length - linesMax);
    if (files > 0) log.warn({ files }, 'more registration files are refused, or no longer');
  }

  #recover(): void {
    if (this.#problem === '') return;
    this.#problem = '';
    this.#tools.log.info({ directory: this.#folder }, 'registration files are followed again');
  }

  #fail(problem: string): void {
    if (this.#problem !== problem) {
      const fields = { directory: this.#folder, problem };
      this.#tools.log.error(fields, 'registration files cannot be followed; all stays as it was');
    }
    this.#problem = problem;
  }
}

/** Killers: what may notice a mutant, each run in a process of its own, with and without it. */
import { spawn } from 'node:child_process';
import { mutantVariable, root } from './mutant.ts';
import type { Mutant } from './mutant.ts';

/** A test file, or a run of the simulator's campaign. */
export type Killer =
  | { readonly kind: 'test'; readonly file: string }
  | { readonly kind: 'seed'; readonly randomSeed: number };

export interface Trial {
  /** What went wrong, in a few words; undefined: nothing did. */
  readonly fault: string | undefined;
  /** States of the simulator that the run reached, by name. */
  readonly cells: ReadonlyMap<string, number>;
  readonly seconds: number;
}

/** Of a test that fails, or of a process that ends with an exception, the first lines that say so. */
const linesMax = 1;
const outputMax = 1_000_000;

export function nameOf(killer: Killer): string {
  return killer.kind === 'test' ? killer.file : `simulation, random seed ${killer.randomSeed}`;
}

/**
 * Runs a killer to its end.
 *
 * @param mutant undefined: the code as it is
 * @param limitSeconds after so long it is ended, which is a fault
 */
export async function tryKiller(
  killer: Killer,
  mutant: Mutant | undefined,
  limitSeconds: number,
): Promise<Trial> {
  const startedMs = performance.now();
  const { isTimeout, code, output } = await run(argumentsOf(killer), mutant, limitSeconds);
  const seconds = (performance.now() - startedMs) / 1_000;
  if (isTimeout)
    return { fault: `no end within ${Math.round(limitSeconds)} s`, cells: new Map(), seconds };
  if (killer.kind === 'seed' && code === 0) return { ...readRun(output), seconds };
  const fault = code === 0 ? undefined : firstFault(output, code);
  return { fault, cells: new Map(), seconds };
}

function argumentsOf(killer: Killer): string[] {
  if (killer.kind === 'test') return [killer.file];
  return ['test/mutants/seed.ts', String(killer.randomSeed)];
}

interface Ended {
  readonly isTimeout: boolean;
  readonly code: number | null;
  readonly output: string;
}

function run(args: string[], mutant: Mutant | undefined, limitSeconds: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { [mutantVariable]: _, ...env } = process.env;
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: mutant === undefined ? env : { ...env, ...mutantEnvironment(mutant, env) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let isTimeout = false;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < outputMax) output += text;
      });
    // A mutant may never yield: it is not asked.
    const end = (): void => {
      isTimeout = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(end, limitSeconds * 1_000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ isTimeout, code, output });
    });
  });
}

/** As a Node.js option of the environment it reaches processes that a test starts, too. */
function mutantEnvironment({ name }: Mutant, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const option = `--import=${new URL('./hook.ts', import.meta.url).href}`;
  return { [mutantVariable]: name, NODE_OPTIONS: `${env['NODE_OPTIONS'] ?? ''} ${option}`.trim() };
}

interface Run {
  readonly violations: readonly { readonly checker: string }[];
  readonly isConverged: boolean;
  readonly sometimes: Readonly<Record<string, number>>;
}

function readRun(output: string): Pick<Trial, 'fault' | 'cells'> {
  const { violations, isConverged, sometimes } = JSON.parse(output) as Run;
  const checkers = [...new Set(violations.map(({ checker }) => checker))];
  const fault = checkers.length > 0 ? checkers.join(', ') : isConverged ? undefined : 'converged';
  return { fault, cells: new Map(Object.entries(sometimes)) };
}

/** The name of the first test that failed, or what was thrown. */
function firstFault(output: string, code: number | null): string {
  const tests = [...output.matchAll(/^not ok \d+ - (.*?)(?: # time=.*)?$/gm)];
  const errors = [...output.matchAll(/^(?:Uncaught )?(\w*Error\b.*)$/gm)];
  const found = [...tests, ...errors].slice(0, linesMax).map((match) => match[1] ?? '');
  return found.length > 0 ? found.join('; ') : `ended with ${code}`;
}

/** What examples/monitoring asks of Prometheus: its expressions, and what they name. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const rulesFile = fileOf('disco-rules.yml');
export const prometheusFile = fileOf('prometheus.yml');

/** An expression, and where it stands. */
export interface Expression {
  readonly where: string;
  readonly text: string;
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { alert: string; expr: string }[] }[];
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; query: unknown }[] };
}

export function alertExpressions(): Expression[] {
  const { groups } = parse(readFileSync(rulesFile, 'utf8')) as Rules;
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr }) => ({ where: alert, text: expr })),
  );
}

/** As Grafana asks them of everything, with a short time to rate over. */
export function dashboardExpressions(): Expression[] {
  return dashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => {
      const text = expr
        .replaceAll('$job', 'disco')
        .replaceAll('$instance', '.*')
        .replaceAll('$__rate_interval', '10s');
      return { where: title, text };
    }),
  );
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(fileOf('disco-dashboard.json'), 'utf8')) as Dashboard;
}

/** The metrics that an expression names, and the labels that it matches or groups by. */
export function namedIn(text: string): { metrics: string[]; labels: string[] } {
  const matchers = [...text.matchAll(/\{([^}]*)\}/g)].map(([, inner = '']) => inner);
  const bare = text.replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ');
  const grouped = [...bare.matchAll(/\b(?:by|on|ignoring|without)\s*\(([^)]*)\)/g)];
  const rest = bare.replaceAll(/\b(?:by|on|ignoring|without)\s*\([^)]*\)/g, ' ');
  return {
    metrics: rest.match(/\b(?:disco|process|nodejs)_[a-z0-9_]+\b|\bup\b/g) ?? [],
    labels: [
      ...matchers.flatMap((inner) => inner.match(/[a-z_]+(?=\s*(?:=|!=|=~|!~)\s*")/g) ?? []),
      ...grouped.flatMap(([, inner = '']) => inner.split(',').map((label) => label.trim())),
    ],
  };
}

/** Whether a program of Debian's package `prometheus` is there. */
export function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`../../examples/monitoring/${name}`, import.meta.url));
}

/** Metrics read for tests: Prometheus' text format, and METRICS.md. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `name{labels}` and what its value is. */
export type Samples = ReadonlyMap<string, number>;

export function samplesOf(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/** What a text says that there is: the type and the names of the labels by name. */
export function familiesOf(text: string): ReadonlyMap<string, { type: string; labels: string[] }> {
  const families = new Map<string, { type: string; labels: string[] }>();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    families.set(name, { type, labels: [] });
  for (const sample of samplesOf(text).keys()) {
    const [, full = '', inner = ''] = /^([^{]+)(?:\{(.*)\})?$/s.exec(sample) ?? [];
    const family = families.get(full) ?? families.get(full.replace(/_(bucket|sum|count)$/, ''));
    if (family === undefined) throw new Error(`no type of ${sample}`);
    for (const [, label = ''] of inner.matchAll(/(?:^|,)([a-z_]+)="/g))
      if (label !== 'le' && !family.labels.includes(label)) family.labels.push(label);
  }
  return families;
}

/** One row of a table of METRICS.md. */
export interface Documented {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** What METRICS.md says that there is on this system. */
export function documentedMetrics(): Documented[] {
  const file = fileURLToPath(new URL('../../METRICS.md', import.meta.url));
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z0-9_]+` \| (counter|gauge|histogram) \|/.test(line))
    .filter((line) => process.platform === 'linux' || !line.includes('(Linux)'))
    .map((line) => {
      const [, name = '', type = '', labels = ''] = line.split('|').map((cell) => cell.trim());
      const named = [...labels.matchAll(/`([a-z_]+)`/g)].map(([, label = '']) => label);
      return { name: name.replaceAll('`', ''), type, labels: named };
    });
}

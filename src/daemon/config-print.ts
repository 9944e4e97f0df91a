/** `disco start --print-config`: what holds, and where each value came from. */
import { options } from './config-options.ts';
import type { LoadedConfig } from './config-sources.ts';

/** `json`: {key: {value, source}} for programs; `table`: aligned columns for people. */
export function renderConfig({ config, sources }: LoadedConfig, form: 'json' | 'table'): string {
  if (form === 'json') {
    const shown = options.map(({ key }) => [key, { value: config[key], source: sources[key] }]);
    return `${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`;
  }
  const rows = options.map(({ key }) => ({ key, value: showValue(config[key]) }));
  const keyWidth = Math.max(...rows.map(({ key }) => key.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  return rows
    .map(({ key, value }) => {
      return `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${sources[key]}\n`;
    })
    .join('');
}

function showValue(value: string | number | boolean | readonly string[]): string {
  const text = typeof value === 'object' ? value.join(',') : String(value);
  return text === '' ? '-' : text;
}

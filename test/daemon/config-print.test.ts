import { test } from 'tap';
import { options } from '../../src/daemon/config-options.ts';
import { renderConfig } from '../../src/daemon/config-print.ts';
import { loadConfig, type LoadedConfig } from '../../src/daemon/config-sources.ts';

function loaded(): LoadedConfig {
  const readFile = (): string => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const host = { cwd: '/here', hostname: 'box', homedir: '/home/u' };
  return loadConfig({ flags: { name: 'n1' }, env: { DISCO_GOSSIP_K: '5' }, readFile, ...host });
}

test('json holds each option with its value and where it came from', (t) => {
  const shown = JSON.parse(renderConfig(loaded(), 'json')) as Record<string, unknown>;
  t.strictSame(
    Object.keys(shown),
    options.map(({ key }) => key),
  );
  t.strictSame(shown['name'], { value: 'n1', source: 'flag --name' });
  t.strictSame(shown['gossipK'], { value: 5, source: 'environment DISCO_GOSSIP_K' });
  t.strictSame(shown['listen'], { value: ['127.0.0.1:7947'], source: 'default' });
  t.end();
});

test('the table aligns its columns and marks what is empty', (t) => {
  const lines = renderConfig(loaded(), 'table').split('\n');
  t.equal(lines.length, options.length + 1);
  t.equal(lines.at(-1), '');
  const columns = lines.slice(0, -1).map((line) => line.search(/(flag --|environment |default$)/));
  t.equal(new Set(columns).size, 1);
  t.ok(lines.some((line) => /^name +n1 +flag --name$/.test(line)));
  t.ok(lines.some((line) => /^advertise +- +default$/.test(line)));
  t.end();
});

import * as fs from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { addStartOptions, loadHere } from '../../src/cli/start-options.ts';
import { options } from '../../src/daemon/config-options.ts';
import { newFolder } from './fixture.ts';

t.test('every option of the configuration is an option of the command', (t) => {
  const command = new Command();
  addStartOptions(command, true);
  const flags = command.options.map(({ long }) => long);
  t.strictSame(
    flags,
    options.map(({ flag }) => flag),
  );
  const level = command.options.find(({ long }) => long === '--log-level');
  t.strictSame(level?.argChoices, ['debug', 'info', 'warn', 'error', 'silent']);
  t.end();
});

t.test('the help has those that are not for a few, or none at all', (t) => {
  const [shown, hidden] = [new Command(), new Command()];
  addStartOptions(shown, true);
  addStartOptions(hidden, false);
  t.match(shown.helpInformation(), '--listen');
  t.notMatch(shown.helpInformation(), '--gossip-k');
  t.notMatch(hidden.helpInformation(), '--listen');
  t.end();
});

t.test('what a daemon here would go by is read from flags, files and the rest', (t) => {
  const dataDir = newFolder(t);
  const seeds = join(dataDir, 'seeds.json');
  fs.writeFileSync(seeds, '{"cluster": "prod", "seeds": ["10.0.0.7:7001"]}');
  const loaded = loadHere({ dataDir, seeds });
  t.match(loaded.config, { dataDir, cluster: 'prod' });
  t.strictSame(loaded.seeds, [{ host: '10.0.0.7', port: 7001 }]);
  t.throws(() => loadHere({ dataDir, seeds: 'none', gossipK: '0' }), {
    code: 'INVALID_ARGUMENT',
    reason: 'CONFIG',
  });
  t.end();
});

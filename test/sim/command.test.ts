/** The options of a simulation as a command line, and back. */
import fc from 'fast-check';
import t from 'tap';
import { campaignOptions } from '../../src/sim/campaign.ts';
import {
  commandOf,
  defaultOptions,
  faultFlags,
  flagsOf,
  optionsOf,
  simFlags,
} from '../../src/sim/command.ts';
import { aFault, anyOptions } from './result-fixtures.ts';

t.test('nothing given means the defaults', (t) => {
  t.strictSame(optionsOf([]), defaultOptions);
  t.end();
});

t.test('each option is read, and faults keep the order of the command line', (t) => {
  const options = optionsOf([
    ['--nodes', '1000'],
    ['--loss', '5%'],
    ['--crash', '3@20s-30s'],
    ['--partition', 'halves@10s-40s'],
    ['--cold', ''],
    ['--real-signatures', ''],
  ]);
  t.match(options, { nodes: 1_000, loss: 0.05, isWarm: false, realSignatures: true });
  t.strictSame(
    options.faults.map(({ kind }) => kind),
    ['crash', 'partition'],
  );
  t.end();
});

t.test('a value out of its range, or faults that do not fit, are refused', (t) => {
  const refusals = [
    [[['--loss', '1.5']], '--loss 1.5: write a number from 0 to 1, like 0.05 or 5%'],
    [[['--nodes', '0']], '--nodes 0: write a whole number from 1 to 100000'],
    [[['--duration', '60']], '--duration 60: 60 has no unit: write 60ms, 60s or 60m'],
    [[['--duration', '2y']], '--duration 2y: write at most 366d'],
    [[['--duration', '0s']], '--duration 0s: write at least 1ms'],
    [
      [
        ['--nodes', '2'],
        ['--crash', '3@20s'],
      ],
      '--crash 3@20s: strikes 3 nodes of 2: raise --nodes',
    ],
    [
      [
        ['--crash', 'n9@20s'],
        ['--nodes', '8'],
      ],
      '--crash n9@20s: there is no n9 with --nodes 8: they begin at n1',
    ],
    [[['--crash', '3@2m']], '--crash 3@2m: begins after the 1m of --duration'],
  ] as const;
  for (const [given, message] of refusals)
    t.throws(() => optionsOf(given), { reason: 'CONFIG', message }, message);
  t.end();
});

t.test('the command of a run names its random seed, and no defaults beside', (t) => {
  const options = { ...defaultOptions, nodes: 1_000, loss: 0.05, isWarm: false, faults: [aFault] };
  t.equal(
    commandOf(options),
    'disco sim --nodes 1000 --duration 1m --random-seed 1 --loss 0.05 --cold ' +
      '--partition halves@10s-40s',
  );
  t.end();
});

t.test('the command of any run plays the same run again', (t) => {
  const known = [...simFlags.map(({ flag }) => flag), ...faultFlags];
  const property = fc.property(anyOptions(), (options) => {
    t.strictSame(optionsOf(flagsOf(options)), options);
    const words = commandOf(options).split(' ').slice(2);
    const isSafe = words.every((word) => /^[A-Za-z0-9@:,.+-]+$/.test(word));
    t.ok(isSafe, 'a shell leaves each word as it is');
    t.ok(words.filter((word) => word.startsWith('--')).every((word) => known.includes(word)));
  });
  fc.assert(property, { seed: 20_260_103, numRuns: 300 });
  t.end();
});

t.test('the command of any run of a campaign plays the same run again', (t) => {
  for (let randomSeed = 0; randomSeed < 200; randomSeed++) {
    const options = campaignOptions(randomSeed);
    t.strictSame(optionsOf(flagsOf(options)), options);
  }
  t.end();
});

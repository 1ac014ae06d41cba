import { expect, test } from 'vitest';
import { runOptions } from './options.js';

test.each<[Record<string, unknown>, string]>([
  [{}, 'nothing to run: name a guest.cfg, or --bare IMAGE'],
  [{ bare: 'a', el: '3' }, "--el 3: software starts at EL1 or EL2, EL3 is the firmware's"],
  [{ bare: 'a', smp: '9' }, '--smp 9: a number of cores from 1 to 8'],
  [{ bare: 'a', words: ['b.cfg'] }, "--bare runs one program, 'b.cfg' is too much"],
  [{ bare: 'a', 'dry-run': true }, '--dry-run goes with a guest.cfg, not with --bare'],
  [{ words: ['g.cfg'], el: '2' }, '--el goes with --bare; a guest has it in its guest.cfg'],
  [{ words: ['g.cfg'], disk: ['xvda'] }, '--disk xvda: expected VDEV=FILE'],
  [{ bare: 'a', expect: '(' }, '--expect (: Invalid regular expression: /(/: Unterminated group'],
  [{ bare: 'a', bench: ['b.json'] }, '--bench: results for the page of --html, which is not asked for'],
  [{ bare: ['a', 'b'] }, '--bare is given 2 times'],
  [
    { bare: 'a', replay: 'r', input: ['x'] },
    '--replay takes all input from its file, --input and --record do not go with it',
  ],
])('%j is refused in one line', (raw, message) => {
  expect(() => runOptions(raw)).toThrow(message);
});

test('a seed is a setting, quiet is a log level', () => {
  const options = runOptions({ bare: 'Image', seed: '7', set: ['xen.decode=50'], quiet: true, el: '2', smp: '4' });
  expect(options.set).toEqual(['xen.decode=50', 'sim.seed=7']);
  expect(options).toMatchObject({ logLevel: 'error', el: 2, smp: 4, memory: '256 MiB' });
});

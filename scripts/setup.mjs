// Gets a clone ready to run, under any Node from 18 on and before anything is installed.
import { build } from './lib/build.mjs';
import { installDebianTools } from './lib/debian.mjs';
import { install } from './lib/install.mjs';

const wants = new Set(process.argv.slice(2));

/** @type {[boolean, string, () => Promise<boolean>][]} */
const STEPS = [
  [true, 'installing the packages', () => install('.')],
  [wants.has('--test'), 'installing the peers of the tests', () => install('test/peers')],
  [wants.has('--test'), 'installing programs the tests start', installDebianTools],
  [wants.has('--build') || wants.has('--test'), 'building', build],
];

for (const [wanted, what, step] of STEPS) {
  if (!wanted || (await step())) continue;
  console.error(`\nSet-up failed: ${what}`);
  process.exit(1);
}

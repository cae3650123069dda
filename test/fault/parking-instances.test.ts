import test from 'node:test';
import { assertNothingLeft } from '../support/asking-watch.ts';
import { ON_LINUX } from '../support/processes.ts';

test(
  '500 calls that are parked in private instances and expire leave none of them behind (R9)',
  ON_LINUX,
  (t) => assertNothingLeft(t, 'oldsse', 500, 3),
);

import test from 'node:test';
import { assertNothingLeft } from '../support/asking-watch.ts';
import { ON_LINUX } from '../support/processes.ts';

test(
  '10,000 calls that are parked and expire leave no memory, timer, connection or flight behind',
  ON_LINUX,
  (t) => assertNothingLeft(t, 'oldhttp', 10_000, 3),
);

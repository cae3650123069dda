// Loaded into every test file: ends one that stays open after its last test, as after a failure in the middle of one.
import process from 'node:process';
import { after } from 'node:test';

const GRACE_MS = 20_000;

// The runner loads this too, and is none.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(() => {
    const end = () => {
      const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
      process.stderr.write(`${process.argv[1]} stays open after its tests: ${open}\n`);
      process.exit(1);
    };
    setTimeout(end, GRACE_MS).unref();
  });
}

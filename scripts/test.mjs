// "npm test" and, with --check, "npm run check": every check in order, stopping at the first that fails.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJson, run, runNpm, runtime, runTool } from './lib/tools.mjs';

const args = process.argv.slice(2);
const onlyChecks = args.includes('--check');
const patterns = args.filter((arg) => !arg.startsWith('--'));

/** @type {[string, () => Promise<boolean>][]} */
const CHECKS = [
  ['Types of src', () => runTool('tsc', ['-b', 'src'])],
  ['Types of tests, benches and scripts', () => runTool('tsc', ['-p', '.'])],
  ['Format (npm run format mends it)', () => runTool('oxfmt', ['--check', '.'])],
  ['Lint', () => runTool('oxlint', ['--type-aware', '--deny-warnings'])],
  ['Dead code', () => runTool('knip', ['--no-progress'])],
  ['Generated documents', checkDocs],
];

for (const [name, check] of CHECKS) {
  console.log(`\n== ${name}`);
  if (!(await check())) fail(name);
}
if (!onlyChecks) {
  console.log('\n== Tests');
  if (!(await runTests())) fail('Tests');
}

async function checkDocs() {
  if (readJson('package.json').scripts['docs:check'] === undefined) return true;
  return runNpm(['run', '--silent', 'docs:check']);
}

async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-test-'));
  const count = join(folder, 'count');
  try {
    const passed = await run(runtime(), [
      '--test',
      '--test-concurrency=2',
      '--test-timeout=180000',
      '--import=./scripts/lib/open-end.mjs',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=./scripts/lib/count-reporter.mjs',
      `--test-reporter-destination=${count}`,
      ...(patterns.length > 0 ? patterns : ['test/**/*.test.ts']),
    ]);
    return passed && someRan(count);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The runner is content with no test at all. @param {string} count */
function someRan(count) {
  if (Number(readFileSync(count, 'utf8')) > 0) return true;
  console.error('No test ran.');
  return false;
}

/** @param {string} name */
function fail(name) {
  console.error(`\nFAILED: ${name}`);
  process.exit(1);
}

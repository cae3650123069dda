import { runTests, type TestRun } from '../wiring/access-tests.ts';
import { Desk } from '../wiring/desk.ts';
import { findConfiguration } from './configuration.ts';
import { note, problemLine } from './output.ts';

/** `mcpx check`: prints every problem of the configuration and every test that fails; exit code 1 if one is an error. */
export function check(): void {
  const { surroundings, read } = findConfiguration();
  const { serversPath, appPath, dataDir } = surroundings;
  const { plan, problems } = read();
  const desk = plan === undefined ? undefined : new Desk({ plan, dataDir });
  const run = desk === undefined ? undefined : runTests(desk, appPath);
  const all = [...problems, ...(run?.problems ?? [])];
  for (const problem of all) process.stdout.write(`${problemLine(problem)}\n`);
  if (desk?.fault !== undefined) note(`Note: what servers offer cannot be read: ${desk.fault}`);
  const errors = all.filter(({ severity }) => severity === 'error').length;
  const parts = [
    ...(plan === undefined ? [] : [`${plan.servers.length} servers`]),
    ...testCount(run),
    `${errors} errors`,
    `${all.length - errors} warnings`,
  ];
  process.stdout.write(`${serversPath}, ${appPath}: ${parts.join(', ')}\n`);
  if (errors > 0) process.exitCode = 1;
}

function testCount(run: TestRun | undefined): string[] {
  if (run === undefined || run.count === 0) return [];
  return [`${run.count - run.failed} of ${run.count} tests passed`];
}

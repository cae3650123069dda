import { readConfiguration } from './launch.ts';
import { problemLine } from './output.ts';

/** `mcpx check`: prints every problem of the configuration; exit code 1 if one is an error. */
export function check(): void {
  const { plan, problems, surroundings } = readConfiguration();
  for (const problem of problems) process.stdout.write(`${problemLine(problem)}\n`);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const { serversPath, appPath } = surroundings;
  process.stdout.write(
    `${serversPath}, ${appPath}: ${plan?.servers.length ?? 0} servers, ${errors} errors, ${warnings} warnings\n`,
  );
  if (errors > 0) process.exitCode = 1;
}

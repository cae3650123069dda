import { findConfiguration } from './configuration.ts';
import { problemLine } from './output.ts';

/** `mcpx check`: prints every problem of the configuration; exit code 1 if one is an error. */
export function check(): void {
  const { surroundings, read } = findConfiguration();
  const { plan, problems } = read();
  for (const problem of problems) process.stdout.write(`${problemLine(problem)}\n`);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const summary = `${errors} errors, ${problems.length - errors} warnings`;
  const servers = plan === undefined ? '' : `${plan.servers.length} servers, `;
  process.stdout.write(
    `${surroundings.serversPath}, ${surroundings.appPath}: ${servers}${summary}\n`,
  );
  if (errors > 0) process.exitCode = 1;
}

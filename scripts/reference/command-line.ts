import { createProgram } from '../../src/cli/program.ts';
import { page } from './markdown.ts';

/** The page of the command line: what each command prints for --help. */
export function commandLinePage(): string {
  const program = createProgram().configureHelp({ helpWidth: 100 });
  const commands = program.commands.map((command) => command.configureHelp({ helpWidth: 100 }));
  return page(
    'Command line',
    [program, ...commands].flatMap((command) => [
      `## ${command === program ? 'mcpx' : `mcpx ${command.name()}`}`,
      '',
      '```',
      command.helpInformation().trimEnd(),
      '```',
      '',
    ]),
  );
}

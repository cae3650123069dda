import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { page } from './markdown.ts';

/** The page of the command line: what each command prints for --help. */
export function commandLinePage(): string {
  return page('Command line', sections(createProgram(), ''));
}

/** A command and those below it. */
function sections(command: Command, above: string): string[] {
  const name = `${above}${command.name()}`;
  const help = command.configureHelp({ helpWidth: 100 }).helpInformation().trimEnd();
  return [
    `## ${name}`,
    '',
    '```',
    help,
    '```',
    '',
    ...command.commands.flatMap((below) => sections(below, `${name} `)),
  ];
}

import { Command } from 'commander';

import { check } from './check.ts';
import { serve } from './serve.ts';
import { stdio } from './stdio.ts';
import { productVersion } from './version.ts';

/** The command line of `mcpx`. */
export function createProgram(): Command {
  const program = new Command('mcpx')
    .description('One endpoint in front of many MCP servers.')
    .version(productVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(mcpx --help lists the commands)')
    .addHelpText('after', FOOTER);
  program
    .command('serve')
    .description('serve MCP over HTTP: /mcp (streamable HTTP) and /sse (HTTP+SSE)')
    .action(serve);
  program
    .command('stdio')
    .description('serve one MCP client on standard input and output')
    .action(stdio);
  program
    .command('check')
    .description(
      'check the configuration and print every problem with file and line; exit code 1 if there is an error',
    )
    .action(check);
  return program;
}

const FOOTER = `
Configuration:
  SERVERS_CONFIG_PATH  the servers (default config/mcp.json)
  APP_CONFIG_PATH      the settings (default config/app.yaml)
  MCPX_HOST, MCPX_PORT where to listen (default 127.0.0.1:9000)
  All settings: docs/reference/configuration.md`;

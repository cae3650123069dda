import { Command } from 'commander';

import { addAudit } from './audit-commands.ts';
import { addContext } from './context-commands.ts';
import type { ExplainOptions } from './explain.ts';
import type { CreateOptions, ListOptions } from './keys.ts';
import type { SimulateOptions } from './simulate.ts';
import type { StdioOptions } from './stdio.ts';
import { expiry, jsonObject, label, moment, oneMore } from './typed.ts';
import { addUsage } from './usage-commands.ts';
import { productVersion } from './version.ts';
import { boundYoungHeap } from './young-heap.ts';

const USAGE = 2;
/** They let it grow once they have been loaded. */
const GATEWAYS: ReadonlySet<string> = new Set(['serve', 'stdio']);

/** The command line of `mcpx`. What a command needs is loaded when it runs. */
export function createProgram(): Command {
  const program = new Command('mcpx')
    .description('One endpoint in front of many MCP servers.')
    .version(productVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(mcpx --help lists the commands)')
    .exitOverride(({ code, exitCode }) => {
      const isMisuse = exitCode !== 0 && code !== 'commander.help';
      process.exit(isMisuse ? USAGE : exitCode);
    })
    .addHelpText('after', FOOTER)
    .hook('preAction', (_, command) => {
      if (!GATEWAYS.has(command.name())) boundYoungHeap();
    });
  addServing(program);
  addCheck(program);
  addKeys(program);
  addExplain(program);
  addSimulate(program);
  addAudit(program);
  addUsage(program);
  addContext(program);
  return program;
}

function addServing(program: Command): void {
  program
    .command('serve')
    .description('serve MCP over HTTP: /mcp (streamable HTTP) and /sse (HTTP+SSE)')
    .action(async () => (await import('./serve.ts')).serve());
  program
    .command('stdio')
    .description('serve one MCP client on standard input and output')
    .option('--consumer <consumer>', 'the consumer this client is', label)
    .option('--group <group>', 'serve nothing but this tool group', label)
    .action(async (options: StdioOptions) => (await import('./stdio.ts')).stdio(options));
}

function addCheck(program: Command): void {
  program
    .command('check')
    .description(
      'check the configuration, run its tests and print every problem with file and line; exit code 1 if there is an error',
    )
    .action(async () => (await import('./check.ts')).check());
}

function addKeys(program: Command): void {
  const keys = program.command('keys').description('create, list and revoke API keys of consumers');
  keys
    .command('create')
    .description('make a key for a consumer and print it, this once')
    .requiredOption('--name <name>', 'what you call the key', label)
    .requiredOption('--consumer <consumer>', 'the consumer it proves', label)
    .option('--expires <when>', 'when it ends: 90d (m, h, d or w), or a date', expiry)
    .action(async (options: CreateOptions) => (await import('./keys.ts')).createKey(options));
  keys
    .command('list')
    .description('print all keys, never their secrets')
    .option('--json', 'print JSON')
    .action(async (options: ListOptions) => (await import('./keys.ts')).listKeys(options));
  keys
    .command('revoke')
    .description('end a key; takes effect within a second, also in a running gateway')
    .argument('<key>', 'its id or name')
    .action(async (key: string) => (await import('./keys.ts')).revokeKey(key));
}

function addExplain(program: Command): void {
  program
    .command('explain')
    .description('print whether a caller may use something, with every rule considered and why')
    .option('--tool <name>', 'a tool: its public name, server/name, or its own name')
    .option('--prompt <name>', 'a prompt, named likewise')
    .option('--resource <uri>', 'a resource: its URI, or server/uri')
    .option('--consumer <consumer>', 'the consumer that calls', label)
    .option('--group <group>', 'a group its token names; may be given several times', oneMore)
    .option('--scope <scope>', 'a scope its token has; may be given several times', oneMore)
    .option('--claims <json>', 'the claims of its token', jsonObject)
    .option('--client <name>', 'what its client calls itself', label)
    .option('--endpoint <group>', 'the tool group whose endpoint it uses', label)
    .option('--args <json>', 'the arguments of the call', jsonObject)
    .option('--at <moment>', 'the moment at which it is judged; now when absent', moment)
    .option('--json', 'print JSON')
    .action(async (options: ExplainOptions) => (await import('./explain.ts')).explain(options));
}

function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('replay recorded calls against a new configuration and print what would change')
    .requiredOption('--config <app.yaml>', 'the new settings')
    .option('--servers <mcp.json>', 'the new servers; those in force when absent')
    .requiredOption(
      '--from <path>',
      'a file of the audit log, or its folder, audit in the data folder',
    )
    .option('--fail-on-change', 'exit code 1 if something would change; 2 is for errors')
    .option('--json', 'print JSON')
    .action(async (options: SimulateOptions) => (await import('./simulate.ts')).simulate(options));
}

const FOOTER = `
Configuration:
  SERVERS_CONFIG_PATH  the servers (default config/mcp.json)
  APP_CONFIG_PATH      the settings (default config/app.yaml)
  MCPX_HOST, MCPX_PORT where to listen (default 127.0.0.1:9000)
  MCPX_DATA_DIR        what outlives the process: keys, records (default .mcpx)
  All settings: docs/reference/configuration.md`;

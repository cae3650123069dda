import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ROOT, startNode } from '../support/conformance-processes.ts';

/** What people type and read: help, version and exit codes. */

const HELP = `Usage: mcpx [options] [command]

One endpoint in front of many MCP servers.

Options:
  -V, --version       print the version
  -h, --help          print this help

Commands:
  serve               serve MCP over HTTP: /mcp (streamable HTTP) and /sse
                      (HTTP+SSE)
  stdio [options]     serve one MCP client on standard input and output
  check               check the configuration, run its tests and print every
                      problem with file and line; exit code 1 if there is an
                      error
  keys                create, list and revoke API keys of consumers
  explain [options]   print whether a caller may use something, with every rule
                      considered and why
  simulate [options]  replay recorded calls against a new configuration and
                      print what would change
  audit               verify and search the record of all exchanges, export what
                      proves it
  usage [options]     print who called what: calls, errors, tokens, cost and
                      times
  context [options]   print how many tokens tool definitions take of a model's
                      context, per server and tool
  help [command]      print the help of a command

Configuration:
  SERVERS_CONFIG_PATH  the servers (default config/mcp.json)
  APP_CONFIG_PATH      the settings (default config/app.yaml)
  MCPX_HOST, MCPX_PORT where to listen (default 127.0.0.1:9000)
  MCPX_DATA_DIR        what outlives the process: keys, records (default .mcpx)
  All settings: docs/reference/configuration.md
`;

const COMMANDS: Readonly<Record<string, string>> = {
  serve: `Usage: mcpx serve [options]

serve MCP over HTTP: /mcp (streamable HTTP) and /sse (HTTP+SSE)

Options:
  -h, --help  print this help
`,
  stdio: `Usage: mcpx stdio [options]

serve one MCP client on standard input and output

Options:
  --consumer <consumer>  the consumer this client is
  --group <group>        serve nothing but this tool group
  -h, --help             print this help
`,
  check: `Usage: mcpx check [options]

check the configuration, run its tests and print every problem with file and
line; exit code 1 if there is an error

Options:
  -h, --help  print this help
`,
  keys: `Usage: mcpx keys [options] [command]

create, list and revoke API keys of consumers

Options:
  -h, --help        print this help

Commands:
  create [options]  make a key for a consumer and print it, this once
  list [options]    print all keys, never their secrets
  revoke <key>      end a key; takes effect within a second, also in a running
                    gateway
  help [command]    print the help of a command
`,
  'keys create': `Usage: mcpx keys create [options]

make a key for a consumer and print it, this once

Options:
  --name <name>          what you call the key
  --consumer <consumer>  the consumer it proves
  --expires <when>       when it ends: 90d (m, h, d or w), or a date
  -h, --help             print this help
`,
  'keys list': `Usage: mcpx keys list [options]

print all keys, never their secrets

Options:
  --json      print JSON
  -h, --help  print this help
`,
  'keys revoke': `Usage: mcpx keys revoke [options] <key>

end a key; takes effect within a second, also in a running gateway

Arguments:
  key         its id or name

Options:
  -h, --help  print this help
`,
  explain: `Usage: mcpx explain [options]

print whether a caller may use something, with every rule considered and why

Options:
  --tool <name>          a tool: its public name, server/name, or its own name
  --prompt <name>        a prompt, named likewise
  --resource <uri>       a resource: its URI, or server/uri
  --consumer <consumer>  the consumer that calls
  --group <group>        a group its token names; may be given several times
  --scope <scope>        a scope its token has; may be given several times
  --claims <json>        the claims of its token
  --client <name>        what its client calls itself
  --endpoint <group>     the tool group whose endpoint it uses
  --args <json>          the arguments of the call
  --at <moment>          the moment at which it is judged; now when absent
  --json                 print JSON
  -h, --help             print this help
`,
  simulate: `Usage: mcpx simulate [options]

replay recorded calls against a new configuration and print what would change

Options:
  --config <app.yaml>   the new settings
  --servers <mcp.json>  the new servers; those in force when absent
  --from <path>         a file of the audit log, or its folder, audit in the
                        data folder
  --fail-on-change      exit code 1 if something would change; 2 is for errors
  --json                print JSON
  -h, --help            print this help
`,
};

/** Runs `mcpx` to its end. */
async function mcpx(...args: readonly string[]): Promise<{ code: number | null; text: string }> {
  const started = startNode(['bin/mcpx.js', ...args]);
  const code = await started.exited;
  return { code, text: started.output() };
}

test('mcpx --help, -h and help print this text', async () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    assert.deepEqual(await mcpx(...args), { code: 0, text: HELP }, args.join(' '));
  }
});

test('every command has a help of its own, printed in two ways', async () => {
  for (const [command, text] of Object.entries(COMMANDS)) {
    const names = command.split(' ');
    const last = names.at(-1) ?? '';
    assert.deepEqual(await mcpx(...names, '--help'), { code: 0, text });
    assert.deepEqual(await mcpx(...names.slice(0, -1), 'help', last), { code: 0, text });
  }
});

test('mcpx --version and -V print the version of the package alone', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  for (const flag of ['--version', '-V'])
    assert.deepEqual(await mcpx(flag), { code: 0, text: `${version}\n` });
});

test('mcpx alone, and keys alone, print the help and fail, for nothing was asked', async () => {
  assert.deepEqual(await mcpx(), { code: 1, text: HELP });
  assert.deepEqual(await mcpx('keys'), { code: 1, text: COMMANDS['keys'] });
});

for (const [args, text] of [
  [['nonsense'], "error: unknown command 'nonsense'\n(mcpx --help lists the commands)\n"],
  [['--nonsense'], "error: unknown option '--nonsense'\n(mcpx --help lists the commands)\n"],
  [
    ['serve', '--nonsense'],
    "error: unknown option '--nonsense'\n(mcpx --help lists the commands)\n",
  ],
  [
    ['keys', 'create', '--name', 'ci'],
    "error: required option '--consumer <consumer>' not specified\n(mcpx --help lists the commands)\n",
  ],
  [
    ['explain', '--args', '[1]'],
    `error: option '--args <json>' argument '[1]' is invalid. Give a JSON object in quotes, such as '{"path": "/srv"}'.\n(mcpx --help lists the commands)\n`,
  ],
  [
    ['simulate', '--config', 'new.yaml'],
    "error: required option '--from <path>' not specified\n(mcpx --help lists the commands)\n",
  ],
] as const) {
  test(`mcpx ${args.join(' ')} says what is wrong and where help is, with exit code 2`, async () => {
    assert.deepEqual(await mcpx(...args), { code: 2, text });
  });
}

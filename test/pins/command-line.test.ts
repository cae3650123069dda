import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ROOT, startNode } from '../support/conformance-processes.ts';

/** What people type and read: help, version and exit codes. */

const HELP = `Usage: mcpx [options] [command]

One endpoint in front of many MCP servers.

Options:
  -V, --version   print the version
  -h, --help      print this help

Commands:
  serve           serve MCP over HTTP: /mcp (streamable HTTP) and /sse
                  (HTTP+SSE)
  stdio           serve one MCP client on standard input and output
  check           check the configuration and print every problem with file and
                  line; exit code 1 if there is an error
  help [command]  print the help of a command

Configuration:
  SERVERS_CONFIG_PATH  the servers (default config/mcp.json)
  APP_CONFIG_PATH      the settings (default config/app.yaml)
  MCPX_HOST, MCPX_PORT where to listen (default 127.0.0.1:9000)
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
  -h, --help  print this help
`,
  check: `Usage: mcpx check [options]

check the configuration and print every problem with file and line; exit code 1
if there is an error

Options:
  -h, --help  print this help
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
    assert.deepEqual(await mcpx(command, '--help'), { code: 0, text });
    assert.deepEqual(await mcpx('help', command), { code: 0, text });
  }
});

test('mcpx --version and -V print the version of the package alone', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  for (const flag of ['--version', '-V'])
    assert.deepEqual(await mcpx(flag), { code: 0, text: `${version}\n` });
});

test('mcpx alone prints the help and fails, for nothing was asked', async () => {
  assert.deepEqual(await mcpx(), { code: 1, text: HELP });
});

for (const [args, text] of [
  [['nonsense'], "error: unknown command 'nonsense'\n(mcpx --help lists the commands)\n"],
  [['--nonsense'], "error: unknown option '--nonsense'\n(mcpx --help lists the commands)\n"],
  [
    ['serve', '--nonsense'],
    "error: unknown option '--nonsense'\n(mcpx --help lists the commands)\n",
  ],
] as const) {
  test(`mcpx ${args.join(' ')} says what is wrong and where help is, with exit code 1`, async () => {
    assert.deepEqual(await mcpx(...args), { code: 1, text });
  });
}

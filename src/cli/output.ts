import type { Operator } from '../admin/ports.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { Problem } from '../kernel/plan.ts';

/** One problem as compilers print them: file, line and column, what is wrong and what to do. */
export function problemLine(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column]
    .filter((part) => part !== undefined)
    .join(':');
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  return `${place}: ${problem.severity}:${path} ${problem.message}`;
}

/** Text of others, without what could write over the terminal: control characters, line ends, marks that turn text round. */
export function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** One server's state in a line; of one that works with the era and the version it speaks. */
export function stateLine(state: UpstreamState): string {
  const { tools, prompts, resources, resourceTemplates } = state.counts;
  const offers = `${tools} tools, ${prompts} prompts, ${resources} resources, ${resourceTemplates} templates`;
  const speaks = state.version === undefined ? '' : ` (${state.era} ${state.version})`;
  const detail = state.phase === 'ready' ? offers + speaks : (state.reason ?? '');
  const line = `  ${MARKS[state.phase]} ${state.name.padEnd(24)} ${state.phase.padEnd(14)} ${detail}`;
  return shown(line.trimEnd());
}

const MARKS: Readonly<Record<UpstreamState['phase'], string>> = {
  starting: '…',
  ready: '+',
  degraded: '!',
  'pending-input': '?',
  'pending-auth': '?',
  failed: 'x',
  stopped: '-',
};

/** How many servers are up and what they offer together. */
export function summaryLine(operator: Operator): string {
  const servers = operator.servers();
  const ready = servers.filter(({ phase }) => phase === 'ready').length;
  const starting = servers.filter(({ phase }) => phase === 'starting').map(({ name }) => name);
  const { tools, prompts, resources, resourceTemplates } = operator.counts();
  const waiting = starting.length === 0 ? '' : ` (still starting: ${starting.join(', ')})`;
  const offers = `${tools} tools, ${prompts} prompts, ${resources} resources, ${resourceTemplates} templates`;
  return `${ready} of ${servers.length} servers ready${waiting}: ${offers}`;
}

/** How to connect the usual clients, ready to copy; with the header that carries their key, where they need one. */
export function clientSettings(url: string, keyHeader?: string): string {
  const headers = keyHeader === undefined ? {} : { headers: { [keyHeader]: KEY } };
  const flag = keyHeader === undefined ? '' : ` --header "${keyHeader}: ${KEY}"`;
  const remote = keyHeader === undefined ? [url] : [url, '--header', `${keyHeader}:${KEY}`];
  const entry = JSON.stringify({ mcpServers: { mcpx: { url, ...headers } } });
  const vscode = JSON.stringify({ servers: { mcpx: { type: 'http', url, ...headers } } });
  const desktop = JSON.stringify({
    mcpServers: { mcpx: { command: 'npx', args: ['-y', 'mcp-remote', ...remote] } },
  });
  const init = keyHeader === undefined ? '' : `, { requestInit: ${JSON.stringify(headers)} }`;
  return [
    keyHeader === undefined ? 'Connect a client:' : 'Connect a client, with its key:',
    `  Claude Code     claude mcp add --transport http mcpx ${url}${flag}`,
    `  Claude Desktop  ${desktop}`,
    `  Cursor          .cursor/mcp.json: ${entry}`,
    `  VS Code         .vscode/mcp.json: ${vscode}`,
    `  SDK             new StreamableHTTPClientTransport(new URL('${url}')${init})`,
  ].join('\n');
}

const KEY = 'YOUR_KEY';

/** Says in one line why a command ends here; exit code 1 where it failed, 2 where it was asked wrongly. */
export function fail(message: string, exitCode: 1 | 2): void {
  process.stderr.write(`mcpx: ${message}\n`);
  process.exitCode = exitCode;
}

/** Tells something beside the output of a command. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A moment in UTC to the minute; `otherwise` where there is none. */
export function timeText(at: number | undefined, otherwise = ''): string {
  return at === undefined ? otherwise : new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

/** Rows in columns as wide as they need to be, each row a line. */
export function table(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map((cell) => shown(cell)));
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

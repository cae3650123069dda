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

/** One server's state in a line. */
export function stateLine(state: UpstreamState): string {
  const { tools, prompts, resources, resourceTemplates } = state.counts;
  const offers = `${tools} tools, ${prompts} prompts, ${resources} resources, ${resourceTemplates} templates`;
  const detail = state.phase === 'ready' ? offers : (state.reason ?? '');
  return `  ${MARKS[state.phase]} ${state.name.padEnd(24)} ${state.phase.padEnd(14)} ${detail}`.trimEnd();
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

/** How to connect the usual clients, ready to copy. */
export function clientSettings(url: string): string {
  const entry = JSON.stringify({ mcpServers: { mcpx: { url } } });
  const vscode = JSON.stringify({ servers: { mcpx: { type: 'http', url } } });
  const desktop = JSON.stringify({
    mcpServers: { mcpx: { command: 'npx', args: ['-y', 'mcp-remote', url] } },
  });
  return [
    'Connect a client:',
    `  Claude Code     claude mcp add --transport http mcpx ${url}`,
    `  Claude Desktop  ${desktop}`,
    `  Cursor          .cursor/mcp.json: ${entry}`,
    `  VS Code         .vscode/mcp.json: ${vscode}`,
    `  SDK             new StreamableHTTPClientTransport(new URL('${url}'))`,
  ].join('\n');
}

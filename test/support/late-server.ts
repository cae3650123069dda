// A legacy stdio server that asks late: while it has a call to do and finds a file called `late` in the folder FOLDER. What it
// is answered to that it appends to the file `told`, the calls it begins and is to end to `calls`. Its tool `hold` ends when
// there is a file `go`.
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Received {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly protocolVersion?: string };
  readonly result?: unknown;
  readonly error?: unknown;
}

const POLL_MS = 20;
const TOOLS = ['plain', 'hold', 'ask', 'deaf'];
const folder = process.env['FOLDER'] ?? '.';
const asking = new Set<number | string>();
const holding = new Set<number | string>();

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function done(id: number | string, text: string): void {
  send({ id, result: { content: [{ type: 'text', text }] } });
}

function ask(id: string, message: string): void {
  const requestedSchema = { type: 'object', properties: { answer: { type: 'string' } } };
  send({ id, method: 'elicitation/create', params: { message, requestedSchema } });
}

function append(name: string, line: string): void {
  appendFileSync(join(folder, name), `${line}\n`);
}

function taken(name: string): boolean {
  const file = join(folder, name);
  if (!existsSync(file)) return false;
  rmSync(file);
  return true;
}

setInterval(() => {
  if (holding.size > 0 && taken('go')) {
    for (const id of holding) done(id, 'held');
    holding.clear();
  }
  if (holding.size + asking.size > 0 && taken('late')) ask('late', 'a secret of another');
}, POLL_MS);

function call(id: number | string, name: string | undefined): void {
  append('calls', `began ${name}`);
  if (name === 'hold') holding.add(id);
  else if (name === 'plain') done(id, 'plain');
  else {
    asking.add(id);
    ask(`${name} ${id}`, 'mine?');
  }
}

function answered({ id, result, error }: Received): void {
  const text = JSON.stringify(result ?? error);
  if (id === 'late') append('told', text);
  const [tool, of] = String(id).split(' ');
  // The tool that is deaf is never done.
  if (tool !== 'ask') return;
  asking.delete(Number(of));
  done(Number(of), text);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line) as Received;
    const { id, method, params } = message;
    if (method === 'notifications/cancelled') append('calls', 'cancelled one');
    if (id === undefined) return;
    if (method === undefined) answered(message);
    else if (method === 'initialize')
      send({
        id,
        result: {
          protocolVersion: params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'late', version: '1' },
        },
      });
    else if (method === 'tools/list')
      send({
        id,
        result: { tools: TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } })) },
      });
    else if (method === 'tools/call') call(id, params?.name);
    else send({ id, error: { code: -32601, message: 'Method not found' } });
  })
  .on('close', () => process.exit());

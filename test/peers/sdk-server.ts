import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  acceptedContent,
  createMcpHandler,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  McpServer,
  ResourceTemplate,
  type CallToolResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/**
 * A server made with the second SDK that speaks 2026-07-28 alone, on stdio or with `--port N` over streamable HTTP.
 * Its tools, prompts and resources ask the client in every way the revision has. `--scheme` begins its URIs.
 */

/** How changes are told; each transport of the SDK has its own way. */
interface News {
  toolsChanged(): void;
  resourceUpdated(uri: string): void;
}

interface Trip {
  readonly step: number;
  readonly city: string;
  readonly hint: string;
}

const { port, scheme } = parseArgs({
  options: { port: { type: 'string' }, scheme: { type: 'string', default: 'note' } },
}).values;
const COUNTER = `${scheme}://counter`;
const STEP_MS = 100;
const NAME = z.object({ name: z.string() });
const CITY = z.object({ city: z.string() });
const GOING = z.object({ go: z.boolean() });

const states = createRequestStateCodec<Trip>({ key: randomBytes(32), ttlSeconds: 600 });
let touched = 0;
let grown = 0;

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}

function ask(message: string, requestedSchema: z.ZodObject) {
  return inputRequired.elicit({ message, requestedSchema });
}

function sample(prompt: string) {
  const content = { type: 'text' as const, text: prompt };
  return inputRequired.createMessage({ messages: [{ role: 'user', content }], maxTokens: 100 });
}

/** The text a client's model said. */
function said(context: ServerContext, key: string): string | undefined {
  const answer = inputResponse(context.mcpReq.inputResponses, key);
  if (answer.kind !== 'sampling') return undefined;
  const { content } = answer.result;
  return !Array.isArray(content) && content.type === 'text' ? content.text : '?';
}

/** The roots of a client. */
function rootsIn(context: ServerContext, key: string): string | undefined {
  const answer = inputResponse(context.mcpReq.inputResponses, key);
  return answer.kind === 'roots' ? answer.roots.map(({ uri }) => uri).join(' ') : undefined;
}

/** Three rounds: a form; the model; a form and the roots at once. What was answered travels in the state. */
async function planTrip(context: ServerContext) {
  const { inputResponses, requestState } = context.mcpReq;
  const { step, city, hint } = requestState<Trip>() ?? { step: 0, city: '', hint: '' };
  const next = (trip: Trip) => states.mint(trip, context);
  if (step === 1) {
    const chosen = acceptedContent(inputResponses, 'city', CITY)?.city ?? 'nowhere';
    return inputRequired({
      inputRequests: { hint: sample(`What is there in ${chosen}?`) },
      requestState: await next({ step: 2, city: chosen, hint }),
    });
  }
  if (step === 2)
    return inputRequired({
      inputRequests: { go: ask(`Go to ${city}?`, GOING), maps: inputRequired.listRoots() },
      requestState: await next({ step: 3, city, hint: said(context, 'hint') ?? '?' }),
    });
  if (step === 3) {
    const go = acceptedContent(inputResponses, 'go', GOING)?.go;
    return text(`${city}: ${hint}; go=${String(go)}; maps=${rootsIn(context, 'maps') ?? '?'}`);
  }
  return inputRequired({
    inputRequests: { city: ask('Which city?', CITY) },
    requestState: await next({ step: 1, city, hint }),
  });
}

/** Three steps of progress, each with a log message and some time, as work takes it. */
async function count({ mcpReq }: ServerContext): Promise<CallToolResult> {
  const token = mcpReq._meta?.progressToken;
  for (let step = 1; step <= 3; step += 1) {
    await mcpReq.log('info', `step ${step}`, 'counter');
    if (token !== undefined)
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: token, progress: step, total: 3 },
      });
    await sleep(STEP_MS);
  }
  return text('counted to 3');
}

function registerAskingTools(server: McpServer): void {
  server.registerTool('greet', { description: 'Asks for a name' }, ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'name');
    if (answer.kind === 'missing')
      return inputRequired({ inputRequests: { name: ask('What is your name?', NAME) } });
    const name = acceptedContent(mcpReq.inputResponses, 'name', NAME)?.name;
    return text(
      name === undefined
        ? `No name: ${answer.kind === 'elicit' ? answer.action : '?'}`
        : `Hello, ${name}!`,
    );
  });
  server.registerTool('haiku', { description: 'Asks the model' }, (context) => {
    const line = said(context, 'line');
    if (line !== undefined) return text(`The model said: ${line}`);
    return inputRequired({ inputRequests: { line: sample('Write a haiku') } });
  });
  server.registerTool('folders', { description: 'Asks for roots' }, (context) => {
    const roots = rootsIn(context, 'roots');
    if (roots !== undefined) return text(`Roots: ${roots}`);
    return inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
  });
  server.registerTool('sign-in', { description: 'Sends the user to a page' }, ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'page');
    if (answer.kind === 'elicit') return text(`Page: ${answer.action}`);
    const url = 'https://example.com/sign-in';
    return inputRequired({
      inputRequests: { page: inputRequired.elicitUrl({ message: 'Please sign in', url }) },
    });
  });
  server.registerTool('trip', { description: 'Asks in three rounds' }, planTrip);
}

function registerPlainTools(server: McpServer, news: News): void {
  server.registerTool(
    'sum',
    {
      title: 'Sum',
      description: 'Adds',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
      annotations: { readOnlyHint: true },
    },
    ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } }),
  );
  server.registerTool('count', { description: 'Reports progress and logs' }, count);
  server.registerTool('seen', { description: 'Tells what it knows of its client' }, ({ mcpReq }) =>
    text(JSON.stringify({ envelope: mcpReq.envelope, meta: mcpReq._meta })),
  );
  server.registerTool('touch', { description: 'Updates the counter' }, () => {
    touched += 1;
    news.resourceUpdated(COUNTER);
    return text('touched');
  });
  server.registerTool('grow', { description: 'Adds another tool and names it' }, () => {
    grown += 1;
    const name = registerGrown(server, grown);
    news.toolsChanged();
    return text(name);
  });
  for (let index = 1; index <= grown; index += 1) registerGrown(server, index);
}

function registerGrown(server: McpServer, index: number): string {
  const name = `grown-${index}`;
  server.registerTool(name, { description: 'Was not there before' }, () => text(`I am ${name}`));
  return name;
}

function registerPrompts(server: McpServer): void {
  const says = (value: string) => ({
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text: value } }],
  });
  server.registerPrompt(
    'letter',
    { description: 'A letter', argsSchema: z.object({ to: z.string() }) },
    ({ to }) => says(`Write to ${to}.`),
  );
  server.registerPrompt('asked-letter', { description: 'A letter to whom?' }, ({ mcpReq }) => {
    const name = acceptedContent(mcpReq.inputResponses, 'name', NAME)?.name;
    if (name !== undefined) return says(`Write to ${name}.`);
    return inputRequired({ inputRequests: { name: ask('To whom?', NAME) } });
  });
}

function registerResources(server: McpServer): void {
  const holds = (uri: URL, value: string) => ({ contents: [{ uri: uri.href, text: value }] });
  server.registerResource('counter', COUNTER, { mimeType: 'text/plain' }, (uri) =>
    holds(uri, `touched ${touched} times`),
  );
  server.registerResource('guarded', `${scheme}://guarded`, {}, (uri, { mcpReq }) => {
    const name = acceptedContent(mcpReq.inputResponses, 'name', NAME)?.name;
    if (name !== undefined) return holds(uri, `for ${name}`);
    return inputRequired({ inputRequests: { name: ask('Who reads?', NAME) } });
  });
  const template = new ResourceTemplate(`${scheme}://by-name/{name}`, {
    list: undefined,
    complete: { name: (value) => ['ada', 'alan'].filter((name) => name.startsWith(value)) },
  });
  server.registerResource('by-name', template, {}, (uri, { name }) =>
    holds(uri, `note of ${String(name)}`),
  );
}

function build(newsOf: (server: McpServer) => News): McpServer {
  const server = new McpServer(
    { name: 'sdk-server', version: '1.0.0' },
    {
      capabilities: { logging: {}, resources: { subscribe: true, listChanged: true } },
      instructions: 'A server of the second SDK.',
      requestState: { verify: states.verify },
      cacheHints: { 'tools/list': { ttlMs: 30_000, cacheScope: 'public' } },
    },
  );
  registerAskingTools(server);
  registerPlainTools(server, newsOf(server));
  registerPrompts(server);
  registerResources(server);
  return server;
}

function serveHttp(at: number): void {
  const handler = createMcpHandler(() => build(() => handler.notify), { legacy: 'reject' });
  const respond = toNodeHandler(handler);
  const http = createServer(
    (request, response) => void respond(request as Parameters<typeof respond>[0], response),
  );
  http.listen(at, '127.0.0.1', () => process.stdout.write(`listening on ${at}\n`));
}

function serveProcess(): void {
  const newsOf = (server: McpServer): News => ({
    toolsChanged: () => server.sendToolListChanged(),
    resourceUpdated: (uri) => void server.server.sendResourceUpdated({ uri }),
  });
  serveStdio(() => build(newsOf), { legacy: 'reject' });
}

if (port === undefined) serveProcess();
else serveHttp(Number(port));

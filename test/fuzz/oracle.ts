import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/processes.ts';
import { modernSent, initializeBody } from '../support/raw-clients.ts';
import { faultOfJson, faultOfText, KEY } from './inspect.ts';
import type { Scene } from './scene.ts';

type JsonObject = Record<string, unknown>;

interface Reply {
  readonly id?: unknown;
  readonly result?: JsonObject;
  readonly error?: JsonObject;
}

/** Far above what any answer takes here, also while the machine is busy. */
const WAIT_MS = 20_000;
const HEALTH_MS = 5000;
const TOOLS = ['steady__fixture_echo', 'modest__fixture_echo'];

let count = 0;

/** What a gateway must still do after whatever was done to it. Resolves with what it does not do. */
export async function faultsOf(scene: Scene): Promise<string[]> {
  const checks: Readonly<Record<string, () => Promise<void>>> = {
    health: () => health(scene),
    legacy: () => legacy(scene),
    modern: () => modern(scene),
    stdio: () => stdio(scene),
  };
  const faults: string[] = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message.slice(0, 1000)}`);
    }
  }
  if (!scene.isAlive) faults.push('the process is gone');
  for (const line of scene.lines.splice(0)) {
    const fault = line === '' ? undefined : (faultOfText(line) ?? faultOfJson(line));
    if (fault !== undefined) faults.push(`stdio: ${fault}`);
  }
  return [...faults, ...scene.takeFaults()];
}

/** Opens a session as a client would that can be asked everything, and returns its id. */
export async function openSession(port: number): Promise<string> {
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
  const response = await post(port, initializeBody({ capabilities }));
  await response.text();
  const id = response.headers.get('mcp-session-id') ?? '';
  const told = { jsonrpc: '2.0', method: 'notifications/initialized' };
  await (await post(port, told, { 'mcp-session-id': id })).text();
  return id;
}

/** Opens the stream of HTTP+SSE as a client would; `token` is what its messages have to name, empty when it did not open. */
export async function openEvents(port: number): Promise<{ token: string; close(): void }> {
  const controller = new AbortController();
  const close = (): void => controller.abort();
  try {
    const response = await fetch(`http://127.0.0.1:${port}/sse`, {
      headers: { ...OWN, accept: 'text/event-stream' },
      signal: controller.signal,
    });
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    // What comes is to be read, or the gateway would cut the stream off.
    void drain(reader).catch(() => undefined);
    const token = /sessionId=([\w-]+)/u.exec(Buffer.from(value ?? []).toString())?.[1] ?? '';
    return { token, close };
  } catch {
    return { token: '', close };
  }
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  while ((await reader?.read())?.done === false);
}

async function health({ port }: Scene): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/healthcheck`, {
    signal: AbortSignal.timeout(HEALTH_MS),
  });
  if ((await response.text()) !== '{"status":"OK"}') throw new Error('not OK');
}

async function legacy({ port }: Scene): Promise<void> {
  const id = await openSession(port);
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  const ask = (method: string, params: JsonObject): Promise<Reply> => {
    const body = { jsonrpc: '2.0', id: (count += 1), method, params };
    return replyTo(port, body, headers);
  };
  await checkTools((method, params) => ask(method, params));
  const ended = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'DELETE',
    headers: { ...OWN, ...headers },
  });
  if (ended.status !== 200 && ended.status !== 204) throw new Error(`DELETE gave ${ended.status}`);
}

function modern({ port }: Scene): Promise<void> {
  return checkTools((method, params) => {
    const { body, headers } = modernSent(method, params, { id: (count += 1) });
    return replyTo(port, body as JsonObject, headers as Record<string, string>);
  });
}

async function checkTools(
  ask: (method: string, params: JsonObject) => Promise<Reply>,
): Promise<void> {
  const names: unknown[] = [];
  for (let cursor: unknown; ;) {
    const { result } = await ask('tools/list', cursor === undefined ? {} : { cursor });
    names.push(...((result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name));
    cursor = result?.['nextCursor'];
    if (cursor === undefined) break;
  }
  for (const name of TOOLS) {
    if (!names.includes(name)) throw new Error(`${name} is not among ${names.length} tools`);
    const nonce = `nonce-${(count += 1)}`;
    const reply = await ask('tools/call', { name, arguments: { nonce } });
    if (!JSON.stringify(reply.result ?? {}).includes(nonce))
      throw new Error(`${name} answered ${JSON.stringify(reply).slice(0, 500)}`);
  }
}

async function stdio(scene: Scene): Promise<void> {
  if (!scene.isStdioAlive) throw new Error('the process is gone');
  const id = `oracle-${(count += 1)}`;
  // Whatever came before may not have ended its line.
  scene.say(`\n${JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })}\n`);
  await eventually('a ping was answered', WAIT_MS, () =>
    scene.lines.some((line) => line.includes(id)),
  );
  await sleep(0);
}

const OWN = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'x-lunar-api-key': KEY,
  'x-forwarded-for': '192.0.2.1',
};

function post(
  port: number,
  body: JsonObject,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { ...OWN, ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(WAIT_MS),
  });
}

async function replyTo(
  port: number,
  body: JsonObject,
  headers: Record<string, string>,
): Promise<Reply> {
  const response = await post(port, body, headers);
  const text = await response.text();
  const messages = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? [...text.matchAll(/^data: (\{.*)$/gmu)].map(([, data = '']) => JSON.parse(data) as Reply)
    : [JSON.parse(text) as Reply];
  const reply = messages.find(({ id }) => id === body['id']);
  if (reply === undefined) throw new Error(`no answer: ${response.status} ${text.slice(0, 300)}`);
  return reply;
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** One of the two programs under measure, running. */
export interface Subject {
  name: string;
  /** The name by which it offers the echo tool. */
  tool: string;
  port: number;
  pid: number;
  /** The key its callers need. */
  key?: string | undefined;
  /** Ends it as an operator would; resolves with its exit code, null when it had to be killed. */
  stop(): Promise<number | null>;
}

interface Program {
  name: string;
  tool: string;
  key?: string;
  /** What Node is to run, and with which arguments. */
  args: (port: number) => string[];
  environment: (port: number, folder: string) => Promise<Record<string, string>>;
}

export interface StartSettings {
  bytes: number;
  /** Where traces are sent. */
  tracesUrl?: string | undefined;
  /** Where the process leaves a CPU profile when it ends; none without it. */
  profileFolder?: string | undefined;
}

const START_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 15_000;
const ECHO_SERVER = here('echo-server.ts');

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** The yardstick, under a name of its own so that it can also stand in for the gateway. */
export function startFloor(
  { bytes, profileFolder }: StartSettings,
  name = 'floor',
): Promise<Subject> {
  return start({
    name,
    tool: 'echo',
    args: (port) => [
      ...profiling(profileFolder),
      here('floor.ts'),
      String(port),
      process.execPath,
      ECHO_SERVER,
      String(bytes),
    ],
    environment: () => Promise.resolve({}),
  });
}

/** The gateway with one stdio server and otherwise default configuration. */
export function startGateway(settings: StartSettings): Promise<Subject> {
  return startConfigured(settings, { name: 'gateway', app: OPEN });
}

/** The same with access control: a key, a group that allows the tool, and a condition over the arguments of each call. */
export function startGuardedGateway(settings: StartSettings): Promise<Subject> {
  return startConfigured(settings, { name: 'guarded', app: GUARDED, key: 'bench-key-0123456789' });
}

/** The gateway with nothing switched on that can be switched off. */
export function startQuietGateway(settings: StartSettings): Promise<Subject> {
  return startConfigured(settings, {
    name: 'everything off',
    app: `${OPEN}${QUIET}`,
    environment: { ENABLE_METRICS: 'false' },
  });
}

/** The gateway with every record on, traces sampled at 1 %, and limits that never refuse; tokens are not counted. */
export function startRecordingGateway(settings: StartSettings): Promise<Subject> {
  return startConfigured(settings, { name: 'everything on', app: recording(settings, false) });
}

/** The same with tokens counted. */
export function startCountingGateway(settings: StartSettings): Promise<Subject> {
  return startConfigured(settings, { name: 'with tokens', app: recording(settings, true) });
}

const OPEN = 'auth: { enabled: false }\n';

const QUIET = `audit: { enabled: false }
usage: { enabled: false }
tokens: { enabled: false }
logging: { level: error }
`;

function recording({ tracesUrl }: StartSettings, isCounting: boolean): string {
  return `${OPEN}audit: { enabled: true, arguments: redacted }
usage: { enabled: true }
tokens: { enabled: ${isCounting} }
logging: { level: info }
tracing: { enabled: true, endpoint: "${tracesUrl ?? 'http://127.0.0.1:9/v1/traces'}", sampleRatio: 0.01 }
limits:
  rules:
    - { id: rate, per: [caller], rate: { calls: 1000000, per: 1s } }
    - { id: day, per: [consumer, tool], concurrency: 100000, budget: { window: day, calls: 1000000000 } }
`;
}

/** The gateway as a platform team runs it: a key, a policy of 50 rules, metrics, usage and audit on. */
export function startManagedGateway(settings: StartSettings): Promise<Subject> {
  return startConfigured(settings, { name: 'gateway', app: MANAGED, key: 'bench-key-0123456789' });
}

/** Of the 50 rules every second names this tool and reads the arguments, so that each call has to weigh it. */
const RULES = Array.from({ length: 50 }, (_, index) =>
  index % 2 === 0
    ? `  - { id: no-${index}, effect: deny, tools: ["bench/*"], when: "args.text.startsWith('secret-${index}')" }`
    : `  - { id: other-${index}, effect: deny, tools: ["other-${index}/*"] }`,
).join('\n');

const MANAGED = `auth: { enabled: true }
permissions:
  default: { allow: [everyone] }
  consumers: { others: { allow: [everyone] } }
toolGroups:
  - { name: everyone, services: { bench: [echo] } }
rules:
${RULES}
`;

const GUARDED = `auth: { enabled: true }
permissions:
  default: { allow: [everyone] }
  consumers: { others: { allow: [everyone] } }
toolGroups:
  - { name: everyone, services: { bench: [echo] } }
rules:
  - { id: no-secrets, effect: deny, tools: ["bench/*"], when: "args.text.startsWith('secret') || principal.name == 'nobody'" }
`;

interface Configured {
  readonly name: string;
  /** The text of app.yaml. */
  readonly app: string;
  readonly key?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function startConfigured(settings: StartSettings, setup: Configured): Promise<Subject> {
  const { name, key } = setup;
  return start({
    name,
    tool: 'bench__echo',
    ...(key === undefined ? {} : { key }),
    args: () => [...profiling(settings.profileFolder), here('../bin/mcpx.js'), 'serve'],
    environment: (port, folder) => gatewayEnvironment(port, folder, { ...settings, ...setup }),
  });
}

function profiling(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

async function gatewayEnvironment(
  port: number,
  folder: string,
  { bytes, app, key, environment }: StartSettings & Configured,
): Promise<Record<string, string>> {
  const server = { command: process.execPath, args: [ECHO_SERVER, String(bytes)] };
  const [serversPath, appPath] = [join(folder, 'mcp.json'), join(folder, 'app.yaml')];
  writeFileSync(serversPath, JSON.stringify({ mcpServers: { bench: server } }));
  writeFileSync(appPath, app);
  return {
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: String(port),
    SERVE_METRICS_PORT: String(await freePort()),
    SERVERS_CONFIG_PATH: serversPath,
    APP_CONFIG_PATH: appPath,
    MCPX_DATA_DIR: join(folder, 'data'),
    ...(key === undefined ? {} : { API_KEY: key }),
    ...environment,
  };
}

async function start(program: Program): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), `bench-${program.name}-`));
  const port = await freePort();
  const log = join(folder, 'output.log');
  // Only what a program needs: a key or a path of the caller's shell must not change what is measured.
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    ...(await program.environment(port, folder)),
  };
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, program.args(port), {
    env,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const stop = (): Promise<number | null> =>
    end(child).finally(() => rmSync(folder, { recursive: true, force: true }));
  try {
    await ready(child, port, program);
  } catch (error) {
    const printed = readFileSync(log, 'utf8').slice(-2000);
    await stop();
    throw new Error(`${program.name} did not come up (${String(error)}). It printed:\n${printed}`, {
      cause: error,
    });
  }
  const { name, tool, key } = program;
  return { name, tool, key, port, pid: child.pid ?? 0, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

async function ready(child: ChildProcess, port: number, { tool, key }: Program): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`);
    if (await offers(port, tool, key).catch(() => false)) return;
    if (performance.now() > deadline)
      throw new Error(`${tool} not offered within ${START_WITHIN_MS} ms`);
    await sleep(100);
  }
}

/** Whether a session of its own sees the tool in the first list. */
async function offers(port: number, tool: string, key = ''): Promise<boolean> {
  const clientInfo = { name: 'bench', version: '1.0.0' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const proof = key === '' ? {} : { 'x-lunar-api-key': key };
  const opened = await post(port, { id: 1, method: 'initialize', params }, proof);
  await opened.text();
  const session = { ...proof, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  await (await post(port, { method: 'notifications/initialized' }, session)).text();
  const listed = await (await post(port, { id: 2, method: 'tools/list' }, session)).text();
  await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'DELETE', headers: session });
  return listed.includes(`"${tool}"`);
}

function post(
  port: number,
  message: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    signal: AbortSignal.timeout(3000),
  });
}

async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(kill);
  return child.exitCode;
}
